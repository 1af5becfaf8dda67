//! Consecutive blocks on their way into the index, put together in memory.
//!
//! Blocks are pushed in chain order. What an input spends is looked up right then among the
//! outputs of the run, so that of most inputs only two small numbers are kept; those that spend
//! older outputs wait for one sorted look-up in the index.

use electrode_coin::{BlockHash, Height, OutPoint, Sats, ScriptKey, TxNum, Txid};
use hashbrown::HashTable;

use crate::{
    BlockRows, Index, IndexError,
    chain::Chain,
    rows::{Input, NewOutput},
    schema::{BlockRecord, OutputNum},
};

/// Consecutive blocks that build on an index.
#[derive(Debug)]
pub struct Run {
    pub(crate) base: TxNum,
    headers_start: u64,
    next: Height,
    tip: BlockHash,
    pub(crate) blocks: Vec<RunBlock>,
    pub(crate) headers: Vec<u8>,
    pub(crate) txids: Vec<Txid>,
    /// Positions in `txids`, by txid.
    places: HashTable<u32>,
    /// For each transaction, the slot behind its last output.
    slot_ends: Vec<u32>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) values: Vec<Sats>,
    /// Spends of outputs of the run, in chain order.
    pub(crate) spends: Vec<OwnSpend>,
    /// Spends of older outputs, in chain order.
    pub(crate) older: Vec<OlderSpend>,
    /// Transactions that are also in the history of a script that owns none of their outputs.
    pub(crate) further: Vec<(ScriptKey, u32)>,
}

/// One block of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunBlock {
    pub(crate) height: Height,
    pub(crate) record: BlockRecord,
    /// How many of the run's spends there are up to here.
    pub(crate) spends_end: usize,
    pub(crate) older_end: usize,
    pub(crate) further_end: usize,
}

/// One output of a run; its amount is kept beside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) script: ScriptKey,
    pub(crate) state: SlotState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotState {
    /// Nobody can ever spend it: it is in no table.
    Unspendable,
    Unspent,
    Spent,
}

/// An input that spends an output of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnSpend {
    pub(crate) slot: u32,
    /// Position of the spending transaction in the run.
    pub(crate) spender: u32,
}

/// An input that spends an output made before the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OlderSpend {
    pub(crate) outpoint: OutPoint,
    pub(crate) spender: u32,
    pub(crate) height: Height,
    /// The output, where the node gave it.
    pub(crate) spent: Option<(ScriptKey, Sats)>,
}

impl Run {
    /// Starts a run on the tip of an index.
    #[must_use]
    pub fn new(index: &Index) -> Self {
        let chain = index.chain();
        Self {
            base: chain.tx_count(),
            headers_start: chain.headers_len(),
            next: index.next_height(),
            tip: index.tip().map(|tip| tip.hash).unwrap_or_default(),
            blocks: Vec::new(),
            headers: Vec::new(),
            txids: Vec::new(),
            places: HashTable::new(),
            slot_ends: Vec::new(),
            slots: Vec::new(),
            values: Vec::new(),
            spends: Vec::new(),
            older: Vec::new(),
            further: Vec::new(),
        }
    }

    /// Adds the next block.
    ///
    /// # Errors
    /// It does not build on the last one, or the run is too large to count; the run is as before.
    pub fn push(&mut self, block: &BlockRows) -> Result<(), IndexError> {
        let BlockRows {
            height, hash, prev, ..
        } = *block;
        if prev != self.tip || height != self.next {
            return Err(IndexError::NotConnected {
                height,
                hash,
                prev,
                tip: self.tip,
            });
        }
        let too_large = IndexError::RunTooLarge { height };
        if self
            .slots
            .len()
            .checked_add(block.outputs.len())
            .is_none_or(|slots| to_u32(slots).is_none())
        {
            return Err(too_large);
        }
        let first = to_u32(self.txids.len()).ok_or(too_large)?;
        self.add_transactions(block);
        for input in &block.inputs {
            self.spend(input, first.saturating_add(input.tx), height);
        }
        let further = block.further.iter();
        self.further
            .extend(further.map(|it| (it.script, first.saturating_add(it.tx))));
        self.add_block(block);
        Ok(())
    }

    /// Tells whether there is no block in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Gives the bytes of memory that it takes, and that connecting it will take.
    #[must_use]
    pub fn memory(&self) -> usize {
        /// Bytes of a sorted row of history, of which outputs and inputs make one each.
        const ROW: usize = 16;
        /// Bytes of a place: a number and a byte, half of them free after the table has grown.
        const PLACE: usize = 10;
        self.headers.len()
            + self.txids.len() * (size_of::<Txid>() + size_of::<u32>() + PLACE + ROW)
            + self.slots.len() * (size_of::<Slot>() + size_of::<Sats>() + 2 * ROW)
            + self.spends.len() * (size_of::<OwnSpend>() + ROW)
            + self.older.len() * (size_of::<OlderSpend>() + 64)
    }

    /// Gives the chain of an index with the blocks of the run added.
    pub(crate) fn extended(&self, chain: &Chain) -> Chain {
        let mut chain = chain.clone();
        self.blocks
            .iter()
            .for_each(|block| chain.push(block.record));
        chain
    }

    /// Every output with its number, in chain order.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (OutputNum, &Slot, Sats)> {
        let starts = std::iter::once(0).chain(self.slot_ends.iter().copied());
        let vouts = starts
            .zip(&self.slot_ends)
            .flat_map(|(start, end)| 0..end - start);
        let slots = self.slots.iter().zip(&self.values);
        // A transaction without outputs has no slot, so numbers go by slot and not by transaction.
        let tx_nums = (self.base.0..)
            .zip(&self.slot_ends)
            .scan(0, |start, (tx_num, end)| {
                let count = end - *start;
                *start = *end;
                Some((0..count).map(move |_| TxNum(tx_num)))
            });
        tx_nums
            .flatten()
            .zip(vouts)
            .zip(slots)
            .map(|((tx_num, vout), (slot, value))| (OutputNum { tx_num, vout }, slot, *value))
    }

    /// Gives the number of a transaction by its position in the run.
    pub(crate) fn tx_num(&self, position: u32) -> TxNum {
        TxNum(self.base.0 + u64::from(position))
    }

    /// Finds the number of the output in a slot.
    pub(crate) fn output_of(&self, slot: u32) -> OutputNum {
        let position = self.slot_ends.partition_point(|end| *end <= slot);
        let start = position
            .checked_sub(1)
            .and_then(|before| self.slot_ends.get(before));
        OutputNum {
            tx_num: self.tx_num(to_u32(position).unwrap_or(u32::MAX)),
            vout: slot - start.copied().unwrap_or_default(),
        }
    }

    pub(crate) fn slot(&self, slot: u32) -> Option<(&Slot, Sats)> {
        let at = usize::try_from(slot).ok()?;
        Some((self.slots.get(at)?, *self.values.get(at)?))
    }

    fn add_transactions(&mut self, block: &BlockRows) {
        let first_slot = self.slots.len();
        for (txid, end) in block.txids.iter().zip(&block.output_ends) {
            let position = to_u32(self.txids.len()).unwrap_or(u32::MAX);
            self.txids.push(*txid);
            self.slot_ends
                .push(to_u32(first_slot + end).unwrap_or(u32::MAX));
            self.place(txid, position);
        }
        for NewOutput { script, value } in &block.outputs {
            let state = if script.is_some() {
                SlotState::Unspent
            } else {
                SlotState::Unspendable
            };
            self.slots.push(Slot {
                script: script.unwrap_or_default(),
                state,
            });
            self.values.push(*value);
        }
    }

    /// Remembers where a transaction is. Of coinbases made twice the later one stays, as in the
    /// node.
    fn place(&mut self, txid: &Txid, position: u32) {
        let txids = &self.txids;
        let is_same = |other: &u32| txid_at(txids, *other) == Some(txid);
        match self.places.find_mut(hash(txid), is_same) {
            Some(known) => *known = position,
            None => {
                let rehash = |other: &u32| txid_at(txids, *other).map_or(0, hash);
                self.places.insert_unique(hash(txid), position, rehash);
            }
        }
    }

    fn spend(&mut self, input: &Input, spender: u32, height: Height) {
        let Input {
            outpoint, spent, ..
        } = *input;
        match self.find(&outpoint) {
            Some(slot) => {
                let at = usize::try_from(slot).unwrap_or(usize::MAX);
                if let Some(slot) = self.slots.get_mut(at) {
                    slot.state = SlotState::Spent;
                }
                self.spends.push(OwnSpend { slot, spender });
            }
            None => self.older.push(OlderSpend {
                outpoint,
                spender,
                height,
                spent,
            }),
        }
    }

    /// Finds the slot of an output that the run makes and that can be spent.
    fn find(&self, outpoint: &OutPoint) -> Option<u32> {
        let is_same = |other: &u32| txid_at(&self.txids, *other) == Some(&outpoint.txid);
        let position = *self.places.find(hash(&outpoint.txid), is_same)?;
        let position = usize::try_from(position).ok()?;
        let start = match position.checked_sub(1) {
            Some(before) => *self.slot_ends.get(before)?,
            None => 0,
        };
        let slot = start.checked_add(outpoint.vout)?;
        let is_there = slot < *self.slot_ends.get(position)?;
        let (found, _) = self.slot(slot).filter(|_| is_there)?;
        (found.state != SlotState::Unspendable).then_some(slot)
    }

    fn add_block(&mut self, block: &BlockRows) {
        self.headers.extend_from_slice(&block.header);
        let last = self.blocks.last().map(|block| block.record);
        let header_start = last.map_or(self.headers_start, |record| record.header_end);
        let record = BlockRecord {
            hash: block.hash,
            end_tx_num: self.tx_num(to_u32(self.txids.len()).unwrap_or(u32::MAX)),
            header_end: header_start + u64::try_from(block.header.len()).unwrap_or(u64::MAX),
        };
        self.blocks.push(RunBlock {
            height: block.height,
            record,
            spends_end: self.spends.len(),
            older_end: self.older.len(),
            further_end: self.further.len(),
        });
        self.tip = block.hash;
        self.next = block.height.next();
    }
}

/// The first bytes of a txid are as good as random.
fn hash(txid: &Txid) -> u64 {
    txid.0
        .first_chunk()
        .map_or(0, |first| u64::from_le_bytes(*first))
}

fn txid_at(txids: &[Txid], position: u32) -> Option<&Txid> {
    txids.get(usize::try_from(position).ok()?)
}

fn to_u32(number: usize) -> Option<u32> {
    u32::try_from(number).ok()
}
