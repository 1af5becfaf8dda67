//! A histogram of latencies that any thread adds to without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds of the buckets, of which the last has none. Units: microseconds.
const BOUNDS: [u64; BUCKETS - 1] = [
    25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 100_000, 500_000, 2_000_000,
    10_000_000,
];
const BUCKETS: usize = 15;

/// Latencies, counted by bucket.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

/// What was counted up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LatencyTotals {
    buckets: [u64; BUCKETS],
    nanos: u64,
}

impl Latencies {
    pub(crate) fn record(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn totals(&self) -> LatencyTotals {
        LatencyTotals {
            buckets: std::array::from_fn(|at| {
                self.buckets
                    .get(at)
                    .map_or(0, |bucket| bucket.load(Ordering::Relaxed))
            }),
            nanos: self.nanos.load(Ordering::Relaxed),
        }
    }
}

impl LatencyTotals {
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub(crate) fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// Gives each bucket: its upper bound in seconds, and what is in it and in no lower one.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = BOUNDS.map(|micros| Duration::from_micros(micros).as_secs_f64());
        let bounds = bounds.into_iter().chain([f64::MAX]);
        bounds.zip(self.buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_latency_in_the_lowest_bucket_that_holds_it() {
        let latencies = Latencies::default();
        for micros in [0, 25, 26, 9_999, 10_000_000, 10_000_001] {
            latencies.record(Duration::from_micros(micros));
        }
        let totals = latencies.totals();
        let filled: Vec<_> = totals.buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!(
            filled,
            [(2.5e-5, 2), (5e-5, 1), (0.01, 1), (10.0, 1), (f64::MAX, 1)]
        );
        assert_eq!(totals.count(), 6);
        assert_eq!(totals.sum(), Duration::from_micros(20_010_051));
    }
}
