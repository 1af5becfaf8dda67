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

/// `blockchain.transaction.get` of one that is remembered.
pub(super) fn remembered(service: &Service, txid: &Txid) -> Option<Answer> {
    let raw = service.transactions.get(&*service.snapshot()?, txid)?;
    Some(Answer::TransactionHex(raw))
}

/// `blockchain.transaction.get`. The node is told the block, so that it needs no index of its own.
pub(super) async fn get(service: &Arc<Service>, txid: Txid) -> Result<Answer, Fault> {
    let Some(place) = place_of(service, &txid)? else {
        let raw = service.daemon.raw_transaction(&txid, None).await?;
        return Ok(Answer::TransactionHex(raw.into()));
    };
    let raw: Arc<[u8]> = match raw_transactions::read(service, txid, place).await {
        Some(raw) => raw.into(),
        None => service
            .daemon
            .raw_transaction(&txid, Some(&place.block))
            .await?
            .into(),
    };
    let Place { height, block, .. } = place;
    service.transactions.remember(txid, height, block, &raw);
    Ok(Answer::TransactionHex(raw))
}

/// `blockchain.transaction.get`, verbose: as the node explains it.
pub(super) async fn explain(service: &Service, txid: Txid) -> Result<Answer, Fault> {
    let block = place_of(service, &txid)?.map(|place| place.block);
    let explained = service.daemon.verbose_transaction(&txid, block.as_ref());
    Ok(Answer::DaemonJson(explained.await?))
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
