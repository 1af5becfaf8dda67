//! Settings of an index, and how its memory is shared out.

use electrode_coin::u64_from;

/// Settings of an index.
#[derive(Clone, Debug)]
pub struct IndexConfig {
    /// Memory of the index: what it takes beside is tens of megabytes. Units: bytes.
    pub cache_bytes: usize,
    /// How many blocks can be disconnected.
    pub reorg_limit: u32,
    /// How many files the database keeps open.
    pub max_open_files: i32,
}

impl Default for IndexConfig {
    fn default() -> Self {
        Self {
            cache_bytes: 450 << 20,
            reorg_limit: 200,
            max_open_files: 512,
        }
    }
}

impl IndexConfig {
    /// Gives the most that [`Run::memory`](crate::Run::memory) may be: three fifths.
    #[must_use]
    pub fn run_memory(&self) -> usize {
        self.cache_bytes / 5 * 3
    }

    /// Gives what blocks that are fetched ahead of a run may take: a sixteenth.
    #[must_use]
    pub fn ahead_memory(&self) -> usize {
        self.cache_bytes / 16
    }

    /// What remembers the transactions of runs that were connected: a sixteenth.
    pub(crate) fn recent_runs_memory(&self) -> usize {
        self.cache_bytes / 16
    }

    /// What the database reads: three sixteenths.
    pub(crate) fn block_cache_memory(&self) -> usize {
        self.cache_bytes / 16 * 3
    }

    /// What the write-ahead log may hold that is not in tables yet: a sixty-fourth, because rows
    /// take four times as much in memory.
    pub(crate) fn write_buffer_bytes(&self) -> u64 {
        u64_from(self.cache_bytes / 64)
    }
}
