//! Connecting blocks: from what each block says to what all of them change, sorted.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use electrode_coin::{Height, ScriptKey, TxNum, Txid};
use rayon::prelude::*;

use crate::{
    BlockRows, IndexError,
    commit::Rows,
    lookup,
    rows::{Input, NewOutput},
    schema::{
        HISTORY_ROW_ENTRIES, OutputNum, ScriptTx, Spent, Table, TxidKey, Undo, amount_value,
        push_history_value, spender_value, undo_key, undo_value,
    },
    snapshot::PinnedSnapshot,
    store::Store,
};

/// What connecting a run of consecutive blocks changes, each table in key order.
pub(crate) struct Changes {
    history: Vec<ScriptTx>,
    txids: Vec<TxidKey>,
    created: Vec<Spent>,
    removed: Vec<Spent>,
    spends: Vec<(OutputNum, TxNum)>,
    undo: Vec<(Height, Undo)>,
}

impl Changes {
    /// Tables that a run changes.
    pub(crate) const TABLES: [Table; 6] = [
        Table::History,
        Table::Unspent,
        Table::Outpoints,
        Table::TxByTxid,
        Table::Spends,
        Table::Undo,
    ];

    /// Works out the changes of `blocks`, the first transaction of which gets the number `base`.
    /// Blocks from `undo_from` on can be disconnected later.
    pub(crate) fn new(
        store: &Store,
        base: TxNum,
        blocks: &[BlockRows],
        undo_from: Height,
    ) -> Result<Self, IndexError> {
        let rows = store.snapshot();
        let run = Run::new(base, blocks);
        let spent: Vec<Vec<Spent>> = blocks
            .par_iter()
            .map(|block| run.spent_by(store, &rows, block))
            .collect::<Result<_, _>>()?;

        let mut spends: Vec<_> = run
            .blocks()
            .zip(&spent)
            .flat_map(|((first, block), spent)| {
                let spender = move |input: &Input| TxNum(first.0 + u64::from(input.tx));
                block
                    .inputs
                    .iter()
                    .zip(spent)
                    .map(move |(input, spent)| (spent.output, spender(input)))
            })
            .collect();
        spends.par_sort_unstable();

        let history = run.history(&spent);
        let mut txids: Vec<_> = run
            .txids()
            .map(|(tx_num, txid)| TxidKey::new(txid, tx_num))
            .collect();
        txids.par_sort_unstable();

        let created = run.unspent_after(&spends);
        let mut removed: Vec<_> = spent
            .iter()
            .flatten()
            .filter(|spent| spent.output.tx_num < base)
            .copied()
            .collect();
        removed.par_sort_unstable_by_key(|spent| spent.output);

        let undo = blocks
            .iter()
            .zip(spent)
            .filter(|(block, _)| block.height >= undo_from)
            .map(|(block, spent)| (block.height, block.undo(spent)))
            .collect();
        Ok(Self {
            history,
            txids,
            created,
            removed,
            spends,
            undo,
        })
    }

    /// Hands out the rows of one table, in key order.
    pub(crate) fn write(&self, table: Table, rows: &mut dyn Rows) -> Result<(), IndexError> {
        match table {
            Table::Meta => Ok(()),
            Table::History => self.write_history(rows),
            Table::Unspent => self.write_unspent(rows),
            Table::Outpoints => self.write_outpoints(rows),
            Table::TxByTxid => self
                .txids
                .iter()
                .try_for_each(|key| rows.put(table, &key.bytes(), &[])),
            Table::Spends => self.spends.iter().try_for_each(|(output, spender)| {
                rows.put(
                    table,
                    output.key().as_ref(),
                    &spender_value(*output, *spender),
                )
            }),
            Table::Undo => self.undo.iter().try_for_each(|(height, undo)| {
                rows.put(table, &undo_key(*height), &undo_value(undo))
            }),
        }
    }

    /// Gives the scripts that any of the blocks pays to or spends from.
    pub(crate) fn touched(&self) -> Vec<ScriptKey> {
        let mut touched: Vec<_> = self.history.iter().map(|entry| entry.key()).collect();
        touched.dedup();
        touched
    }

    fn write_history(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let mut value = Vec::new();
        let scripts = self.history.chunk_by(|a, b| a.key() == b.key());
        for row in scripts.flat_map(|script| script.chunks(HISTORY_ROW_ENTRIES)) {
            let Some(first) = row.first() else { continue };
            value.clear();
            push_history_value(&mut value, row);
            rows.put(Table::History, &first.bytes(), &value)?;
        }
        Ok(())
    }

    fn write_unspent(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        let created = self.created.iter().map(|spent| (spent, true));
        let removed = self.removed.iter().map(|spent| (spent, false));
        let mut changes: Vec<_> = created.chain(removed).collect();
        changes.par_sort_unstable_by_key(|(spent, _)| (spent.script, spent.output));
        for (spent, is_created) in changes {
            let key = spent.output.unspent_key(spent.script);
            match is_created {
                true => rows.put(Table::Unspent, key.as_ref(), &amount_value(spent.value))?,
                false => rows.delete(Table::Unspent, key.as_ref())?,
            }
        }
        Ok(())
    }

    /// Outputs of earlier runs come before those of this one.
    fn write_outpoints(&self, rows: &mut dyn Rows) -> Result<(), IndexError> {
        for spent in &self.removed {
            rows.delete(Table::Outpoints, spent.output.key().as_ref())?;
        }
        for spent in &self.created {
            rows.put(
                Table::Outpoints,
                spent.output.key().as_ref(),
                &spent.script.0,
            )?;
        }
        Ok(())
    }
}

/// Consecutive blocks and the numbers of their transactions.
struct Run<'a> {
    base: TxNum,
    blocks: &'a [BlockRows],
    /// For each block, the number of its first transaction.
    firsts: Vec<TxNum>,
    /// Where the outputs of each transaction of the run are.
    places: HashMap<Txid, Place, BuildHasherDefault<TxidHasher>>,
}

/// A transaction of the run.
#[derive(Clone, Copy)]
struct Place {
    block: u32,
    tx: u32,
}

impl<'a> Run<'a> {
    fn new(base: TxNum, blocks: &'a [BlockRows]) -> Self {
        let mut firsts = Vec::with_capacity(blocks.len());
        let mut places = HashMap::default();
        places.reserve(blocks.iter().map(|block| block.txids.len()).sum());
        let mut next = base.0;
        for (block, rows) in (0..).zip(blocks) {
            firsts.push(TxNum(next));
            for (tx, txid) in (0..).zip(&rows.txids) {
                // Of coinbases made twice the later one stays, as in the node.
                places.insert(*txid, Place { block, tx });
                next += 1;
            }
        }
        Self {
            base,
            blocks,
            firsts,
            places,
        }
    }

    fn blocks(&self) -> impl Iterator<Item = (TxNum, &'a BlockRows)> {
        self.firsts.iter().copied().zip(self.blocks)
    }

    fn txids(&self) -> impl Iterator<Item = (TxNum, &'a Txid)> {
        let txids = self.blocks.iter().flat_map(|block| &block.txids);
        (self.base.0..).map(TxNum).zip(txids)
    }

    /// Every output with its number, in that order.
    fn outputs(&self) -> impl Iterator<Item = (OutputNum, &'a NewOutput)> {
        self.blocks()
            .flat_map(|(first, block)| {
                (first.0..)
                    .map(TxNum)
                    .zip(&block.output_ends)
                    .scan(0, |start, (tx_num, end)| {
                        let outputs = block.outputs.get(*start..*end).unwrap_or_default();
                        *start = *end;
                        Some(
                            (0..)
                                .zip(outputs)
                                .map(move |(vout, output)| (OutputNum { tx_num, vout }, output)),
                        )
                    })
            })
            .flatten()
    }

    /// Finds what the inputs of a block spend, in their order.
    fn spent_by(
        &self,
        store: &Store,
        rows: &PinnedSnapshot,
        block: &BlockRows,
    ) -> Result<Vec<Spent>, IndexError> {
        let find = |input: &Input| match self.places.get(&input.outpoint.txid) {
            Some(place) => Ok(self.output_at(*place, input.outpoint.vout)),
            None => self.earlier_output(store, rows, input),
        };
        let missing = |input: &Input| IndexError::MissingOutput {
            height: block.height,
            outpoint: input.outpoint,
        };
        block
            .inputs
            .par_iter()
            .map(|input| find(input)?.ok_or_else(|| missing(input)))
            .collect()
    }

    fn output_at(&self, place: Place, vout: u32) -> Option<Spent> {
        let block_at = usize::try_from(place.block).ok()?;
        let tx_at = usize::try_from(place.tx).ok()?;
        let block = self.blocks.get(block_at)?;
        let end = *block.output_ends.get(tx_at)?;
        let start = match tx_at.checked_sub(1) {
            Some(before) => *block.output_ends.get(before)?,
            None => 0,
        };
        let output = block
            .outputs
            .get(start..end)?
            .get(usize::try_from(vout).ok()?)?;
        let tx_num = TxNum(self.firsts.get(block_at)?.0 + u64::from(place.tx));
        Some(Spent {
            output: OutputNum { tx_num, vout },
            script: output.script?,
            value: output.value,
        })
    }

    /// Finds an output made before the run. What the node said of it spares two reads.
    fn earlier_output(
        &self,
        store: &Store,
        rows: &PinnedSnapshot,
        input: &Input,
    ) -> Result<Option<Spent>, IndexError> {
        if let Some((script, value)) = input.spent
            && let [tx_num] = lookup::tx_nums(store, rows, &input.outpoint.txid, self.base)?[..]
        {
            let output = OutputNum {
                tx_num,
                vout: input.outpoint.vout,
            };
            return Ok(Some(Spent {
                output,
                script,
                value,
            }));
        }
        lookup::unspent_output(store, rows, &input.outpoint, self.base)
    }

    fn history(&self, spent: &[Vec<Spent>]) -> Vec<ScriptTx> {
        let paid = self
            .outputs()
            .filter_map(|(number, output)| Some(ScriptTx::new(output.script?, number.tx_num)));
        let mut history: Vec<_> = paid.collect();
        for ((first, block), spent) in self.blocks().zip(spent) {
            let tx_num = |position| TxNum(first.0 + u64::from(position));
            let inputs = block.inputs.iter().zip(spent);
            history
                .extend(inputs.map(|(input, spent)| ScriptTx::new(spent.script, tx_num(input.tx))));
            let further = block.further.iter();
            history.extend(further.map(|it| ScriptTx::new(it.script, tx_num(it.tx))));
        }
        history.par_sort_unstable();
        history.dedup();
        history
    }

    /// The outputs of the run that it does not spend itself; `spends` is sorted.
    fn unspent_after(&self, spends: &[(OutputNum, TxNum)]) -> Vec<Spent> {
        let start = spends.partition_point(|(output, _)| output.tx_num < self.base);
        let mut spends = spends
            .iter()
            .skip(start)
            .map(|(output, _)| *output)
            .peekable();
        self.outputs()
            .filter_map(|(number, output)| {
                let is_spent = spends.next_if_eq(&number).is_some();
                let script = output.script.filter(|_| !is_spent)?;
                Some(Spent {
                    output: number,
                    script,
                    value: output.value,
                })
            })
            .collect()
    }
}

/// Takes the first bytes of a txid, which are as good as random, for its hash.
#[derive(Default)]
struct TxidHasher(u64);

impl Hasher for TxidHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
