//! How often a cache knows the answer.

use std::sync::atomic::{AtomicU64, Ordering};

use electrode_protocol::CacheInfo;

use crate::numbers::as_u64;

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

    /// Describes a cache that holds so much.
    pub(crate) fn info(&self, entries: usize, bytes: u64) -> CacheInfo {
        let hits = self.hits.load(Ordering::Relaxed);
        CacheInfo {
            entries: as_u64(entries),
            bytes,
            lookups: hits + self.misses.load(Ordering::Relaxed),
            hits,
        }
    }
}
