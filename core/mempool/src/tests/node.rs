//! A node with a chain and a mempool of its own, kept consistent the slow way.

use std::collections::{BTreeMap, BTreeSet};

use electrode_coin::{OutPoint, Txid};

use super::chain::{Chain, TestTx};
use crate::Prevout;

/// How many outputs are confirmed to begin with.
const FUNDED: usize = 10;

/// What the mempool under test follows. Numbers choose among what there is at that moment.
pub(super) struct Node {
    /// Every transaction ever made.
    pub(super) txs: BTreeMap<Txid, TestTx>,
    /// Every output ever made.
    pub(super) outputs: BTreeMap<OutPoint, Prevout>,
    pub(super) chain: Chain,
    /// The mempool, parents first.
    pub(super) pool: Vec<Txid>,
    blocks: Vec<Block>,
}

/// What a block confirmed, and the outputs of earlier blocks that it spent.
pub(super) struct Block {
    pub(super) txids: Vec<Txid>,
    spent: Vec<(OutPoint, Prevout)>,
}

impl Node {
    pub(super) fn new() -> Self {
        let chain = Chain::paying(&[1_000_000; FUNDED]);
        let outputs = chain.0.clone();
        Self {
            txs: BTreeMap::new(),
            outputs,
            chain,
            pool: Vec::new(),
            blocks: Vec::new(),
        }
    }

    pub(super) fn spend(&mut self, inputs: &[u16], outputs: &[(usize, u64)], padding: u32) {
        let unspent = self.unspent();
        let inputs: BTreeSet<OutPoint> = inputs
            .iter()
            .filter_map(|pick| choose(&unspent, *pick))
            .collect();
        if !inputs.is_empty() {
            let inputs: Vec<OutPoint> = inputs.into_iter().collect();
            self.accept(&TestTx::new(&inputs, outputs, padding));
        }
    }

    pub(super) fn replace(&mut self, victim: u16, value: u64) {
        if let Some(victim) = choose(&self.pool, victim) {
            self.drop_family(victim);
            let inputs = self.txs[&victim].inputs.clone();
            self.accept(&TestTx::new(&inputs, &[(1, value)], 7));
        }
    }

    pub(super) fn evict(&mut self, victim: u16) {
        if let Some(victim) = choose(&self.pool, victim) {
            self.drop_family(victim);
        }
    }

    /// Gives those of the pool that `chosen` has a bit for and whose parents can come along.
    pub(super) fn template(&self, chosen: u32) -> Vec<Txid> {
        let mut block: Vec<Txid> = Vec::new();
        for (at, txid) in self.pool.iter().enumerate() {
            let mut parents = self.txs[txid].inputs.iter().map(|input| input.txid);
            let complete = parents.all(|it| block.contains(&it) || !self.pool.contains(&it));
            if complete && chosen >> (at % 32) & 1 == 1 {
                block.push(*txid);
            }
        }
        block
    }

    /// Makes a transaction that could end `block` and that something left in the pool rules out.
    pub(super) fn rival(&mut self, block: &[Txid]) -> Option<Txid> {
        let mut chain = self.chain.clone();
        chain.connect(&self.all(block));
        let left = self.pool.iter().filter(|txid| !block.contains(txid));
        let mut inputs = left.map(|txid| self.txs[txid].inputs[0]);
        let contested = inputs.rfind(|input| chain.0.contains_key(input))?;
        Some(self.make(&TestTx::new(&[contested], &[(2, 3)], 9)))
    }

    /// Connects a block and gives all that it spends.
    pub(super) fn connect(&mut self, txids: &[Txid]) -> Vec<OutPoint> {
        let before = self.chain.clone();
        let txs: Vec<TestTx> = self.all(txids).into_iter().cloned().collect();
        let spent = self.chain.connect(&txs.iter().collect::<Vec<_>>());
        self.pool.retain(|txid| !txids.contains(txid));
        let is_lost = |txid: &Txid| !self.resolves(txid, &self.pool.iter().copied().collect());
        let lost: Vec<Txid> = self.pool.iter().copied().filter(is_lost).collect();
        lost.into_iter().for_each(|txid| self.drop_family(txid));

        let undo = before
            .0
            .into_iter()
            .filter(|(outpoint, _)| spent.contains(outpoint));
        self.blocks.push(Block {
            txids: txids.to_vec(),
            spent: undo.collect(),
        });
        spent
    }

    /// Disconnects the last block; what it confirmed is back in the pool.
    pub(super) fn disconnect(&mut self) -> Option<Block> {
        let block = self.blocks.pop()?;
        self.chain
            .0
            .retain(|outpoint, _| !block.txids.contains(&outpoint.txid));
        self.chain.0.extend(block.spent.iter().copied());
        self.pool.splice(0..0, block.txids.iter().copied());
        Some(block)
    }

    /// Tells whether each output that a transaction spends is confirmed or made `among` others.
    pub(super) fn resolves(&self, txid: &Txid, among: &BTreeSet<Txid>) -> bool {
        let mut inputs = self.txs[txid].inputs.iter();
        inputs.all(|input| among.contains(&input.txid) || self.chain.0.contains_key(input))
    }

    fn accept(&mut self, tx: &TestTx) {
        let txid = self.make(tx);
        self.pool.push(txid);
    }

    fn make(&mut self, tx: &TestTx) -> Txid {
        self.outputs.extend(tx.spendable());
        self.txs.insert(tx.txid, tx.clone());
        tx.txid
    }

    fn all(&self, txids: &[Txid]) -> Vec<&TestTx> {
        txids.iter().map(|txid| &self.txs[txid]).collect()
    }

    fn unspent(&self) -> Vec<OutPoint> {
        let pool = self.all(&self.pool);
        let spent: BTreeSet<&OutPoint> = pool.iter().flat_map(|tx| &tx.inputs).collect();
        let made = pool
            .iter()
            .flat_map(|tx| tx.spendable())
            .map(|(outpoint, _)| outpoint);
        let there = self.chain.0.keys().copied().chain(made);
        there.filter(|outpoint| !spent.contains(outpoint)).collect()
    }

    fn drop_family(&mut self, victim: Txid) {
        self.pool.retain(|txid| *txid != victim);
        let is_orphan = |txid: &Txid| self.txs[txid].inputs.iter().any(|it| it.txid == victim);
        let orphans: Vec<Txid> = self.pool.iter().copied().filter(is_orphan).collect();
        orphans
            .into_iter()
            .for_each(|orphan| self.drop_family(orphan));
    }
}

fn choose<T: Copy>(among: &[T], pick: u16) -> Option<T> {
    among
        .get(usize::from(pick).checked_rem(among.len())?)
        .copied()
}
