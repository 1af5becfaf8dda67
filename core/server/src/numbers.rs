//! Numbers of one width as numbers of another.

/// Gives a count of things in memory with the width it has in answers and metrics.
pub(crate) fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
