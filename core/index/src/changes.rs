//! What connecting a run changes: the rows of each table, in key order.

use std::ops::RangeInclusive;

use electrode_coin::{ScriptKey, TxNum, Txid};
use rayon::prelude::*;

use crate::{
    IndexError,
    commit::Rows,
    lookup,
    places::RecentRuns,
    run::Run,
    schema::{
        HISTORY_ROW_ENTRIES, OutputNum, RowKey, ScriptTx, Spent, Table, TxidKey, Undo,
        amount_value, push_history_value, spender_value, undo_key, undo_value,
    },
    sorted::sorted,
    store::Store,
};

/// A run of which everything is known.
pub(crate) struct Changes<'a> {
    run: &'a Run,
    /// The older outputs that the run spends, in the order of [`Run::older`].
    older: Vec<Spent>,
}

/// A piece of a table that is written on its own: the rows whose keys start with some bytes.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) table: Table,
    first_bytes: RangeInclusive<u8>,
}

impl Part {
    const fn new(table: Table, first_bytes: RangeInclusive<u8>) -> Self {
        Self { table, first_bytes }
    }

    pub(crate) const fn whole(table: Table) -> Self {
        Self::new(table, 0x00..=0xff)
    }

    /// Names its file.
    pub(crate) fn file_name(&self) -> String {
        format!("{}-{:02x}.sst", self.table.name(), self.first_bytes.start())
    }

    fn has(&self, first_byte: u8) -> bool {
        self.first_bytes.contains(&first_byte)
    }
}

impl<'a> Changes<'a> {
    /// What a run changes, in pieces that take about as long as each other, the longest first.
    pub(crate) const PARTS: [Part; 7] = [
        Part::new(Table::History, 0x00..=0x7f),
        Part::new(Table::History, 0x80..=0xff),
        Part::whole(Table::Spends),
        Part::whole(Table::Unspent),
        Part::whole(Table::TxByTxid),
        Part::whole(Table::Outpoints),
        Part::whole(Table::Undo),
    ];

    /// Looks up what the run spends of the index.
    pub(crate) fn new(
        store: &Store,
        recent: &RecentRuns,
        run: &'a Run,
    ) -> Result<Self, IndexError> {
        let older = lookup::older_outputs(store, recent, run)?;
        Ok(Self { run, older })
    }

    /// Hands out the rows of one part, in key order.
    pub(crate) fn write(&self, part: &Part, rows: &mut dyn Rows) -> Result<(), IndexError> {
        match part.table {
            Table::Meta => Ok(()),
            Table::History => self.write_history(part, rows),
            Table::Unspent => self.write_unspent(part, rows),
            Table::Outpoints => self.write_outpoints(rows),
            Table::TxByTxid => self.write_txids(part, rows),
            Table::Spends => self.write_spends(rows),
            Table::Undo => self.write_undo(rows),
        }
    }

    /// Gives the scripts that any of the blocks pays to or spends from.
    pub(crate) fn touched(&self) -> Vec<ScriptKey> {
        let all = Part::whole(Table::History);
        let mut touched: Vec<_> = self.history(&all).iter().map(|entry| entry.key()).collect();
        touched.dedup();
        touched
    }

    fn history(&self, part: &Part) -> Vec<ScriptTx> {
        let run = self.run;
        let own = run.outputs().filter(|(_, slot, _)| slot.is_spendable);
        let own = own.flat_map(|(output, slot, _)| {
            let paid = ScriptTx::new(slot.script, output.tx_num);
            let spent = slot.spender();
            let spent = spent.map(|spender| ScriptTx::new(slot.script, run.tx_num(spender)));
            std::iter::once(paid).chain(spent)
        });
        let older = run.older.iter().zip(&self.older);
        let older =
            older.map(|(spend, spent)| ScriptTx::new(spent.script, run.tx_num(spend.spender)));
        let further = run.further.iter();
        let further = further.map(|(script, tx)| ScriptTx::new(*script, run.tx_num(*tx)));
        let entries = own.chain(older).chain(further);
        let entries = entries.filter(|entry| part.has(entry.bucket()));
        let mut history = sorted(entries, |entry| entry.bucket());
        history.dedup();
        history
    }

    fn write_history(&self, part: &Part, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let history = self.history(part);
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

    fn write_unspent(&self, part: &Part, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let place = |script, output: OutputNum| (ScriptTx::new(script, output.tx_num), output.vout);
        let bucket = |(script_tx, _): &(ScriptTx, u32)| script_tx.bucket();
        let removed = self.older.iter();
        let removed = removed.map(|spent| place(spent.script, spent.output));
        let removed = removed.filter(|place| part.has(bucket(place)));
        let mut removed = sorted(removed, bucket).into_iter().peekable();
        let created = self.run.outputs().filter(|(_, slot, _)| slot.is_unspent());
        let created = created.map(|(output, slot, value)| (place(slot.script, output), value));
        let created = created.filter(|(place, _)| part.has(bucket(place)));
        for (place, value) in sorted(created, |(place, _)| bucket(place)) {
            while let Some(removed) = removed.next_if(|removed| *removed < place) {
                rows.delete(Table::Unspent, unspent_key(removed).as_ref())?;
            }
            let key = unspent_key(place);
            rows.put(Table::Unspent, key.as_ref(), &amount_value(value))?;
        }
        removed.try_for_each(|removed| rows.delete(Table::Unspent, unspent_key(removed).as_ref()))
    }

    /// Older outputs come before those of the run.
    fn write_outpoints(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let mut removed: Vec<_> = self.older.iter().map(|spent| spent.output).collect();
        removed.par_sort_unstable();
        for output in removed {
            rows.delete(Table::Outpoints, output.key().as_ref())?;
        }
        let created = self.run.outputs().filter(|(_, slot, _)| slot.is_unspent());
        for (output, slot, _) in created {
            rows.put(Table::Outpoints, output.key().as_ref(), &slot.script.0)?;
        }
        Ok(())
    }

    fn write_txids(&self, part: &Part, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let numbered = (self.run.base.0..).map(TxNum).zip(&self.run.txids);
        let keys = numbered.map(|(tx_num, txid)| TxidKey::new(&Txid(*txid), tx_num));
        let keys = keys.filter(|key| part.has(key.bucket()));
        sorted(keys, |key| key.bucket())
            .iter()
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

        self.run
            .outputs()
            .filter_map(|(output, slot, _)| Some((output, slot.spender()?)))
            .try_for_each(|(output, spender)| put(output, spender))
    }

    fn write_undo(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let (mut undo_start, mut older_start, mut further_start) = (0, 0, 0);
        for block in &self.run.blocks {
            let own = self.run.undo.get(undo_start..block.undo_end);
            let older = self.older.get(older_start..block.older_end);
            let further = self.run.further.get(further_start..block.further_end);
            (undo_start, older_start) = (block.undo_end, block.older_end);
            further_start = block.further_end;
            if block.height < self.run.undo_from {
                continue;
            }
            let own = own.unwrap_or_default().iter();
            let own = own.filter_map(|spend| self.run.spent(*spend));
            let older = older.unwrap_or_default().iter().copied();
            let mut spent: Vec<_> = own.chain(older).collect();
            spent.sort_unstable_by_key(|spent| spent.output);
            let undo = Undo {
                spent,
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

fn unspent_key((script_tx, vout): (ScriptTx, u32)) -> RowKey {
    let output = OutputNum {
        tx_num: script_tx.tx_num(),
        vout,
    };
    output.unspent_key(script_tx.key())
}
