//! What a block adds to the index, before it is known where in the chain order it stands.
//!
//! A pure function of the block and, where the node gives them, of the outputs it spends: blocks
//! can be read in any order, on any thread.

use std::ops::ControlFlow;

use electrode_coin::{
    BlockHash, Coin, CoinError, Genesis, Height, OutPoint, Sats, ScriptKey, SpentOutputs,
    Truncated, TxView, Txid, check_transactions, owner_key,
};

use crate::IndexError;

/// One block as the node gave it: foreign bytes.
#[derive(Clone, Copy, Debug)]
pub struct RawBlock<'a> {
    /// Where in the chain it stands.
    pub height: Height,
    /// The hash under which the node gave it.
    pub hash: BlockHash,
    /// The serialised block.
    pub bytes: &'a [u8],
    /// Body of the node's spent outputs, if it has any.
    pub spent: Option<&'a [u8]>,
}

/// One block, ready to be connected.
#[derive(Debug)]
pub struct BlockRows {
    pub(crate) height: Height,
    pub(crate) hash: BlockHash,
    pub(crate) prev: BlockHash,
    pub(crate) header: Vec<u8>,
    pub(crate) txids: Vec<Txid>,
    /// For each transaction, where its outputs end in `outputs`.
    pub(crate) output_ends: Vec<usize>,
    pub(crate) outputs: Vec<NewOutput>,
    pub(crate) inputs: Vec<Input>,
    /// Scripts that get a transaction into their history without owning an output of it.
    pub(crate) further: Vec<Further>,
}

/// A created output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewOutput {
    /// `None` where it can never be spent.
    pub(crate) script: Option<ScriptKey>,
    pub(crate) value: Sats,
}

/// A script beside the owner of an output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Further {
    /// Position of the transaction in the block.
    pub(crate) tx: u32,
    pub(crate) script: ScriptKey,
}

/// An input, coinbases left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input {
    /// Position of its transaction in the block.
    pub(crate) tx: u32,
    pub(crate) outpoint: OutPoint,
    /// The output it spends, where the node gave it.
    pub(crate) spent: Option<(ScriptKey, Sats)>,
}

impl BlockRows {
    /// Reads a block.
    ///
    /// # Errors
    /// The block is malformed or another one, or the spent outputs do not fit its inputs.
    pub fn read(coin: &dyn Coin, raw: RawBlock<'_>) -> Result<Self, IndexError> {
        let RawBlock { height, hash, .. } = raw;
        let malformed = |source| IndexError::Block {
            height,
            hash,
            source,
        };
        let header_len = coin.header_len(height, raw.bytes).map_err(malformed)?;
        let header = raw.bytes.get(..header_len).unwrap_or_default().to_vec();
        let got = coin.header_hash(height, &header).map_err(malformed)?;
        if let Some(got) = got.filter(|got| *got != hash) {
            return Err(IndexError::OtherBlock { height, hash, got });
        }
        let prev = coin.header_prev(&header).map_err(malformed)?;
        let mut rows = Self {
            height,
            hash,
            prev,
            header,
            txids: Vec::new(),
            output_ends: Vec::new(),
            outputs: Vec::new(),
            inputs: Vec::new(),
            further: Vec::new(),
        };
        if height != Height(0) || coin.descriptor().genesis == Genesis::Indexed {
            rows.read_transactions(coin, raw.bytes).map_err(malformed)?;
            check_transactions(coin.descriptor(), &rows.header, &rows.txids)
                .map_err(|_other| IndexError::DamagedBlock { height, hash })?;
        }
        if let Some(spent) = raw.spent {
            rows.read_spent(coin, spent)
                .map_err(|_truncated| IndexError::SpentOutputs { height, hash })?;
        }
        coin.health().map_err(malformed)?;
        Ok(rows)
    }

    /// Gives the height it was read for.
    #[must_use]
    pub fn height(&self) -> Height {
        self.height
    }

    /// Gives its hash.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Gives its txids in block order.
    #[must_use]
    pub fn txids(&self) -> &[Txid] {
        &self.txids
    }

    /// Gives the bytes of memory that it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.header.len()
            + size_of_val(&self.txids[..])
            + size_of_val(&self.output_ends[..])
            + size_of_val(&self.outputs[..])
            + size_of_val(&self.inputs[..])
            + size_of_val(&self.further[..])
    }

    /// Gives what its inputs spend, in block order.
    pub fn spent_outpoints(&self) -> impl Iterator<Item = OutPoint> {
        self.inputs.iter().map(|input| input.outpoint)
    }

    fn read_transactions(&mut self, coin: &dyn Coin, block: &[u8]) -> Result<(), CoinError> {
        let height = self.height;
        let mut sink = |tx: &TxView<'_>| {
            self.push(coin, tx);
            ControlFlow::Continue(())
        };
        coin.parse_block(height, block, &mut sink)
    }

    fn push(&mut self, coin: &dyn Coin, tx: &TxView<'_>) {
        // A block holds fewer transactions than bytes, and fewer bytes than 2^32.
        let position = u32::try_from(self.txids.len()).unwrap_or(u32::MAX);
        if !tx.is_coinbase() {
            self.inputs.extend(tx.inputs.iter().map(|outpoint| Input {
                tx: position,
                outpoint: *outpoint,
                spent: None,
            }));
        }
        let further = &mut self.further;
        self.outputs.extend(tx.outputs.iter().map(|output| {
            let mut file = |script| {
                further.push(Further {
                    tx: position,
                    script,
                });
            };
            NewOutput {
                script: owner_key(coin, output.script, &mut file),
                value: output.value,
            }
        }));
        self.txids.push(tx.txid);
        self.output_ends.push(self.outputs.len());
    }

    fn read_spent(&mut self, coin: &dyn Coin, body: &[u8]) -> Result<(), Truncated> {
        let owner = |script| owner_key(coin, script, &mut |_further| {});
        let mut spent = SpentOutputs::new(body)?;
        let mut inputs = self.inputs.iter_mut().peekable();
        for tx in 0..self.txids.len() {
            for _ in 0..spent.next_transaction()? {
                let input = inputs.next_if(|input| usize::try_from(input.tx) == Ok(tx));
                let output = spent.next_output()?;
                input.ok_or(Truncated { offset: 0 })?.spent =
                    owner(output.script).map(|owner| (owner, output.value));
            }
        }
        // The genesis block's body counts its coinbase, which is not indexed.
        let is_done = spent.is_done() || self.height == Height(0);
        if inputs.next().is_none() && is_done {
            Ok(())
        } else {
            Err(Truncated { offset: 0 })
        }
    }
}
