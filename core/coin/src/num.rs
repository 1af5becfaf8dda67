//! Numbers of one width as numbers of another, where nothing can be lost.

/// Widens a length or a count of things in memory.
///
/// # Panics
/// On no platform that RocksDB runs on: `usize` has at most 64 bits there.
#[must_use]
pub fn u64_from(count: usize) -> u64 {
    u64::try_from(count).expect("as said above")
}

/// Widens a number of 32 bits, to count things in memory.
///
/// # Panics
/// On no platform that RocksDB runs on: `usize` has at least 32 bits there.
#[must_use]
pub fn usize_from(number: u32) -> usize {
    usize::try_from(number).expect("as said above")
}
