//! What the system says of this process. Linux only; elsewhere it knows nothing.

use std::{
    fs,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::numbers::as_u64;

/// When the server started, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    instant: Instant,
    time: SystemTime,
}

impl Started {
    pub(crate) fn now() -> Self {
        Self {
            instant: Instant::now(),
            time: SystemTime::now(),
        }
    }

    /// Gives the seconds since then.
    pub(crate) fn uptime_secs(&self) -> u64 {
        self.instant.elapsed().as_secs()
    }

    /// Gives the time of the start. Units: seconds since 1970.
    pub(crate) fn unix_secs(&self) -> f64 {
        let since = self.time.duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs_f64()
    }
}

/// Gives the memory that the process holds. Units: bytes.
pub(crate) fn rss() -> u64 {
    // Shape: a line `VmRSS:     1234 kB`.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

/// Counts the files and sockets that the process has open.
pub(crate) fn open_files() -> u64 {
    let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    as_u64(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_memory_and_files() {
        assert!(rss() > 100_000, "{}", rss());
        assert!(open_files() > 2);
        assert!(Started::now().unix_secs() > 1.6e9);
    }
}
