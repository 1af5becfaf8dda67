//! The chain of the demonstration: blocks, coins, mempool.

use std::collections::{BTreeMap, HashMap};

use bitcoin::{
    Amount, Block, BlockHash, FeeRate, Network, OutPoint, ScriptBuf, Transaction, TxOut, Txid,
    Weight,
    constants::{COINBASE_MATURITY, genesis_block},
    secp256k1::{All, Secp256k1},
};

use electrode_coin::Height;

use super::{
    accept::{self, Refusal},
    assemble::Template,
};

/// How many transactions may wait for a block.
pub(super) const MAX_MEMPOOL: usize = 2000;

/// How much of a block's weight is filled, the rest being left to header and coinbase.
const MAX_FILLED: Weight = Weight::from_wu(Weight::MAX_BLOCK.to_wu() - 4000);

/// How many blocks' fees tell what fee to pay.
const FEE_BLOCKS: usize = 6;

/// How many blocks the median time is taken of. Source: BIP113.
const MEDIAN_BLOCKS: usize = 11;

/// A chain that only grows.
#[derive(Debug)]
pub(super) struct Chain {
    secp: Secp256k1<All>,
    blocks: Vec<Block>,
    heights: HashMap<BlockHash, Height>,
    places: HashMap<Txid, Place>,
    /// Unspent outputs, as if the mempool were mined already: nothing ever leaves it but for a
    /// block. Ordered, so that the story is the same at every start.
    coins: BTreeMap<OutPoint, Coin>,
    mempool: Vec<Pending>,
    /// The median fee rate of every block that has one.
    fee_rates: Vec<FeeRate>,
}

/// Where a transaction is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) height: Height,
    index: usize,
}

/// An unspent output.
#[derive(Clone, Debug)]
pub(super) struct Coin {
    pub(super) output: TxOut,
    /// The height of the coinbase that made it, if one did.
    pub(super) mined: Option<Height>,
}

/// A transaction that waits for a block.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) tx: Transaction,
    pub(super) txid: Txid,
    pub(super) fee: Amount,
}

impl Chain {
    /// Starts with regtest's genesis block, whose coinbase cannot be spent.
    pub(super) fn regtest() -> Self {
        let genesis = genesis_block(Network::Regtest);
        Self {
            secp: Secp256k1::new(),
            heights: HashMap::from([(genesis.block_hash(), Height(0))]),
            blocks: vec![genesis],
            places: HashMap::new(),
            coins: BTreeMap::new(),
            mempool: Vec::new(),
            fee_rates: Vec::new(),
        }
    }

    pub(super) fn secp(&self) -> &Secp256k1<All> {
        &self.secp
    }

    /// Gives the height of the last block.
    pub(super) fn tip(&self) -> Height {
        let last = self.blocks.len().saturating_sub(1);
        Height(u32::try_from(last).expect("blocks come slowly"))
    }

    pub(super) fn block(&self, height: Height) -> Option<&Block> {
        self.blocks.get(usize::try_from(height.0).ok()?)
    }

    pub(super) fn tip_block(&self) -> &Block {
        self.blocks.last().expect("there is a genesis block")
    }

    pub(super) fn height(&self, hash: &BlockHash) -> Option<Height> {
        self.heights.get(hash).copied()
    }

    /// Gives the place of a transaction that is in a block.
    pub(super) fn place(&self, txid: &Txid) -> Option<Place> {
        self.places.get(txid).copied()
    }

    /// Finds a transaction in blocks and mempool.
    pub(super) fn transaction(&self, txid: &Txid) -> Option<&Transaction> {
        match self.place(txid) {
            Some(Place { height, index }) => self.block(height)?.txdata.get(index),
            None => self.pending(txid).map(|pending| &pending.tx),
        }
    }

    /// Gives the mempool, parents before children.
    pub(super) fn mempool(&self) -> &[Pending] {
        &self.mempool
    }

    pub(super) fn pending(&self, txid: &Txid) -> Option<&Pending> {
        self.mempool.iter().find(|pending| pending.txid == *txid)
    }

    pub(super) fn coin(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.coins.get(outpoint)
    }

    /// Gives the unspent outputs of a script.
    pub(super) fn coins_of(&self, script: &ScriptBuf) -> impl Iterator<Item = (&OutPoint, &Coin)> {
        self.coins
            .iter()
            .filter(move |(_outpoint, coin)| coin.output.script_pubkey == *script)
    }

    /// Tells whether the next block may spend a coin.
    pub(super) fn is_mature(&self, coin: &Coin) -> bool {
        coin.mined
            .is_none_or(|mined| self.tip().next().0 - mined.0 >= COINBASE_MATURITY)
    }

    /// Gives the median time of the blocks up to that height.
    pub(super) fn median_time(&self, height: Height) -> u32 {
        let end = usize::try_from(height.0).map_or(usize::MAX, |height| height.saturating_add(1));
        let blocks = self
            .blocks
            .get(..end.min(self.blocks.len()))
            .unwrap_or_default();
        let mut times: Vec<_> = blocks
            .iter()
            .rev()
            .take(MEDIAN_BLOCKS)
            .map(|block| block.header.time)
            .collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }

    /// Gives the median of what the last blocks took.
    pub(super) fn fee_estimate(&self) -> Option<FeeRate> {
        let mut last: Vec<_> = self.fee_rates.iter().rev().take(FEE_BLOCKS).collect();
        last.sort_unstable();
        last.get(last.len() / 2).copied().copied()
    }

    /// Takes a transaction into the mempool; one that is there already is no error.
    pub(super) fn submit(&mut self, tx: Transaction) -> Result<Txid, Refusal> {
        let txid = tx.compute_txid();
        if self.pending(&txid).is_some() {
            return Ok(txid);
        }
        let fee = accept::check(self, &tx)?;
        self.spend(&tx, txid, None);
        self.mempool.push(Pending { tx, txid, fee });
        Ok(txid)
    }

    /// Mines a block of what waits, in its order, at `time` or as soon after as the rules allow.
    pub(super) fn mine(&mut self, time: u32, payee: ScriptBuf) -> BlockHash {
        let mined = self.take_filling();
        let height = self.tip().next();
        let block = Template {
            prev: self.tip_block().block_hash(),
            height,
            time: time.max(self.median_time(self.tip()).saturating_add(1)),
            payee,
            fees: mined.iter().map(|pending| pending.fee).sum(),
            transactions: mined.iter().map(|pending| pending.tx.clone()).collect(),
        }
        .into_block();
        self.fee_rates.extend(median_fee_rate(&mined));
        self.connect(block, height)
    }

    /// Takes the start of the mempool that fits one block.
    fn take_filling(&mut self) -> Vec<Pending> {
        let mut weight = Weight::ZERO;
        let fits = |pending: &&Pending| {
            weight += pending.tx.weight();
            weight <= MAX_FILLED
        };
        let count = self.mempool.iter().take_while(fits).count();
        self.mempool.drain(..count).collect()
    }

    fn connect(&mut self, block: Block, height: Height) -> BlockHash {
        let hash = block.block_hash();
        for (index, tx) in block.txdata.iter().enumerate() {
            self.places
                .insert(tx.compute_txid(), Place { height, index });
        }
        if let Some(coinbase) = block.coinbase() {
            self.spend(coinbase, coinbase.compute_txid(), Some(height));
        }
        self.heights.insert(hash, height);
        self.blocks.push(block);
        hash
    }

    /// Takes the coins that a transaction spends, and adds those that it makes.
    fn spend(&mut self, tx: &Transaction, txid: Txid, mined: Option<Height>) {
        for input in &tx.input {
            self.coins.remove(&input.previous_output);
        }
        for (vout, output) in (0..).zip(&tx.output) {
            if !output.script_pubkey.is_op_return() {
                let coin = Coin {
                    output: output.clone(),
                    mined,
                };
                self.coins.insert(OutPoint { txid, vout }, coin);
            }
        }
    }
}

fn median_fee_rate(mined: &[Pending]) -> Option<FeeRate> {
    let mut rates: Vec<_> = mined
        .iter()
        .map(|pending| pending.fee / pending.tx.weight())
        .collect();
    rates.sort_unstable();
    rates.get(rates.len() / 2).copied()
}
