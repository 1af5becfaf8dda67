//! The proof that a transaction is in a block of 4,096, made anew and from a kept tree.

use std::{convert::Infallible, hint::black_box, ops::Range};

use criterion::Criterion;
use electrode_protocol::merkle::{Hash, Tree, branch_and_root, root};

use crate::inputs::txids;

const LEAVES: u32 = 4_096;
const POSITION: usize = 1_234;

pub(crate) fn bench(criterion: &mut Criterion) {
    let leaves: Vec<Hash> = txids(LEAVES).into_iter().map(|txid| txid.0).collect();
    let tree = Tree::new(&leaves);
    let mut group = criterion.benchmark_group("merkle");
    group.bench_function("root", |bencher| {
        bencher.iter(|| root(black_box(&leaves)).unwrap());
    });
    group.bench_function("branch and root", |bencher| {
        bencher.iter(|| branch_and_root(black_box(&leaves), POSITION).unwrap());
    });
    group.bench_function("branch of a kept tree", |bencher| {
        bencher.iter(|| {
            let read =
                |range: Range<usize>| Ok::<_, Infallible>(leaves.get(range).unwrap().to_vec());
            tree.branch(black_box(POSITION), read).unwrap().unwrap()
        });
    });
    group.finish();
}
