//! The walk over a block: every transaction found, its txid hashed.

use std::{hint::black_box, ops::ControlFlow};

use criterion::{Criterion, Throughput};
use electrode_coin::TxView;

use crate::inputs::Chain;

pub(crate) fn bench(criterion: &mut Criterion) {
    let chain = Chain::generate();
    let block = chain.busy_block();
    let mut group = criterion.benchmark_group("block");
    group.throughput(Throughput::Bytes(block.bytes.len().try_into().unwrap()));
    group.bench_function("walk", |bencher| {
        bencher.iter(|| {
            let mut sink = |tx: &TxView<'_>| {
                black_box(tx);
                ControlFlow::Continue(())
            };
            let walked = chain
                .coin
                .parse_block(block.height, black_box(block.bytes), &mut sink);
            walked.unwrap();
        });
    });
    group.finish();
}
