//! Disconnecting the tip: exactly undoing what connecting it did, from the index alone.

use electrode_coin::{Height, ScriptKey, TxNum};
use rocksdb::{DBRawIterator, ReadOptions};

use crate::{
    IndexError,
    commit::Rows,
    lookup,
    schema::{
        OutputNum, ScriptTx, Spent, Table, TxidKey, Undo, amount_value, history_row, outputs_from,
        parse_script_key, parse_undo, push_history_value, undo_key,
    },
    snapshot::PinnedSnapshot,
    store::Store,
};

/// Writes the rows that take back the block at `height`, whose transactions have the numbers
/// `tx_nums`, and gives the scripts it touched.
pub(crate) fn disconnect(
    store: &Store,
    height: Height,
    tx_nums: std::ops::Range<u64>,
    rows: &mut dyn Rows,
) -> Result<Vec<ScriptKey>, IndexError> {
    let before = store.snapshot();
    let undo = before
        .get(Table::Undo, undo_key(height))?
        .ok_or(IndexError::NoUndo { height })?;
    let Undo { spent, further } = parse_undo(&undo)?;
    let first = TxNum(tx_nums.start);
    let created = outputs_since(&before, first)?;

    remove_outputs(&created, rows)?;
    restore_outputs(&spent, first, rows)?;
    for tx_num in tx_nums.map(TxNum) {
        let txid = lookup::txid_at(store, tx_num)?;
        rows.delete(
            Table::TxByTxid,
            TxidKey::new(&txid, tx_num).row_key().as_ref(),
        )?;
    }
    rows.delete(Table::Undo, &undo_key(height))?;

    let created = created.iter().map(|(_, script)| *script);
    let mut touched: Vec<_> = created
        .chain(spent.iter().map(|spent| spent.script))
        .chain(further)
        .collect();
    touched.sort_unstable();
    touched.dedup();
    let mut history = store
        .db()
        .raw_iterator_cf_opt(store.table(Table::History)?, ReadOptions::default());
    for script in &touched {
        cut_history(&mut history, *script, first, rows)?;
    }
    Ok(touched)
}

/// Finds the unspent outputs of the transactions from `first` on. Those that the block spends
/// itself are in its undo row.
fn outputs_since(
    rows: &PinnedSnapshot,
    first: TxNum,
) -> Result<Vec<(OutputNum, ScriptKey)>, IndexError> {
    let mut outputs = Vec::new();
    rows.scan(
        Table::Outpoints,
        &[],
        outputs_from(first).as_ref(),
        |key, value| {
            outputs.push((OutputNum::parse(key)?, parse_script_key(value)?));
            Ok(true)
        },
    )?;
    Ok(outputs)
}

fn remove_outputs(
    created: &[(OutputNum, ScriptKey)],
    rows: &mut dyn Rows,
) -> Result<(), IndexError> {
    for (output, script) in created {
        rows.delete(Table::Outpoints, output.key().as_ref())?;
        rows.delete(Table::Unspent, output.unspent_key(*script).as_ref())?;
    }
    Ok(())
}

fn restore_outputs(spent: &[Spent], first: TxNum, rows: &mut dyn Rows) -> Result<(), IndexError> {
    for Spent {
        output,
        script,
        value,
    } in spent
    {
        rows.delete(Table::Spends, output.key().as_ref())?;
        if output.tx_num < first {
            rows.put(Table::Outpoints, output.key().as_ref(), &script.0)?;
            let key = output.unspent_key(*script);
            rows.put(Table::Unspent, key.as_ref(), &amount_value(*value))?;
        }
    }
    Ok(())
}

/// Drops the entries from `first` on, going back from the last row of the script.
fn cut_history(
    history: &mut DBRawIterator<'_>,
    script: ScriptKey,
    first: TxNum,
    rows: &mut dyn Rows,
) -> Result<(), IndexError> {
    history.seek_for_prev(ScriptTx::new(script, TxNum(u64::MAX)).row_key());
    while let Some((key, value)) = history.item() {
        let start = ScriptTx::parse(key)?;
        if start.key() != script {
            break;
        }
        if start.tx_num() < first {
            return cut_row(key, value, first, rows);
        }
        rows.delete(Table::History, key)?;
        history.prev();
    }
    Ok(history.status()?)
}

fn cut_row(key: &[u8], value: &[u8], first: TxNum, rows: &mut dyn Rows) -> Result<(), IndexError> {
    let script = ScriptTx::parse(key)?.key();
    let mut kept = Vec::new();
    history_row(key, value, |tx_num| {
        if tx_num < first {
            kept.push(ScriptTx::new(script, tx_num));
        }
    })?;
    let mut cut = Vec::with_capacity(value.len());
    push_history_value(&mut cut, &kept);
    if cut == value {
        Ok(())
    } else {
        rows.put(Table::History, key, &cut)
    }
}
