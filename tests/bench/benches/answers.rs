//! Answers as JSON lines, into a buffer that is kept.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use electrode_coin::Sats;
use electrode_protocol::{Answer, Dialect, Id, ProtocolVersion, encode_response};

use crate::inputs::{Chain, history};

/// A session of the newest wallets.
const DIALECT: Dialect = Dialect::negotiated(ProtocolVersion::V1_6);

pub(crate) fn bench(criterion: &mut Criterion) {
    let chain = Chain::generate();
    let header = chain.busy_block().bytes.get(..80).unwrap().to_vec();
    let answers = [
        (
            "history of 100",
            Answer::History {
                confirmed: history(100).into(),
                mempool: Vec::new(),
            },
        ),
        (
            "balance",
            Answer::Balance {
                confirmed: Sats(123_456_789),
                unconfirmed: -4_000,
            },
        ),
        ("header", Answer::Header { header }),
    ];
    let mut group = criterion.benchmark_group("answer");
    for (name, answer) in answers {
        let id = Id::Json("4711".into());
        let result = Ok(answer);
        let mut line = Vec::new();
        encode_response(&mut line, &id, &result, DIALECT);
        group.throughput(Throughput::Bytes(line.len().try_into().unwrap()));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                line.clear();
                encode_response(&mut line, &id, black_box(&result), DIALECT);
                black_box(&line);
            });
        });
    }
    group.finish();
}
