//! From names to numbers: which transaction and which output a foreign name means.

use electrode_coin::{OutPoint, TxNum, Txid};
use rayon::prelude::*;

use crate::{
    IndexError,
    places::RecentRuns,
    run::{OlderSpend, Run},
    schema::{
        OutputNum, Spent, Table, parse_amount, parse_script_key, txid_key_tx_num, txid_prefix,
    },
    snapshot::{Cursor, PinnedSnapshot},
    store::Store,
};

/// Bytes of a txid in its flat file.
pub(crate) const TXID_LEN: u64 = 32;

/// Finds the numbers of the transactions with this txid, the newest first.
///
/// There is more than one only for the coinbases that were made twice before BIP30.
/// Cost: one seek and a read for each candidate, of which there is nearly always one.
pub(crate) fn tx_nums(
    store: &Store,
    txids: &mut Cursor<'_>,
    txid: &Txid,
    tx_count: TxNum,
) -> Result<Vec<TxNum>, IndexError> {
    let mut candidates = Vec::new();
    txids.keys(&txid_prefix(txid), |key| {
        candidates.push(txid_key_tx_num(key)?);
        Ok(())
    })?;
    let mut found = Vec::with_capacity(1);
    for tx_num in candidates
        .into_iter()
        .rev()
        .filter(|tx_num| *tx_num < tx_count)
    {
        if txid_at(store, tx_num)? == *txid {
            found.push(tx_num);
        }
    }
    Ok(found)
}

/// Reads the txid of a transaction.
pub(crate) fn txid_at(store: &Store, tx_num: TxNum) -> Result<Txid, IndexError> {
    let mut txid = Txid::default();
    store.txids.read(tx_num.0 * TXID_LEN, &mut txid.0)?;
    Ok(txid)
}

/// Spends that one thread looks up at a time.
const SPENDS: usize = 1024;

/// Finds the older outputs that a run spends; in the order of [`Run::older`].
///
/// Cost: those of recent runs take a read of 32 bytes where the node said what they are. The
/// others are looked up in the order of their txids, so that neighbours share reads.
pub(crate) fn older_outputs(
    store: &Store,
    recent: &RecentRuns,
    run: &Run,
) -> Result<Vec<Spent>, IndexError> {
    let search = run
        .older
        .par_iter()
        .map(|spend| recent_output(store, recent, spend));
    let mut found = search.collect::<Result<Vec<_>, _>>()?;
    let mut missing: Vec<_> = (0usize..)
        .zip(&run.older)
        .zip(&found)
        .filter_map(|(spend, found)| found.is_none().then_some(spend))
        .collect();
    missing.par_sort_unstable_by_key(|(_, spend)| spend.outpoint);
    let rows = store.snapshot();
    let find_all = |spends: &[(usize, &OlderSpend)]| -> Result<Vec<_>, IndexError> {
        let mut txids = rows.cursor(Table::TxByTxid)?;
        let find = |(position, spend): &(usize, &OlderSpend)| {
            let tx_nums = tx_nums(store, &mut txids, &spend.outpoint.txid, run.base)?;
            let output = spent_output(&rows, spend, &tx_nums)?;
            let OlderSpend {
                outpoint, height, ..
            } = **spend;
            Ok((
                *position,
                output.ok_or(IndexError::MissingOutput { height, outpoint })?,
            ))
        };
        spends.iter().map(find).collect()
    };
    let searched: Result<Vec<_>, IndexError> = missing.par_chunks(SPENDS).map(find_all).collect();
    for (position, output) in searched?.into_iter().flatten() {
        if let Some(place) = found.get_mut(position) {
            *place = Some(output);
        }
    }
    Ok(found.into_iter().flatten().collect())
}

/// Finds a spent output that the node told of among the transactions of recent runs.
fn recent_output(
    store: &Store,
    recent: &RecentRuns,
    spend: &OlderSpend,
) -> Result<Option<Spent>, IndexError> {
    let Some((script, value)) = spend.spent else {
        return Ok(None);
    };
    let OutPoint { txid, vout } = spend.outpoint;
    let tx_num = recent.find(store, &txid)?;
    Ok(tx_num.map(|tx_num| Spent {
        output: OutputNum { tx_num, vout },
        script,
        value,
    }))
}

/// Finds a spent output of one of these transactions. What the node said of it spares two reads.
fn spent_output(
    rows: &PinnedSnapshot,
    spend: &OlderSpend,
    tx_nums: &[TxNum],
) -> Result<Option<Spent>, IndexError> {
    let OlderSpend {
        outpoint, spent, ..
    } = *spend;
    match (spent, tx_nums) {
        (Some((script, value)), [tx_num]) => Ok(Some(Spent {
            output: OutputNum {
                tx_num: *tx_num,
                vout: outpoint.vout,
            },
            script,
            value,
        })),
        _ => first_unspent(rows, tx_nums, outpoint.vout),
    }
}

/// Finds an unspent output by its name.
///
/// Cost: a transaction lookup and two point reads.
pub(crate) fn unspent_output(
    store: &Store,
    rows: &PinnedSnapshot,
    outpoint: &OutPoint,
    tx_count: TxNum,
) -> Result<Option<Spent>, IndexError> {
    let mut txids = rows.cursor(Table::TxByTxid)?;
    let tx_nums = tx_nums(store, &mut txids, &outpoint.txid, tx_count)?;
    first_unspent(rows, &tx_nums, outpoint.vout)
}

/// Finds the first of the outputs at `vout` of some transactions that is unspent.
fn first_unspent(
    rows: &PinnedSnapshot,
    tx_nums: &[TxNum],
    vout: u32,
) -> Result<Option<Spent>, IndexError> {
    for tx_num in tx_nums.iter().copied() {
        let output = OutputNum { tx_num, vout };
        let Some(script) = rows.get(Table::Outpoints, output.key())? else {
            continue;
        };
        let script = parse_script_key(&script)?;
        let amount = rows
            .get(Table::Unspent, output.unspent_key(script))?
            .ok_or(IndexError::damaged("unspent row of an outpoint"))?;
        return Ok(Some(Spent {
            output,
            script,
            value: parse_amount(&amount)?,
        }));
    }
    Ok(None)
}
