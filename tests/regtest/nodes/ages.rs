//! Nodes of other ages, back to Bitcoin Core 0.10, whose methods and parameters are fewer. Each is
//! a real node, of whose answers somebody takes away what such a node does not have.

use electrode_tests::{Bitcoind, Branch, Lock, Middleman, Oracle, Reply, Spendable};
use serde_json::{Value, json};

use super::{started, through};

const ALICE: Lock = Lock::Segwit(1);
const BOB: Lock = Lock::Bare(2);
const FEE: u64 = 10_000;

/// A version of Bitcoin Core, as a number: 0.10.0 is 1000.
type Version = u32;

/// When methods came: nodes before do not know them.
const METHODS: [(&str, Version); 9] = [
    ("getblockheader", 1200),
    ("waitfornewblock", 1400),
    ("estimatesmartfee", 1500),
    ("getzmqnotifications", 1700),
    ("getindexinfo", 2100),
    ("getchainstates", 2600),
    ("submitpackage", 2600),
    ("getmempoolinfo", 1000),
    ("getblockchaininfo", 1000),
];

/// Nodes that are still about: forks of these versions.
const VERSIONS: [Version; 6] = [1000, 1302, 1400, 1501, 1702, 2100];

const USAGE: &str = "getrawtransaction \"txid\" ( verbose )\n\nNOTE: By default this function \
    only works for mempool transactions.";

fn answer(version: Version, method: &str, params: &Value) -> Reply {
    let since = METHODS.iter().find(|(name, _)| *name == method);
    if since.is_some_and(|(_, since)| version < *since) {
        return Reply::Error(-32601, "Method not found");
    }
    let params = params.as_array().map(Vec::as_slice).unwrap_or_default();
    match (method, params) {
        ("getblock", [_, verbose, ..]) if version < 1500 && !verbose.is_boolean() => {
            Reply::Error(-1, "JSON value is not a boolean as expected")
        }
        ("getrawtransaction", [_, _, _, ..]) if version < 1600 => Reply::Error(-1, USAGE),
        ("getrawtransaction", [_, verbose]) if version < 1400 && !verbose.is_number() => {
            Reply::Error(-1, "JSON value is not an integer as expected")
        }
        ("estimatesmartfee", [_, _]) if version < 1500 => {
            Reply::Error(-1, "estimatesmartfee nblocks")
        }
        ("getblockchaininfo", _) if version < 1600 => Reply::Edit(|info| {
            info.as_object_mut().unwrap().remove("initialblockdownload");
        }),
        ("getmempoolinfo", _) if version < 1900 => Reply::Edit(|info| {
            *info = json!({"size": info["size"], "bytes": info["bytes"]});
        }),
        _ => Reply::Pass,
    }
}

fn serves_a_node_of(version: Version, takes_batches: bool) {
    let node = Bitcoind::start_on("regtest", &["-nozmqpubhashblock", "-nozmqpubsequence"]);
    let (mut chain, coins) = Branch::funded(&node, 3);
    let to_alice = coins[0].forward(ALICE, FEE);
    chain.mine(&node, [&to_alice]);
    let from_alice = Spendable::find(&to_alice, ALICE).forward(BOB, FEE);
    node.send(&from_alice);

    let middleman = Middleman::before(&node);
    middleman.rule(move |method, params| answer(version, method, params));
    if !takes_batches {
        middleman.refuse_batches();
    }
    let mut server = started(&through(&middleman).daemon("poll_interval_blocks", "200ms"));
    server.wait_ready();
    Oracle::wait_agree(&node, &mut server);
    chain.mine(&node, [&from_alice]);
    server.wait_caught_up(&node);

    let mut client = server.client();
    let to_bob = coins[1].forward(BOB, FEE);
    let raw = bitcoin::consensus::encode::serialize_hex(&to_bob);
    let txid = client.call("blockchain.transaction.broadcast", &json!([raw]));
    assert_eq!(txid, to_bob.compute_txid().to_string());
    Oracle::wait_agree(&node, &mut server);
    for tx in [&to_alice, &from_alice, &to_bob] {
        let txid = tx.compute_txid().to_string();
        let raw = bitcoin::consensus::encode::serialize_hex(tx);
        let got = client.call("blockchain.transaction.get", &json!([txid]));
        assert_eq!(got, raw, "{version}");
        let explained = client.call("blockchain.transaction.get", &json!([txid, true]));
        assert_eq!(explained["txid"], *txid);
        assert_eq!(explained["hex"], raw);
        let expected = match tx == &to_bob {
            true => Value::Null,
            false => node.rpc(
                "getblockhash",
                &json!([if tx == &to_alice { 104 } else { 105 }]),
            ),
        };
        assert_eq!(explained["blockhash"], expected, "{version}");
        if expected.is_string() {
            let header = node.rpc("getblockheader", &json!([expected]));
            assert_eq!(explained["blocktime"], header["time"]);
            assert_eq!(explained["confirmations"], header["confirmations"]);
        }
    }
    let gone = client.try_call("blockchain.transaction.get", &json!(["ab".repeat(32)]));
    assert_eq!(gone.unwrap_err()["code"], 2);
    let fee = client.call("blockchain.estimatefee", &json!([2]));
    assert!(fee.is_number(), "{fee}");
    let info = client.call("mempool.get_info", &json!([]));
    assert!(info["mempoolminfee"].is_number(), "{info}");
    server.stop();
    server.verify();
}

#[test]
fn serves_nodes_of_every_age() {
    for version in VERSIONS {
        serves_a_node_of(version, true);
    }
}

#[test]
fn serves_a_node_that_takes_no_batches() {
    serves_a_node_of(1000, false);
}
