//! What connecting a run changes: the rows of each table, in key order.

use electrode_coin::{Height, ScriptKey, TxNum};
use rayon::prelude::*;

use crate::{
    IndexError,
    commit::Rows,
    lookup,
    run::{Run, SlotState},
    schema::{
        HISTORY_ROW_ENTRIES, OutputNum, ScriptTx, Spent, Table, TxidKey, Undo, amount_value,
        push_history_value, spender_value, undo_key, undo_value,
    },
    store::Store,
};

/// A run of which everything is known.
pub(crate) struct Changes<'a> {
    run: &'a Run,
    /// The older outputs that the run spends, in the order of [`Run::older`].
    older: Vec<Spent>,
    /// Blocks from here on can be disconnected later.
    undo_from: Height,
}

impl<'a> Changes<'a> {
    /// Tables that a run changes, those that take longest first.
    pub(crate) const TABLES: [Table; 6] = [
        Table::History,
        Table::Spends,
        Table::Unspent,
        Table::TxByTxid,
        Table::Outpoints,
        Table::Undo,
    ];

    /// Looks up what the run spends of the index.
    pub(crate) fn new(store: &Store, run: &'a Run, undo_from: Height) -> Result<Self, IndexError> {
        let older = lookup::older_outputs(store, &run.older, run.base)?;
        Ok(Self {
            run,
            older,
            undo_from,
        })
    }

    /// Hands out the rows of one table, in key order.
    pub(crate) fn write(&self, table: Table, rows: &mut dyn Rows) -> Result<(), IndexError> {
        match table {
            Table::Meta => Ok(()),
            Table::History => self.write_history(rows),
            Table::Unspent => self.write_unspent(rows),
            Table::Outpoints => self.write_outpoints(rows),
            Table::TxByTxid => self.write_txids(rows),
            Table::Spends => self.write_spends(rows),
            Table::Undo => self.write_undo(rows),
        }
    }

    /// Gives the scripts that any of the blocks pays to or spends from.
    pub(crate) fn touched(&self) -> Vec<ScriptKey> {
        let mut touched: Vec<_> = self.history().iter().map(|entry| entry.key()).collect();
        touched.dedup();
        touched
    }

    fn history(&self) -> Vec<ScriptTx> {
        let run = self.run;
        let spendable = run
            .slots
            .iter()
            .filter(|slot| slot.state != SlotState::Unspendable);
        let len = spendable.count() + run.spends.len() + run.older.len() + run.further.len();
        let mut history = Vec::with_capacity(len);
        let paid = run
            .outputs()
            .filter(|(_, slot, _)| slot.state != SlotState::Unspendable);
        history.extend(paid.map(|(output, slot, _)| ScriptTx::new(slot.script, output.tx_num)));
        history.extend(run.spends.iter().filter_map(|spend| {
            let (slot, _) = run.slot(spend.slot)?;
            Some(ScriptTx::new(slot.script, run.tx_num(spend.spender)))
        }));
        history.extend(
            run.older
                .iter()
                .zip(&self.older)
                .map(|(spend, spent)| ScriptTx::new(spent.script, run.tx_num(spend.spender))),
        );
        let further = run.further.iter();
        history.extend(further.map(|(script, tx)| ScriptTx::new(*script, run.tx_num(*tx))));
        history.par_sort_unstable();
        history.dedup();
        history
    }

    fn write_history(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let history = self.history();
        let scripts = history.chunk_by(|a, b| a.key() == b.key());
        let mut value = Vec::new();
        for row in scripts.flat_map(|script| script.chunks(HISTORY_ROW_ENTRIES)) {
            let Some(first) = row.first() else { continue };
            value.clear();
            push_history_value(&mut value, row);
            rows.put(Table::History, first.row_key().as_ref(), &value)?;
        }
        Ok(())
    }

    fn write_unspent(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let change = |script, output: OutputNum, value| {
            (ScriptTx::new(script, output.tx_num), output.vout, value)
        };
        let removed = self
            .older
            .iter()
            .map(|spent| change(spent.script, spent.output, None));
        let created = self
            .run
            .outputs()
            .filter(|(_, slot, _)| slot.state == SlotState::Unspent);
        let created = created.map(|(output, slot, value)| change(slot.script, output, Some(value)));
        let mut changes: Vec<_> = removed.chain(created).collect();
        changes.par_sort_unstable_by_key(|(script_tx, vout, _)| (*script_tx, *vout));
        for (script_tx, vout, value) in changes {
            let output = OutputNum {
                tx_num: script_tx.tx_num(),
                vout,
            };
            let key = output.unspent_key(script_tx.key());
            match value {
                Some(value) => rows.put(Table::Unspent, key.as_ref(), &amount_value(value))?,
                None => rows.delete(Table::Unspent, key.as_ref())?,
            }
        }
        Ok(())
    }

    /// Older outputs come before those of the run.
    fn write_outpoints(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let mut removed: Vec<_> = self.older.iter().map(|spent| spent.output).collect();
        removed.par_sort_unstable();
        for output in removed {
            rows.delete(Table::Outpoints, output.key().as_ref())?;
        }
        let created = self
            .run
            .outputs()
            .filter(|(_, slot, _)| slot.state == SlotState::Unspent);
        for (output, slot, _) in created {
            rows.put(Table::Outpoints, output.key().as_ref(), &slot.script.0)?;
        }
        Ok(())
    }

    fn write_txids(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let numbered = (self.run.base.0..).map(TxNum).zip(&self.run.txids);
        let mut keys: Vec<_> = numbered
            .map(|(tx_num, txid)| TxidKey::new(txid, tx_num))
            .collect();
        keys.par_sort_unstable();
        keys.iter()
            .try_for_each(|key| rows.put(Table::TxByTxid, key.row_key().as_ref(), &[]))
    }

    /// Spends of older outputs come before those of the run's own.
    fn write_spends(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let mut put = |output: OutputNum, spender: u32| {
            let value = spender_value(output, self.run.tx_num(spender));
            rows.put(Table::Spends, output.key().as_ref(), &value)
        };
        let spent = self.older.iter().map(|spent| spent.output);
        let mut older: Vec<_> = spent
            .zip(self.run.older.iter().map(|spend| spend.spender))
            .collect();
        older.par_sort_unstable();
        older
            .into_iter()
            .try_for_each(|(output, spender)| put(output, spender))?;

        let mut own = self.run.spends.clone();
        own.par_sort_unstable_by_key(|spend| spend.slot);
        let mut own = own.into_iter().peekable();
        for ((output, ..), slot) in self.run.outputs().zip(0u32..) {
            if let Some(spend) = own.next_if(|spend| spend.slot == slot) {
                put(output, spend.spender)?;
            }
        }
        Ok(())
    }

    fn write_undo(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let (mut spends_start, mut older_start, mut further_start) = (0, 0, 0);
        for block in &self.run.blocks {
            let own = self.run.spends.get(spends_start..block.spends_end);
            let older = self.older.get(older_start..block.older_end);
            let further = self.run.further.get(further_start..block.further_end);
            (spends_start, older_start) = (block.spends_end, block.older_end);
            further_start = block.further_end;
            if block.height < self.undo_from {
                continue;
            }
            let own = own.unwrap_or_default().iter().filter_map(|spend| {
                let (slot, value) = self.run.slot(spend.slot)?;
                Some(Spent {
                    output: self.run.output_of(spend.slot),
                    script: slot.script,
                    value,
                })
            });
            let undo = Undo {
                spent: own
                    .chain(older.unwrap_or_default().iter().copied())
                    .collect(),
                further: further
                    .unwrap_or_default()
                    .iter()
                    .map(|(script, _)| *script)
                    .collect(),
            };
            rows.put(Table::Undo, &undo_key(block.height), &undo_value(&undo))?;
        }
        Ok(())
    }
}
