//! Arguments of every method in every version: read, or refused with a short reason.

use std::collections::HashSet;

use electrode_tests::Dice;

use super::CASES;
use crate::{Call, Dialect, Incoming, Method, ProtocolVersion, RpcError, parse};

/// Values that methods take, and others.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "0.5",
    "1e400",
    "-0",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "1e2",
    "\"\"",
    "\"1.4\"",
    "[\"1.4\",\"1.6\"]",
    "\"00\"",
    "\"zz\"",
    "\"8b01df4e368ea28f8dc0423bcf7a4923e3a12d307c875e47a0cfbf90b5c39161\"",
    "\"8B01df4e368ea28f8dc0423bcf7a4923e3a12d307c875e47a0cfbf90b5c39161\"",
    "\"economical\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "[]",
    "{}",
    "[[[]]]",
    "[\"00\"]",
    "{\"hosts\":{\"x\":{\"tcp_port\":1}}}",
    "{\"a\":{\"a\":1}}",
];

/// Names of arguments, and one that is none.
const NAMES: &[&str] = &[
    "scripthash",
    "height",
    "cp_height",
    "start_height",
    "count",
    "tx_hash",
    "txid",
    "verbose",
    "raw_tx",
    "tx_pos",
    "merkle",
    "number",
    "mode",
    "client_name",
    "protocol_version",
    "x",
];

/// The longest reason that is given, whatever came.
const MAX_REASON_LEN: usize = 1000;

fn params(dice: &mut Dice) -> String {
    let count = dice.index(4);
    let values = (0..count).map(|_| match dice.pick(0..20) {
        0 => format!("\"{}\"", "x".repeat(dice.index(5000))),
        1 => dice.pick(0..u64::MAX).cast_signed().to_string(),
        2 => f64::from_bits(dice.pick(0..u64::MAX)).to_string(),
        _ => VALUES[dice.index(VALUES.len())].to_owned(),
    });
    let values: Vec<_> = values.collect();
    if dice.pick(0..3) > 0 {
        return format!("[{}]", values.join(","));
    }
    let named = values.iter().map(|value| {
        let name = NAMES[dice.index(NAMES.len())];
        format!("\"{name}\":{value}")
    });
    format!("{{{}}}", named.collect::<Vec<_>>().join(","))
}

fn decode(version: ProtocolVersion, message: &str) -> Option<Result<Call, RpcError>> {
    match parse(message.as_bytes(), 1) {
        Ok(Incoming::Single(request)) => Some(Dialect::new(version).decode(&request)),
        // Damage may leave no request.
        Ok(Incoming::Batch(_)) | Err(_) => None,
    }
}

#[test]
fn are_read_or_refused_with_a_short_reason() {
    let mut dice = Dice::from_env();
    let (mut read, mut refused) = (HashSet::new(), 0);
    for _ in 0..CASES {
        let method = Method::ALL[dice.index(Method::ALL.len())].name();
        let params = params(&mut dice);
        let params = match dice.pick(0..4) {
            0 => dice.damaged(&params, VALUES),
            _ => params,
        };
        let message = format!("{{\"id\":1,\"method\":\"{method}\",\"params\":{params}}}");
        let version = ProtocolVersion::SERVED[dice.index(ProtocolVersion::SERVED.len())];
        match decode(version, &message) {
            Some(Ok(call)) => drop(read.insert(call.method().name())),
            Some(Err(error)) => {
                assert!(error.message.len() < MAX_REASON_LEN, "{message}: {error:?}");
                refused += 1;
            }
            None => {}
        }
    }
    let unread = Method::ALL.map(Method::name);
    let unread: Vec<_> = unread.iter().filter(|name| !read.contains(*name)).collect();
    assert!(unread.is_empty(), "never read: {unread:?}");
    assert!(refused > CASES / 4, "{refused}");
}
