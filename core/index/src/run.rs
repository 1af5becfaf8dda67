//! Consecutive blocks on their way into the index, put together in memory.
//!
//! Blocks are pushed in chain order. What an input spends is looked up right then among the
//! outputs of the run, so that of most inputs only one small number is kept; those that spend
//! older outputs wait for one sorted look-up in the index.

use std::num::NonZeroU32;

use electrode_coin::{BlockHash, Height, OutPoint, Sats, ScriptKey, TxNum, Txid};

use crate::{
    BlockRows, Index, IndexError,
    chain::Chain,
    places::Places,
    rows::{Input, NewOutput},
    schema::{BlockRecord, OutputNum, Spent},
};

/// Consecutive blocks that build on an index.
#[derive(Debug)]
pub struct Run {
    pub(crate) base: TxNum,
    /// Blocks from here on can be disconnected later.
    pub(crate) undo_from: Height,
    headers_start: u64,
    next: Height,
    tip: BlockHash,
    pub(crate) blocks: Vec<RunBlock>,
    /// How many of its outputs the run spends itself.
    own_spends: usize,
    pub(crate) headers: Vec<u8>,
    /// txids, as they stand in their flat file.
    pub(crate) txids: Vec<[u8; 32]>,
    pub(crate) places: Places,
    /// For each transaction, the slot behind its last output.
    slot_ends: Vec<u32>,
    slots: Vec<Slot>,
    values: Vec<Sats>,
    /// What blocks from `undo_from` on spend of the run, in chain order.
    pub(crate) undo: Vec<OwnSpend>,
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
    /// How many of the run's spends to undo there are up to here.
    pub(crate) undo_end: usize,
    pub(crate) older_end: usize,
    pub(crate) further_end: usize,
}

/// One output of a run; its amount is kept beside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) script: ScriptKey,
    /// Whether anybody can ever spend it: otherwise it is in no table.
    pub(crate) is_spendable: bool,
    /// One more than the position of the transaction of the run that spends it.
    spender: Option<NonZeroU32>,
}

impl Slot {
    /// Gives the position of the transaction of the run that spends it.
    pub(crate) fn spender(&self) -> Option<u32> {
        self.spender.map(|spender| spender.get() - 1)
    }

    /// Tells whether it can be spent by blocks to come.
    pub(crate) fn is_unspent(&self) -> bool {
        self.is_spendable && self.spender.is_none()
    }
}

/// An input that spends an output of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnSpend {
    /// Position of the transaction that made the output.
    funder: u32,
    slot: u32,
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
    /// Starts a run on the tip of an index that is being built up to `target`: blocks further
    /// below it than the `reorg_limit` get no undo record.
    #[must_use]
    pub fn new(index: &Index, target: Height) -> Self {
        let chain = index.chain();
        Self {
            base: chain.tx_count(),
            undo_from: Height(
                target
                    .0
                    .saturating_add(1)
                    .saturating_sub(index.config().reorg_limit),
            ),
            headers_start: chain.headers_len(),
            next: index.next_height(),
            tip: index.tip().map(|tip| tip.hash).unwrap_or_default(),
            blocks: Vec::new(),
            own_spends: 0,
            headers: Vec::new(),
            txids: Vec::new(),
            places: Places::default(),
            slot_ends: Vec::new(),
            slots: Vec::new(),
            values: Vec::new(),
            undo: Vec::new(),
            older: Vec::new(),
            further: Vec::new(),
        }
    }

    /// Makes room for as many blocks like Bitcoin's as `bytes` of [`Self::memory`] hold, so that
    /// nothing is moved while they come. What stays unused costs address space only.
    #[must_use]
    pub fn with_room(mut self, bytes: usize) -> Self {
        /// Least bytes of a run for each of its transactions: one output, no input.
        const TX: usize = 150;
        /// Least bytes for each output: all in one transaction.
        const OUTPUT: usize = 75;
        self.txids.reserve_exact(bytes / TX);
        self.slot_ends.reserve_exact(bytes / TX);
        self.slots.reserve_exact(bytes / OUTPUT);
        self.values.reserve_exact(bytes / OUTPUT);
        self
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
        /// Bytes of a row that waits to be sorted; one of an unspent output takes two.
        const ROW: usize = 16;
        let unspent = self.slots.len().saturating_sub(self.own_spends);
        self.headers.len()
            + self.txids.len() * (size_of::<Txid>() + size_of::<u32>() + ROW)
            + self.places.memory()
            + self.slots.len() * (size_of::<Slot>() + size_of::<Sats>() + ROW)
            + self.own_spends * ROW
            + unspent * 2 * ROW
            + self.undo.len() * size_of::<OwnSpend>()
            + self.older.len() * (size_of::<OlderSpend>() + 6 * ROW)
            + self.further.len() * (size_of::<(ScriptKey, u32)>() + ROW)
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
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (OutputNum, &Slot, Sats)> + Clone {
        let starts = std::iter::once(0).chain(self.slot_ends.iter().copied());
        let transactions = (self.base.0..).map(TxNum).zip(starts.zip(&self.slot_ends));
        transactions.flat_map(|(tx_num, (start, end))| {
            let slots = to_usize(start)..to_usize(*end);
            let values = self.values.get(slots.clone()).unwrap_or_default();
            let slots = self.slots.get(slots).unwrap_or_default();
            (0..)
                .zip(slots.iter().zip(values))
                .map(move |(vout, (slot, value))| (OutputNum { tx_num, vout }, slot, *value))
        })
    }

    /// Gives the number of a transaction by its position in the run.
    pub(crate) fn tx_num(&self, position: u32) -> TxNum {
        TxNum(self.base.0 + u64::from(position))
    }

    /// Finds the output that was spent.
    pub(crate) fn spent(&self, OwnSpend { funder, slot }: OwnSpend) -> Option<Spent> {
        let output = OutputNum {
            tx_num: self.tx_num(funder),
            vout: slot.checked_sub(self.first_slot(funder)?)?,
        };
        let at = to_usize(slot);
        Some(Spent {
            output,
            script: self.slots.get(at)?.script,
            value: *self.values.get(at)?,
        })
    }

    /// Gives the slot of the first output of a transaction, if it has any.
    fn first_slot(&self, position: u32) -> Option<u32> {
        match position.checked_sub(1) {
            Some(before) => self.slot_ends.get(to_usize(before)).copied(),
            None => Some(0),
        }
    }

    fn add_transactions(&mut self, block: &BlockRows) {
        let first_slot = self.slots.len();
        for (txid, end) in block.txids.iter().zip(&block.output_ends) {
            let position = to_u32(self.txids.len()).unwrap_or(u32::MAX);
            self.txids.push(txid.0);
            self.slot_ends
                .push(to_u32(first_slot + end).unwrap_or(u32::MAX));
            self.places.insert(&self.txids, position);
        }
        for NewOutput { script, value } in &block.outputs {
            self.slots.push(Slot {
                script: script.unwrap_or_default(),
                is_spendable: script.is_some(),
                spender: None,
            });
            self.values.push(*value);
        }
    }

    fn spend(&mut self, input: &Input, spender: u32, height: Height) {
        let Input {
            outpoint, spent, ..
        } = *input;
        match self.find(&outpoint) {
            Some(spend) => {
                self.own_spends += 1;
                if let Some(slot) = self.slots.get_mut(to_usize(spend.slot)) {
                    slot.spender = NonZeroU32::new(spender.saturating_add(1));
                }
                if height >= self.undo_from {
                    self.undo.push(spend);
                }
            }
            None => self.older.push(OlderSpend {
                outpoint,
                spender,
                height,
                spent,
            }),
        }
    }

    /// Finds an output that the run makes and that can be spent.
    fn find(&self, outpoint: &OutPoint) -> Option<OwnSpend> {
        let funder = self.places.find(&self.txids, &outpoint.txid)?;
        let slot = self.first_slot(funder)?.checked_add(outpoint.vout)?;
        let is_there = slot < *self.slot_ends.get(to_usize(funder))?;
        let found = self.slots.get(to_usize(slot)).filter(|_| is_there)?;
        found.is_spendable.then_some(OwnSpend { funder, slot })
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
            undo_end: self.undo.len(),
            older_end: self.older.len(),
            further_end: self.further.len(),
        });
        self.tip = block.hash;
        self.next = block.height.next();
    }
}

fn to_u32(number: usize) -> Option<u32> {
    u32::try_from(number).ok()
}

fn to_usize(number: u32) -> usize {
    // usize has at least 32 bits on every platform that RocksDB runs on.
    usize::try_from(number).unwrap_or(usize::MAX)
}
