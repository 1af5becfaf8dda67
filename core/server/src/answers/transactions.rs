//! Whole transactions: only the node has them, and its files.

use std::sync::Arc;

use electrode_coin::Txid;
use electrode_daemon::DaemonError;
use electrode_index::IndexError;
use electrode_protocol::{Answer, RpcError};

use super::Fault;
use crate::{
    Service,
    raw_transactions::{self, Place},
    session_info::{Count, SessionInfo},
};

/// `blockchain.transaction.get`. The node is told the block, so that it needs no index of its own.
pub(super) async fn get(
    service: &Arc<Service>,
    txid: Txid,
    verbose: bool,
) -> Result<Answer, Fault> {
    let place = place_of(service, &txid)?;
    let block = place.map(|place| place.block);
    if verbose {
        let json = service
            .daemon
            .verbose_transaction(&txid, block.as_ref())
            .await?;
        return Ok(Answer::DaemonJson(json));
    }
    if let Some(place) = place
        && let Some(raw) = raw_transactions::read(service, txid, place).await
    {
        return Ok(Answer::TransactionHex(raw));
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

/// Finds where a transaction stands in the chain; `None` for one of the mempool, and for one that
/// only the node may know.
fn place_of(service: &Service, txid: &Txid) -> Result<Option<Place>, Fault> {
    let snapshot = service.snapshot().ok_or(Fault::NotReady)?;
    match snapshot.index.find(txid) {
        Ok(found) => Ok(found.and_then(|tx| Place::of(&tx, &snapshot.index))),
        Err(IndexError::Reorganised) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
