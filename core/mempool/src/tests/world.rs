//! The mempool under test beside what it should make of a node.

use std::collections::BTreeSet;

use electrode_coin::{ScriptKey, Txid};

use super::{
    chain::{Moving, TestTx},
    node::{Block, Node},
    oracle::{Answers, keys},
};
use crate::{Mempool, MempoolConfig, MempoolView, Touched};

/// How many snapshots are checked to be as they were.
const REMEMBERED: usize = 4;

/// Something that happens. Numbers choose among what there is at that moment.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The node accepts a transaction.
    Spend {
        inputs: Vec<u16>,
        outputs: Vec<(usize, u64)>,
        padding: u32,
    },
    /// The node accepts one that replaces another and all that spends it.
    Replace { victim: u16, value: u64 },
    /// The node lets go of one and all that spends it.
    Evict { victim: u16 },
    /// A block confirms some.
    Mine { chosen: u32 },
    /// A block confirms some, and one the node never saw that conflicts with another.
    MineRival { chosen: u32 },
    /// The last block is disconnected.
    Unmine,
    /// The mempool is told what the node lists.
    Sync {
        fetched: u32,
        rotation: u16,
        listing: Listing,
    },
}

/// Which listing the mempool is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Listing {
    /// What the node has.
    Fresh,
    /// What the node had before the last event that changed it.
    Stale,
    /// What the node has, but the index moves while it is read.
    Interrupted,
}

/// The node, the mempool under test and what the oracle expects of it.
pub(super) struct World {
    node: Node,
    stale_pool: Vec<Txid>,
    mempool: Mempool,
    /// What the mempool should hold.
    held: BTreeSet<Txid>,
    /// What the mempool should not ask for again: held or waiting.
    known: BTreeSet<Txid>,
    snapshots: Vec<(MempoolView, Answers)>,
}

impl World {
    pub(super) fn new() -> Self {
        let mempool = Mempool::new(MempoolConfig::default());
        let snapshots = vec![(mempool.view(), Answers::default())];
        Self {
            node: Node::new(),
            stale_pool: Vec::new(),
            mempool,
            held: BTreeSet::new(),
            known: BTreeSet::new(),
            snapshots,
        }
    }

    /// Lets an event happen and checks what the mempool makes of it.
    pub(super) fn apply(&mut self, event: &Event) {
        let held_before = self.held.clone();
        let pool_before = self.node.pool.clone();
        let mut retried = BTreeSet::new();
        let mut touched = Touched::new();
        match event {
            Event::Spend {
                inputs,
                outputs,
                padding,
            } => {
                self.node.spend(inputs, outputs, *padding);
            }
            Event::Replace { victim, value } => self.node.replace(*victim, *value),
            Event::Evict { victim } => self.node.evict(*victim),
            Event::Mine { chosen } => touched = self.connect(&self.node.template(*chosen)),
            Event::MineRival { chosen } => {
                let mut block = self.node.template(*chosen);
                block.extend(self.node.rival(&block));
                touched = self.connect(&block);
            }
            Event::Unmine => touched = self.disconnect(),
            Event::Sync {
                fetched,
                rotation,
                listing,
            } => {
                let listed = self.listing(*rotation, *listing);
                let new = self.fetch(*fetched, &listed);
                (touched, retried) = self.sync(&listed, &new, *listing);
            }
        }
        if self.node.pool != pool_before {
            self.stale_pool = pool_before;
        }
        self.check(&held_before, &retried, &touched);
    }

    /// Tells whether the mempool should hold all that the node has, which is checked to be so.
    pub(super) fn holds_the_pool(&self) -> bool {
        self.held == self.node.pool.iter().copied().collect()
    }

    fn connect(&mut self, block: &[Txid]) -> Touched {
        let spent = self.node.connect(block);
        let touched = self.mempool.confirm(block, &spent);
        self.known.retain(|txid| !block.contains(txid));
        self.held.retain(|txid| !block.contains(txid));
        for loser in self.let_go_of_unresolved() {
            self.known.remove(&loser);
        }
        touched
    }

    fn disconnect(&mut self) -> Touched {
        let Some(Block { txids, .. }) = self.node.disconnect() else {
            return Touched::new();
        };
        let touched = self.mempool.disconnect(&txids);
        self.let_go_of_unresolved();
        touched
    }

    /// Gives the pool in another order, with a third of it twice.
    fn listing(&self, rotation: u16, listing: Listing) -> Vec<Txid> {
        let stale = listing == Listing::Stale;
        let mut listed = if stale {
            &self.stale_pool
        } else {
            &self.node.pool
        }
        .clone();
        let len = listed.len().max(1);
        listed.rotate_left(usize::from(rotation) % len);
        listed.extend_from_within(..listed.len() / 3);
        listed
    }

    /// Gives those that are missing and that `fetched` has a bit for.
    fn fetch(&self, fetched: u32, listed: &[Txid]) -> Vec<Txid> {
        let missing = self.mempool.missing(listed);
        let distinct: BTreeSet<Txid> = missing.iter().copied().collect();
        assert_eq!(
            missing.len(),
            distinct.len(),
            "asked for a transaction twice"
        );
        let unknown = listed
            .iter()
            .copied()
            .filter(|txid| !self.known.contains(txid));
        assert_eq!(distinct, unknown.collect());
        let arrived = missing
            .iter()
            .enumerate()
            .filter(|(at, _)| fetched >> (at % 32) & 1 == 1);
        arrived.map(|(_, txid)| *txid).rev().collect()
    }

    /// Gives what was touched, and what lost an ancestor and was tried again.
    fn sync(
        &mut self,
        listed: &[Txid],
        new: &[Txid],
        listing: Listing,
    ) -> (Touched, BTreeSet<Txid>) {
        let parsed = new.iter().map(|txid| self.node.txs[txid].parse()).collect();
        // What waits is forgotten once it is not listed, even if the index is no help.
        self.known
            .retain(|txid| listed.contains(txid) || self.held.contains(txid));
        self.known.extend(new);
        if listing == Listing::Interrupted {
            assert!(self.mempool.reconcile(listed, parsed, &Moving).is_err());
            return (Touched::new(), BTreeSet::new());
        }
        let Ok(touched) = self.mempool.reconcile(listed, parsed, &self.node.chain);
        self.known.retain(|txid| listed.contains(txid));
        let retried = self.let_go_of_families(listed);
        self.take_in(listed);
        (touched, retried)
    }

    /// Lets go of what is not listed, and of what spends it, directly or not.
    fn let_go_of_families(&mut self, listed: &[Txid]) -> BTreeSet<Txid> {
        let mut gone = BTreeSet::new();
        let is_next = |txid: &Txid, gone: &BTreeSet<Txid>| {
            !gone.contains(txid)
                && (!listed.contains(txid)
                    || self.node.txs[txid]
                        .inputs
                        .iter()
                        .any(|it| gone.contains(&it.txid)))
        };
        while let Some(next) = self.held.iter().find(|txid| is_next(txid, &gone)) {
            gone.insert(*next);
        }
        self.held.retain(|txid| !gone.contains(txid));
        gone
    }

    /// Takes in what resolves, one after the other.
    fn take_in(&mut self, listed: &[Txid]) {
        let resolves = |txid: &Txid, held: &BTreeSet<Txid>| {
            self.node.txs[txid].inputs.iter().all(|input| {
                let unconfirmed = listed.contains(&input.txid);
                held.contains(&input.txid) || !unconfirmed && self.node.chain.0.contains_key(input)
            })
        };
        while let Some(next) = self
            .known
            .iter()
            .find(|txid| !self.held.contains(txid) && resolves(txid, &self.held))
        {
            self.held.insert(*next);
        }
    }

    fn let_go_of_unresolved(&mut self) -> Vec<Txid> {
        let mut let_go = Vec::new();
        while let Some(loser) = self
            .held
            .iter()
            .copied()
            .find(|txid| !self.node.resolves(txid, &self.held))
        {
            self.held.remove(&loser);
            let_go.push(loser);
        }
        let_go
    }

    /// Checks every answer of the view, what was touched, and that old snapshots stayed.
    fn check(&mut self, before: &BTreeSet<Txid>, retried: &BTreeSet<Txid>, touched: &Touched) {
        let Node { txs, outputs, .. } = &self.node;
        let held: Vec<&TestTx> = self.held.iter().map(|txid| &txs[txid]).collect();
        let expected = Answers::of(&held, outputs);
        let view = self.mempool.view();
        assert_eq!(Answers::read(&view, txs, outputs), expected);

        let touched: BTreeSet<ScriptKey> = touched.iter().copied().collect();
        let (_, previous) = self.snapshots.last().unwrap();
        let changed = previous.differences(&expected);
        assert!(
            touched.is_superset(&changed),
            "{touched:?} lacks some of {changed:?}"
        );
        let came_or_left = before.symmetric_difference(&self.held).chain(retried);
        let mut involved: BTreeSet<ScriptKey> = came_or_left
            .flat_map(|txid| keys(&txs[txid], outputs))
            .collect();
        involved.extend(&changed);
        assert!(
            involved.is_superset(&touched),
            "{involved:?} lacks some of {touched:?}"
        );

        self.snapshots.push((view, expected));
        let recent = self.snapshots.len().saturating_sub(REMEMBERED);
        for (view, expected) in &self.snapshots[recent..] {
            assert_eq!(&Answers::read(view, txs, outputs), expected);
        }
    }
}
