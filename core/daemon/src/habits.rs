//! What nodes of different ages do differently.
//!
//! It is learnt from a node's answers: what the version number of a coin's node means, only that
//! coin knows. Source: the RPC code of Bitcoin Core 0.10 to 30.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OnceCell;

/// What one node was seen to do; at first what Bitcoin Core has done since 0.16.
#[derive(Debug, Default)]
pub(crate) struct Habits {
    /// It takes many requests at once for none.
    pub(crate) refuses_batches: Habit,
    /// It wants a number where `getblock` took `true` or `false` in all nodes before 0.15, and
    /// has taken either since.
    pub(crate) numbers_verbosity: Habit,
    /// It cannot be told the block of a transaction: before 0.16.
    pub(crate) ignores_block_of_tx: Habit,
    /// It has an index of all transactions; asked once.
    pub(crate) has_txindex: OnceCell<bool>,
}

/// Something that a node was seen to do, or not.
#[derive(Debug, Default)]
pub(crate) struct Habit(AtomicBool);

impl Habit {
    /// Tells whether the node was seen to do it.
    pub(crate) fn is_seen(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes note whether the node does it.
    pub(crate) fn note(&self, is_seen: bool) {
        self.0.store(is_seen, Ordering::Relaxed);
    }
}
