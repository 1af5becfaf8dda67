//! Whole transactions: only the node has them.

use electrode_coin::{BlockHash, Txid};
use electrode_daemon::DaemonError;
use electrode_index::IndexError;
use electrode_protocol::{Answer, RpcError};

use super::Fault;
use crate::{
    Service,
    session_info::{Count, SessionInfo},
};

/// `blockchain.transaction.get`. The node is told the block, so that it needs no index of its own.
pub(super) async fn get(service: &Service, txid: Txid, verbose: bool) -> Result<Answer, Fault> {
    let block = block_of(service, &txid)?;
    if verbose {
        let json = service
            .daemon
            .verbose_transaction(&txid, block.as_ref())
            .await?;
        return Ok(Answer::DaemonJson(json));
    }
    let raw = service
        .daemon
        .raw_transaction(&txid, block.as_ref())
        .await?;
    Ok(Answer::TransactionHex(raw))
}

/// `blockchain.transaction.broadcast`.
pub(super) async fn broadcast(
    service: &Service,
    info: &SessionInfo,
    raw: String,
) -> Result<Answer, Fault> {
    match service.daemon.broadcast(&raw).await {
        Ok(txid) => {
            service.note_broadcast();
            info.count(Count::Broadcasts, 1);
            tracing::info!(%txid, "broadcast a transaction");
            Ok(Answer::Txid(txid))
        }
        Err(DaemonError::Rpc { message, .. }) => {
            Err(RpcError::rejected_transaction(&message, &raw).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// `blockchain.transaction.broadcast_package`.
pub(super) async fn broadcast_package(
    service: &Service,
    info: &SessionInfo,
    raws: Vec<String>,
    verbose: bool,
) -> Result<Answer, Fault> {
    match service.daemon.submit_package(&raws).await {
        Ok(result) => {
            service.note_broadcast();
            info.count(Count::Broadcasts, 1);
            Ok(if verbose {
                Answer::daemon_value(&result)
            } else {
                Answer::package_result(&result)
            })
        }
        Err(DaemonError::Rpc { message, .. }) => Err(RpcError::rejected_package(&message).into()),
        Err(error) => Err(error.into()),
    }
}

/// Finds the block that holds a transaction; `None` for one of the mempool, and for one that only
/// the node may know.
fn block_of(service: &Service, txid: &Txid) -> Result<Option<BlockHash>, Fault> {
    let snapshot = service.snapshot().ok_or(Fault::NotReady)?;
    match snapshot.index.find(txid) {
        Ok(found) => Ok(found.and_then(|tx| snapshot.index.block_hash(tx.height))),
        Err(IndexError::Reorganised) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
