//! What the initial build does with a block: reads its rows, adds them to a run.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use electrode_coin::Height;
use electrode_index::{BlockRows, Index, IndexConfig, Run};

use crate::inputs::Chain;

/// The chain goes on so far above the blocks measured that none of them needs an undo record.
const TARGET: Height = Height(100_000);

pub(crate) fn bench(criterion: &mut Criterion) {
    let chain = Chain::generate();
    read(criterion, &chain);
    push(criterion, &chain);
}

fn read(criterion: &mut Criterion, chain: &Chain) {
    let block = chain.busy_block();
    let transactions = BlockRows::read(&*chain.coin, block).unwrap().txids().len();
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements(transactions.try_into().unwrap()));
    group.bench_function("read a block", |bencher| {
        bencher.iter(|| BlockRows::read(&*chain.coin, black_box(block)).unwrap());
    });
    group.finish();
}

fn push(criterion: &mut Criterion, chain: &Chain) {
    let dir = tempfile::tempdir().unwrap();
    let config = IndexConfig::default();
    let room = config.run_memory() / 16;
    let index = Index::open(dir.path(), chain.coin.descriptor(), config).unwrap();
    let rows: Vec<BlockRows> = chain
        .raw_blocks()
        .map(|block| BlockRows::read(&*chain.coin, block).unwrap())
        .collect();
    let transactions: usize = rows.iter().map(|rows| rows.txids().len()).sum();
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements(transactions.try_into().unwrap()));
    group.bench_function("push the chain to a run", |bencher| {
        bencher.iter_batched(
            || Run::new(&index, TARGET).with_room(room),
            |mut run| {
                rows.iter().for_each(|rows| run.push(rows).unwrap());
                run
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}
