//! The nodes in turn: one is current, the others wait for it to fail.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{DaemonError, DaemonUrl};

/// The nodes, at least one.
#[derive(Debug)]
pub(crate) struct Nodes {
    urls: Vec<DaemonUrl>,
    /// Counts up; its remainder by the number of nodes is the current one.
    turn: AtomicUsize,
}

/// Which turn a request was sent in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn(usize);

impl Nodes {
    pub(crate) fn new(urls: Vec<DaemonUrl>) -> Result<Self, DaemonError> {
        if urls.is_empty() {
            return Err(DaemonError::NoUrl);
        }
        Ok(Self {
            urls,
            turn: AtomicUsize::new(0),
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.urls.len()
    }

    /// Gives the current node.
    pub(crate) fn current(&self) -> (Turn, &DaemonUrl) {
        let turn = self.turn.load(Ordering::Relaxed);
        let url = self.urls.get(turn % self.urls.len());
        (
            Turn(turn),
            url.expect("a remainder is less than its divisor"),
        )
    }

    /// Passes on to the next node, unless another request has done so since `turn`.
    pub(crate) fn pass(&self, Turn(turn): Turn) {
        let next = turn.wrapping_add(1);
        let passed = self
            .turn
            .compare_exchange(turn, next, Ordering::Relaxed, Ordering::Relaxed);
        if passed.is_ok() && self.count() > 1 {
            tracing::warn!("passing on to the node at {}", self.current().1);
        }
    }
}
