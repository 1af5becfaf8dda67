//! From names to numbers: which transaction and which output a foreign name means.

use electrode_coin::{OutPoint, TxNum, Txid};

use crate::{
    IndexError,
    schema::{
        OutputNum, Spent, Table, parse_amount, parse_script_key, txid_key_tx_num, txid_prefix,
    },
    snapshot::PinnedSnapshot,
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
    rows: &PinnedSnapshot,
    txid: &Txid,
    tx_count: TxNum,
) -> Result<Vec<TxNum>, IndexError> {
    let prefix = txid_prefix(txid);
    let mut candidates = Vec::new();
    rows.scan(Table::TxByTxid, &prefix, &prefix, |key, _| {
        candidates.push(txid_key_tx_num(key)?);
        Ok(true)
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

/// Finds an unspent output by its name.
///
/// Cost: a transaction lookup and two point reads.
pub(crate) fn unspent_output(
    store: &Store,
    rows: &PinnedSnapshot,
    outpoint: &OutPoint,
    tx_count: TxNum,
) -> Result<Option<Spent>, IndexError> {
    for tx_num in tx_nums(store, rows, &outpoint.txid, tx_count)? {
        let output = OutputNum {
            tx_num,
            vout: outpoint.vout,
        };
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
