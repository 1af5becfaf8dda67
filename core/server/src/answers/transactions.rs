//! Whole transactions: only the node has them, and its files.

use std::sync::Arc;

use electrode_coin::{Txid, header_time};
use electrode_daemon::DaemonError;
use electrode_index::IndexError;
use electrode_protocol::{Answer, BlockOfTx, RpcError};

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

/// `blockchain.transaction.get`.
pub(super) async fn get(service: &Arc<Service>, txid: Txid) -> Result<Answer, Fault> {
    Ok(Answer::TransactionHex(match place_of(service, &txid)? {
        Some(place) => confirmed(service, txid, place).await?,
        None => service.daemon.raw_transaction(&txid).await?.into(),
    }))
}

/// Gets a transaction of a block: from the node's files, from the node, which is told the block so
/// that it needs no index of its own, or, where the node is too old for that, out of the block.
async fn confirmed(service: &Arc<Service>, txid: Txid, place: Place) -> Result<Arc<[u8]>, Fault> {
    let raw = match raw_transactions::read(service, txid, place).await {
        Some(raw) => raw,
        None => {
            let given = service.daemon.confirmed_transaction(&txid, &place.block);
            match given.await? {
                Some(raw) => raw,
                None => raw_transactions::cut_out(service, txid, place).await?,
            }
        }
    };
    let raw: Arc<[u8]> = raw.into();
    let Place { height, block, .. } = place;
    service.transactions.remember(txid, height, block, &raw);
    Ok(raw)
}

/// `blockchain.transaction.get`, verbose: as the node explains it.
pub(super) async fn explain(service: &Arc<Service>, txid: Txid) -> Result<Answer, Fault> {
    let Some(place) = place_of(service, &txid)? else {
        let explained = service.daemon.verbose_transaction(&txid).await?;
        return Ok(Answer::DaemonJson(explained));
    };
    let explained = service
        .daemon
        .verbose_confirmed_transaction(&txid, &place.block);
    match explained.await? {
        Some(explained) => Ok(Answer::DaemonJson(explained)),
        None => explain_out_of_block(service, txid, place).await,
    }
}

/// Has the node explain a transaction that it cannot find, and adds what it does not see then.
async fn explain_out_of_block(
    service: &Arc<Service>,
    txid: Txid,
    place: Place,
) -> Result<Answer, Fault> {
    let snapshot = service.snapshot().ok_or(Fault::NotReady)?;
    let raw = confirmed(service, txid, place).await?;
    let decoded = service.daemon.decode_transaction(&raw).await?;
    let header = snapshot.index.headers(place.height, 1)?;
    let block = BlockOfTx {
        hash: place.block,
        time: header_time(&header.bytes),
        confirmations: snapshot.tip().height.0.saturating_sub(place.height.0) + 1,
    };
    Ok(Answer::explained_transaction(decoded, &raw, &block))
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
        Err(error) => Err(refusal(error, |message| {
            RpcError::rejected_transaction(message, &raw)
        })),
    }
}

/// Tells a verdict of the node on what it was given from a failure of its own.
fn refusal(error: DaemonError, rejected: impl FnOnce(&str) -> RpcError) -> Fault {
    match error.rpc() {
        Some((_, message)) if error.is_verdict() => rejected(message).into(),
        _ if error.may_have_arrived() => RpcError::daemon(
            "the node did not answer: the transaction may have been sent, look for it before \
             sending it again",
        )
        .into(),
        _ => error.into(),
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
        Err(error) => Err(refusal(error, RpcError::rejected_package)),
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
