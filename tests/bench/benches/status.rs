//! The status of a script, hashed from its whole history.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use electrode_coin::{Height, Txid};
use electrode_protocol::{Status, StatusHasher};

use crate::inputs::history;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("status");
    for count in [1, 100, 10_000] {
        let history = history(count);
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| status(black_box(&history)));
        });
    }
    group.finish();
}

fn status(history: &[(Txid, Height)]) -> Option<Status> {
    let mut hasher = StatusHasher::new();
    for (txid, height) in history {
        hasher.push_confirmed(txid, *height);
    }
    hasher.finish(&[])
}
