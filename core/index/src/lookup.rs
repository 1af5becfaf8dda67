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
/// Cost: they are looked up in the order of their txids, so that neighbours share reads.
pub(crate) fn older_outputs(
    store: &Store,
    recent: &RecentRuns,
    run: &Run,
) -> Result<Vec<Spent>, IndexError> {
    let older = Older {
        store,
        recent,
        rows: store.snapshot(),
        base: run.base,
    };
    let mut sorted: Vec<_> = (0usize..).zip(&run.older).collect();
    sorted.par_sort_unstable_by_key(|(_, spend)| spend.outpoint);
    let find_all = |spends: &[(usize, &OlderSpend)]| -> Result<Vec<_>, IndexError> {
        let mut txids = older.rows.cursor(Table::TxByTxid)?;
        let find = |(position, spend): &(usize, &OlderSpend)| {
            let OlderSpend {
                outpoint, height, ..
            } = **spend;
            let missing = IndexError::MissingOutput { height, outpoint };
            Ok((*position, older.find(&mut txids, spend)?.ok_or(missing)?))
        };
        spends.iter().map(find).collect()
    };
    let found: Result<Vec<_>, IndexError> = sorted.par_chunks(SPENDS).map(find_all).collect();
    let mut found: Vec<_> = found?.into_iter().flatten().collect();
    found.par_sort_unstable_by_key(|(position, _)| *position);
    Ok(found.into_iter().map(|(_, spent)| spent).collect())
}

/// What was indexed before a run.
struct Older<'a> {
    store: &'a Store,
    recent: &'a RecentRuns,
    rows: PinnedSnapshot,
    base: TxNum,
}

impl Older<'_> {
    /// Finds an output that is spent. What the node said of it spares two reads.
    fn find(
        &self,
        txids: &mut Cursor<'_>,
        spend: &OlderSpend,
    ) -> Result<Option<Spent>, IndexError> {
        let OlderSpend {
            outpoint, spent, ..
        } = spend;
        let tx_nums = match self.recent.find(self.store, &outpoint.txid)? {
            Some(tx_num) => vec![tx_num],
            None => tx_nums(self.store, txids, &outpoint.txid, self.base)?,
        };
        if let Some((script, value)) = *spent
            && let [tx_num] = tx_nums[..]
        {
            let output = OutputNum {
                tx_num,
                vout: outpoint.vout,
            };
            return Ok(Some(Spent {
                output,
                script,
                value,
            }));
        }
        first_unspent(&self.rows, &tx_nums, outpoint.vout)
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
            .ok_or(IndexError::corrupt("unspent row of an outpoint"))?;
        return Ok(Some(Spent {
            output,
            script,
            value: parse_amount(&amount)?,
        }));
    }
    Ok(None)
}
