//! What a block adds to the index, before it is known where in the chain order it stands.
//!
//! A pure function of the block and, where the node gives them, of the outputs it spends: blocks
//! can be read in any order, on any thread.

use std::ops::ControlFlow;

use electrode_coin::{
    BlockHash, Coin, CoinError, Height, OutPoint, Sats, ScriptHash, ScriptKey, SpentOutputs,
    Truncated, TxView, Txid,
};

use crate::IndexError;

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
}

/// A created output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewOutput {
    /// `None` where it can never be spent.
    pub(crate) script: Option<ScriptKey>,
    pub(crate) value: Sats,
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
    /// Reads a block at `height`; `spent` is the body of the node's spent outputs, if it has any.
    ///
    /// # Errors
    /// The block is malformed, or the spent outputs do not fit its inputs.
    pub fn read(
        coin: &dyn Coin,
        height: Height,
        block: &[u8],
        spent: Option<&[u8]>,
    ) -> Result<Self, IndexError> {
        let in_block = |hash| {
            move |source| IndexError::Block {
                height,
                hash,
                source,
            }
        };
        let nameless = in_block(BlockHash::default());
        let header_len = coin.header_len(height, block).map_err(nameless)?;
        let header = block.get(..header_len).unwrap_or_default().to_vec();
        let hash = coin.header_hash(height, &header).map_err(nameless)?;
        let prev = coin.header_prev(&header).map_err(in_block(hash))?;
        let mut rows = Self {
            height,
            hash,
            prev,
            header,
            txids: Vec::new(),
            output_ends: Vec::new(),
            outputs: Vec::new(),
            inputs: Vec::new(),
        };
        // The genesis block creates nothing that could be spent.
        if height != Height(0) {
            rows.read_transactions(coin, block)
                .map_err(in_block(hash))?;
        }
        if let Some(spent) = spent {
            rows.read_spent(spent)
                .map_err(|_truncated| IndexError::SpentOutputs { height, hash })?;
        }
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
        self.outputs.extend(tx.outputs.iter().map(|output| {
            let spendable = !coin.is_unspendable(output.script);
            let script = spendable.then(|| ScriptHash::of(output.script).key());
            NewOutput {
                script,
                value: output.value,
            }
        }));
        self.txids.push(tx.txid);
        self.output_ends.push(self.outputs.len());
    }

    fn read_spent(&mut self, body: &[u8]) -> Result<(), Truncated> {
        let mut spent = SpentOutputs::new(body)?;
        let mut inputs = self.inputs.iter_mut().peekable();
        for tx in 0..self.txids.len() {
            for _ in 0..spent.next_transaction()? {
                let input = inputs.next_if(|input| usize::try_from(input.tx) == Ok(tx));
                let output = spent.next_output()?;
                input.ok_or(Truncated { offset: 0 })?.spent =
                    Some((ScriptHash::of(output.script).key(), output.value));
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
