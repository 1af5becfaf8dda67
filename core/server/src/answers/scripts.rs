//! What belongs to a script: one confirmed part, one of the mempool, of the same tip.

use std::sync::Arc;

use electrode_coin::{Height, Sats, ScriptHash, TxNum};
use electrode_index::{IndexError, UnspentOutput};
use electrode_protocol::{Answer, Unspent};

use super::{Fault, Read};
use crate::{Service, Snapshot, status_cache::mempool_entries};

/// `blockchain.scripthash.get_balance`.
pub(super) fn balance(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, rows: usize| {
        let confirmed = match confirmed_unspent(service, snapshot, &script, rows) {
            Ok(outputs) => {
                let values = outputs.iter().map(|output| output.value.0);
                Sats(values.fold(0, u64::saturating_add))
            }
            // The answer has two numbers, however many outputs they stand for.
            Err(IndexError::HistoryTooLarge) if rows >= service.limits().max_history() => {
                snapshot.index.balance(&script.key(), usize::MAX)?
            }
            Err(error) => return Err(error.into()),
        };
        let unconfirmed = snapshot.mempool.balance_delta(&script.key());
        Ok(Answer::Balance {
            confirmed,
            unconfirmed,
        })
    }
}

/// `blockchain.scripthash.get_history`.
pub(super) fn history(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, rows: usize| {
        let key = script.key();
        let confirmed = service.histories.rows(snapshot, &key, rows, || {
            let history = snapshot.index.history(&key, TxNum(0), rows)?;
            Ok(history.into_iter().map(|tx| (tx.txid, tx.height)).collect())
        })?;
        let mempool = mempool_entries(snapshot, &key);
        if confirmed.len() + mempool.len() > service.limits().max_history() {
            return Err(Fault::Index(IndexError::HistoryTooLarge));
        }
        Ok(Answer::History { confirmed, mempool })
    }
}

/// `blockchain.scripthash.get_mempool`.
pub(super) fn mempool(script: ScriptHash) -> impl Read {
    move |_: &Service, snapshot: &Snapshot, _| {
        Ok(Answer::Mempool(mempool_entries(snapshot, &script.key())))
    }
}

/// `blockchain.scripthash.listunspent`: confirmed outputs in chain order, then those of the
/// mempool, without any that the mempool spends.
pub(super) fn unspent(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, rows: usize| {
        let confirmed = confirmed_unspent(service, snapshot, &script, rows)?;
        let confirmed = confirmed
            .iter()
            .filter(|output| snapshot.mempool.spends(&output.outpoint).is_none())
            .map(|output| (output.outpoint, output.height, output.value));
        let mempool = snapshot.mempool.unspent(&script.key());
        let mempool = mempool
            .into_iter()
            .map(|output| (output.outpoint, Height(0), output.value));
        let unspent = confirmed
            .chain(mempool)
            .map(|(outpoint, height, value)| Unspent {
                txid: outpoint.txid,
                vout: outpoint.vout,
                height,
                value,
            });
        Ok(Answer::Unspent(unspent.collect()))
    }
}

/// `blockchain.scripthash.subscribe`, the part that answers.
pub(super) fn status(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, rows: usize| {
        let max = service.limits().max_history();
        let status = service
            .statuses
            .status(snapshot, &script.key(), rows, max)?;
        Ok(Answer::Status(status))
    }
}

fn confirmed_unspent(
    service: &Service,
    snapshot: &Snapshot,
    script: &ScriptHash,
    rows: usize,
) -> Result<Arc<[UnspentOutput]>, IndexError> {
    let key = script.key();
    service
        .unspent
        .rows(snapshot, &key, rows, || snapshot.index.unspent(&key, rows))
}
