//! What belongs to an address, a script or a script hash.

use std::sync::Arc;

use electrode_coin::{Height, Sats, ScriptHash, TxNum};
use electrode_index::IndexError;
use electrode_protocol::{
    AdminAnswer, ItemLimit, MempoolHeight, Queried, QueriedOutput, QueriedTransaction, RpcError,
};
use tokio::task;

use crate::{Service, Snapshot, numbers::as_u64, status_cache::mempool_entries};

/// Rows of one script that are read at most, however few are shown.
const MAX_ROWS: usize = 2_000_000;

/// Looks items up, one after the other, off the network threads.
pub(super) async fn query(
    service: &Arc<Service>,
    items: Vec<String>,
    limit: ItemLimit,
    verbose: bool,
) -> Result<AdminAnswer, RpcError> {
    let snapshot = service
        .snapshot()
        .ok_or_else(|| RpcError::bad_request("there is no index to ask yet: see getinfo"))?;
    let service = Arc::clone(service);
    let looked_up = task::spawn_blocking(move || {
        let look_up = |item| look_up(&service, &snapshot, item, limit);
        items
            .into_iter()
            .map(look_up)
            .collect::<Result<Vec<_>, _>>()
    });
    let queried = looked_up
        .await
        .map_err(|_panicked| RpcError::internal())??;
    Ok(match verbose {
        true => AdminAnswer::Queried(queried),
        false => AdminAnswer::Lines(queried.iter().flat_map(Queried::lines).collect()),
    })
}

fn look_up(
    service: &Service,
    snapshot: &Snapshot,
    item: String,
    ItemLimit(limit): ItemLimit,
) -> Result<Queried, RpcError> {
    let Some((kind, script_hash)) = understand(service, &item) else {
        return Ok(Queried::unrecognised(item));
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut history = history(snapshot, &script_hash)?;
    let (confirmed, mut unspent) = unspent(snapshot, &script_hash)?;
    let (history_count, unspent_count) = (as_u64(history.len()), as_u64(unspent.len()));
    history.truncate(limit);
    unspent.truncate(limit);
    Ok(Queried {
        item,
        kind: kind.to_owned(),
        script_hash: Some(script_hash),
        history,
        history_count,
        unspent,
        unspent_count,
        confirmed,
        unconfirmed: snapshot.mempool.balance_delta(&script_hash.key()),
    })
}

/// Tells what an item is. 64 hexadecimal digits are a script hash: no script in use is that long
/// and no longer.
fn understand(service: &Service, item: &str) -> Option<(&'static str, ScriptHash)> {
    if let Ok(script_hash) = item.parse() {
        return Some(("Script hash", script_hash));
    }
    if let Some(script) = electrode_protocol::decode_hex(item) {
        return Some(("Script", ScriptHash::of(&script)));
    }
    let script = service.coin.address_to_script(item).ok()?;
    Some(("Address", ScriptHash::of(&script)))
}

fn history(
    snapshot: &Snapshot,
    script_hash: &ScriptHash,
) -> Result<Vec<QueriedTransaction>, RpcError> {
    let key = script_hash.key();
    let confirmed = snapshot
        .index
        .history(&key, TxNum(0), MAX_ROWS)
        .map_err(unreadable)?;
    let confirmed = confirmed.into_iter().map(|tx| QueriedTransaction {
        tx_hash: tx.txid,
        height: i64::from(tx.height.0),
    });
    let mempool = mempool_entries(snapshot, &key).into_iter();
    let mempool = mempool.map(|entry| QueriedTransaction {
        tx_hash: entry.txid,
        height: match entry.height {
            MempoolHeight::AllConfirmed => 0,
            MempoolHeight::UnconfirmedInputs => -1,
        },
    });
    Ok(confirmed.chain(mempool).collect())
}

/// Gives the confirmed balance, and the outputs that neither a block nor the mempool spends.
fn unspent(
    snapshot: &Snapshot,
    script_hash: &ScriptHash,
) -> Result<(Sats, Vec<QueriedOutput>), RpcError> {
    let key = script_hash.key();
    let confirmed = snapshot.index.unspent(&key, MAX_ROWS).map_err(unreadable)?;
    let sum = confirmed
        .iter()
        .fold(0_u64, |sum, output| sum.saturating_add(output.value.0));
    let confirmed = confirmed
        .into_iter()
        .filter(|output| snapshot.mempool.spends(&output.outpoint).is_none());
    let confirmed = confirmed.map(|output| {
        let Height(height) = output.height;
        QueriedOutput::new(output.outpoint, i64::from(height), output.value)
    });
    let mempool = snapshot.mempool.unspent(&key).into_iter();
    let mempool = mempool.map(|output| QueriedOutput::new(output.outpoint, 0, output.value));
    Ok((Sats(sum), confirmed.chain(mempool).collect()))
}

fn unreadable(error: IndexError) -> RpcError {
    match error {
        IndexError::HistoryTooLarge => RpcError::history_too_large(),
        IndexError::Reorganised => RpcError::busy(),
        error => {
            tracing::error!(%error, "a query failed");
            RpcError::internal()
        }
    }
}
