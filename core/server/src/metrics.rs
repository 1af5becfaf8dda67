//! How long requests take, counted as they are answered.

mod latency;

use std::sync::atomic::{AtomicU64, Ordering};

use electrode_protocol::Method;

pub(crate) use latency::{Latencies, LatencyTotals};

/// What is measured of requests, by method.
///
/// Cost: a request adds to two counters of its method.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    methods: [Latencies; Method::ALL.len()],
    unreadable: AtomicU64,
}

impl Metrics {
    /// Gives the latencies of a method.
    pub(crate) fn of(&self, method: Method) -> &Latencies {
        let latencies = self.methods.get(method.number());
        latencies.expect("there is a place for every method")
    }

    /// Counts a request that names no method of its session's version, or is none at all.
    pub(crate) fn count_unreadable(&self) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the number of requests that could not be read.
    pub(crate) fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// Gives every method that was asked for, with its latencies so far.
    pub(crate) fn totals(&self) -> Vec<(Method, LatencyTotals)> {
        let totals = Method::ALL.map(|method| (method, self.of(method).totals()));
        totals
            .into_iter()
            .filter(|(_, totals)| totals.count() > 0)
            .collect()
    }
}
