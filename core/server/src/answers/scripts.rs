//! What belongs to a script: one confirmed part, one of the mempool, of the same tip.

use std::sync::Arc;

use electrode_coin::{Height, Sats, ScriptHash, TxNum};
use electrode_index::{IndexError, UnspentOutput};
use electrode_protocol::{Answer, Unspent};

use super::{Fault, Found, Read};
use crate::{Service, Snapshot, costs::Origin, status_cache::mempool_entries};

/// `blockchain.scripthash.get_balance`.
pub(super) fn balance(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, rows: usize| {
        let (confirmed, outputs) = match confirmed_unspent(service, snapshot, &script, rows) {
            Ok((outputs, _)) => {
                let values = outputs.iter().map(|output| output.value.0);
                (Sats(values.fold(0, u64::saturating_add)), outputs.len())
            }
            // The answer has two numbers, however many outputs they stand for.
            Err(IndexError::HistoryTooLarge) if rows >= service.limits().max_history() => {
                let confirmed = snapshot.index.balance(&script.key(), usize::MAX)?;
                (confirmed, rows)
            }
            Err(error) => return Err(error.into()),
        };
        let unconfirmed = snapshot.mempool.balance_delta(&script.key());
        Ok(Found {
            answer: Answer::Balance {
                confirmed,
                unconfirmed,
            },
            cost: service.limits().costs.prices.entries(outputs),
        })
    }
}

/// `blockchain.scripthash.get_history`.
pub(super) fn history(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, rows: usize| {
        let key = script.key();
        let (confirmed, origin) = service.histories.rows(snapshot, &key, rows, || {
            let history = snapshot.index.history(&key, TxNum(0), rows)?;
            Ok(history.into_iter().map(|tx| (tx.txid, tx.height)).collect())
        })?;
        let mempool = mempool_entries(snapshot, &key);
        let limits = service.limits();
        if confirmed.len() + mempool.len() > limits.max_history() {
            return Err(Fault::Index(IndexError::HistoryTooLarge));
        }
        let prices = &limits.costs.prices;
        Ok(Found {
            cost: prices.history(confirmed.len(), origin) + prices.entries(mempool.len()),
            answer: Answer::History { confirmed, mempool },
        })
    }
}

/// `blockchain.scripthash.get_mempool`.
pub(super) fn mempool(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, _| {
        let entries = mempool_entries(snapshot, &script.key());
        Ok(Found {
            cost: service.limits().costs.prices.entries(entries.len()),
            answer: Answer::Mempool(entries),
        })
    }
}

/// `blockchain.scripthash.listunspent`: confirmed outputs in chain order, then those of the
/// mempool, without any that the mempool spends.
pub(super) fn unspent(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, rows: usize| {
        let (confirmed, _) = confirmed_unspent(service, snapshot, &script, rows)?;
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
        let unspent: Vec<_> = unspent.collect();
        Ok(Found {
            cost: service.limits().costs.prices.entries(unspent.len()),
            answer: Answer::Unspent(unspent),
        })
    }
}

/// `blockchain.scripthash.subscribe`, the part that answers.
pub(super) fn status(script: ScriptHash) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, rows: usize| {
        let limits = service.limits();
        let max = limits.max_history();
        let key = script.key();
        let computed = service.statuses.status(snapshot, &key, rows, max)?;
        Ok(Found {
            answer: Answer::Status(computed.status),
            cost: limits
                .costs
                .prices
                .status(computed.entries, computed.origin),
        })
    }
}

fn confirmed_unspent(
    service: &Service,
    snapshot: &Snapshot,
    script: &ScriptHash,
    rows: usize,
) -> Result<(Arc<[UnspentOutput]>, Origin), IndexError> {
    let key = script.key();
    service
        .unspent
        .rows(snapshot, &key, rows, || snapshot.index.unspent(&key, rows))
}
