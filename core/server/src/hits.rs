//! How often a cache knows the answer.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the lookups of a cache and how many it could answer.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Hits {
    /// Counts a lookup, and gives back what it found.
    pub(crate) fn count<T>(&self, found: Option<T>) -> Option<T> {
        let counter = if found.is_some() {
            &self.hits
        } else {
            &self.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    pub(crate) fn lookups(&self) -> u64 {
        self.hits() + self.misses.load(Ordering::Relaxed)
    }
}
