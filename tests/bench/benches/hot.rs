//! How long the functions take that every block or every request goes through.
//!
//! One file per subject; one program, so that they share their inputs and link RocksDB once.
//! `cargo bench -p electrode-bench -- status` runs the benches whose names contain `status`.

#![expect(clippy::unwrap_used, reason = "the inputs are made here")]

mod answers;
mod block;
mod inputs;
mod merkle;
mod rows;
mod status;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    block::bench(&mut criterion);
    rows::bench(&mut criterion);
    status::bench(&mut criterion);
    merkle::bench(&mut criterion);
    answers::bench(&mut criterion);
    criterion.final_summary();
}
