//! What belongs to a script: one confirmed part, one of the mempool, of the same tip.

use electrode_coin::{Height, ScriptHash, TxNum};
use electrode_index::IndexError;
use electrode_protocol::{Answer, Unspent};

use super::{Fault, Read};
use crate::{Service, Snapshot, status_cache::mempool_entries};

/// `blockchain.scripthash.get_balance`.
pub(super) fn balance(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, rows: usize| {
        // The answer has two numbers, however many outputs they stand for.
        let rows = if rows >= service.config.limits.max_history() {
            usize::MAX
        } else {
            rows
        };
        Ok(Answer::Balance {
            confirmed: snapshot.index.balance(&script.key(), rows)?,
            unconfirmed: snapshot.mempool.balance_delta(&script.key()),
        })
    }
}

/// `blockchain.scripthash.get_history`.
pub(super) fn history(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, rows: usize| {
        let confirmed = snapshot.index.history(&script.key(), TxNum(0), rows)?;
        let mempool = mempool_entries(snapshot, &script.key());
        if confirmed.len() + mempool.len() > service.config.limits.max_history() {
            return Err(Fault::Index(IndexError::HistoryTooLarge));
        }
        let confirmed = confirmed
            .into_iter()
            .map(|tx| (tx.txid, tx.height))
            .collect();
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
    move |_: &Service, snapshot: &Snapshot, rows: usize| {
        let confirmed = snapshot.index.unspent(&script.key(), rows)?;
        let confirmed = confirmed
            .into_iter()
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
        let max = service.config.limits.max_history();
        let status = service
            .statuses
            .status(snapshot, &script.key(), rows, max)?;
        Ok(Answer::Status(status))
    }
}
