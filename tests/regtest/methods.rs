//! What each method answers, in each version that has it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use bitcoin::{
    Block,
    consensus::encode::{deserialize_hex, serialize_hex},
    hashes::Hash as _,
};
use electrode_tests::{
    Bitcoind, Branch, Electrode, LineClient, Lock, Oracle, Spendable, branch_root, merkle_root,
    parse_hash, sats, show_hash,
};
use serde_json::{Value, json};

const FEE: u64 = 10_000;
const GENESIS: &str = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206";
const VERSIONS: [&str; 5] = ["1.4", "1.4.1", "1.4.2", "1.4.3", "1.6"];

fn client_of(server: &Electrode, version: &str) -> LineClient {
    let mut client = server.stranger();
    let agreed = client.call("server.version", &json!(["tests", version]));
    assert_eq!(agreed[1], version);
    client
}

#[test]
fn has_the_methods_of_each_version() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    let hash = json!([Lock::Segwit(1).script_hash()]);
    for (method, params, versions) in [
        ("blockchain.relayfee", json!([]), &VERSIONS[..4]),
        ("mempool.get_info", json!([]), &VERSIONS[4..]),
        (
            "blockchain.scripthash.unsubscribe",
            hash.clone(),
            &VERSIONS[2..],
        ),
        (
            "blockchain.transaction.broadcast_package",
            json!([[]]),
            &VERSIONS[4..],
        ),
        ("blockchain.scripthash.get_mempool", hash, &VERSIONS[..]),
        ("mempool.get_fee_histogram", json!([]), &VERSIONS[..]),
        ("blockchain.address.get_balance", json!(["x"]), &[]),
        ("blockchain.block.get_chunk", json!([0]), &[]),
    ] {
        for version in VERSIONS {
            let answer = client_of(&server, version).try_call(method, &params);
            let unknown = answer.is_err_and(|error| error["code"] == -32601);
            assert_eq!(
                unknown,
                !versions.contains(&version),
                "{method} in {version}"
            );
        }
    }
}

#[test]
fn tells_about_itself_and_the_network() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    let mut client = server.client();
    let features = client.call("server.features", &json!([]));
    for (key, value) in [
        ("genesis_hash", json!(GENESIS)),
        ("hash_function", json!("sha256")),
        ("protocol_min", json!("1.4")),
        ("protocol_max", json!("1.6")),
        ("pruning", Value::Null),
    ] {
        assert_eq!(features[key], value, "{key} of {features}");
    }
    assert!(
        features["server_version"].is_string() && features["hosts"].is_object(),
        "{features}"
    );
    assert!(client.call("server.banner", &json!([])).is_string());
    let donation = client.call("server.donation_address", &json!([]));
    assert!(donation.is_null() || donation.is_string());
    assert_eq!(client.call("server.peers.subscribe", &json!([])), json!([]));
    assert_eq!(client.call("server.ping", &json!([])), Value::Null);

    // A new chain gives no estimates.
    for blocks in [1, 2, 25, 1008] {
        let fee = client.call("blockchain.estimatefee", &json!([blocks]));
        assert_eq!(fee.as_f64(), Some(-1.0));
    }
    let economical = json!([2, "ECONOMICAL"]);
    assert_eq!(
        client.call("blockchain.estimatefee", &economical).as_f64(),
        Some(-1.0)
    );
    let bad_mode = client
        .try_call("blockchain.estimatefee", &json!([2, "CHEAP"]))
        .unwrap_err();
    assert_eq!(bad_mode["code"], 1);

    let info = client.call("mempool.get_info", &json!([]));
    let of_node = node.rpc("getmempoolinfo", &json!([]));
    for key in ["mempoolminfee", "minrelaytxfee", "incrementalrelayfee"] {
        assert_eq!(sats(&info[key]), sats(&of_node[key]), "{key}");
    }
    let relay = client_of(&server, "1.4").call("blockchain.relayfee", &json!([]));
    assert_eq!(sats(&relay), sats(&of_node["minrelaytxfee"]));
}

#[test]
fn gives_headers_and_proves_them() {
    let node = Bitcoind::start();
    let (chain, _) = Branch::funded(&node, 1);
    let server = Electrode::serve(&node);
    let tip = usize::try_from(chain.height).unwrap();
    let headers: Vec<String> = (0..=tip).map(|height| header_of(&node, height)).collect();
    let hashes: Vec<[u8; 32]> = headers
        .iter()
        .map(|header| hash_of_header(header))
        .collect();
    let [mut old, mut new] = ["1.4", "1.6"].map(|version| client_of(&server, version));

    let shown = new.call("blockchain.headers.subscribe", &json!([]));
    assert_eq!(shown, json!({ "hex": headers[tip], "height": tip }));
    for (start, count, given) in [
        (0, 10, 10),
        (tip - 2, 10, 3),
        (0, 2017, tip + 1),
        (tip + 1, 5, 0),
    ] {
        let end = start + given;
        let params = json!([start, count]);
        let list = new.call("blockchain.block.headers", &params);
        let right = json!({ "headers": headers[start..end], "count": given, "max": 2016 });
        assert_eq!(list, right, "{params}");
        let joined = old.call("blockchain.block.headers", &params);
        let right = json!({ "hex": headers[start..end].concat(), "count": given, "max": 2016 });
        assert_eq!(joined, right, "{params}");
    }

    for (height, cp_height) in [(0, 1), (1, 1), (5, 8), (7, tip), (tip, tip)] {
        let root = merkle_root(&hashes[..=cp_height]);
        for client in [&mut old, &mut new] {
            let single = client.call("blockchain.block.header", &json!([height, cp_height]));
            assert_eq!(single["header"], headers[height]);
            check_header_proof(&single, &hashes[height], height, root);
            let many = client.call(
                "blockchain.block.headers",
                &json!([0, height + 1, cp_height]),
            );
            check_header_proof(&many, &hashes[height], height, root);
        }
    }
    for params in [json!([5, 4]), json!([5, tip + 1]), json!([tip + 1, 0])] {
        let error = new
            .try_call("blockchain.block.header", &params)
            .unwrap_err();
        assert_eq!(error["code"], 1, "{params}: {error}");
    }
}

fn header_of(node: &Bitcoind, height: usize) -> String {
    let hash = node.rpc("getblockhash", &json!([height]));
    node.rpc("getblockheader", &json!([hash, false]))
        .as_str()
        .unwrap()
        .to_owned()
}

fn hash_of_header(header: &str) -> [u8; 32] {
    let header: bitcoin::block::Header = deserialize_hex(header).unwrap();
    header.block_hash().to_byte_array()
}

fn check_header_proof(answer: &Value, leaf: &[u8; 32], height: usize, root: [u8; 32]) {
    let branch: Vec<[u8; 32]> = answer["branch"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hash| parse_hash(hash.as_str().unwrap()))
        .collect();
    assert_eq!(branch_root(*leaf, &branch, height), root, "{answer}");
    assert_eq!(answer["root"], show_hash(root));
}

#[test]
fn gives_transactions_and_their_places() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 3);
    let confirmed = coins[0].forward(Lock::Segwit(1), FEE);
    let pending = coins[1].forward(Lock::Bare(2), FEE);
    let block = chain.next(&Lock::Segwit(3).script(), [&confirmed]);
    node.submit(&block);
    node.send(&pending);
    let mut server = Electrode::serve(&node);
    Oracle::wait_agree(&node, &mut server);
    let mut client = server.client();

    for tx in [&confirmed, &pending, &block.txdata[0]] {
        let txid = tx.compute_txid().to_string();
        assert_eq!(
            client.call("blockchain.transaction.get", &json!([txid])),
            serialize_hex(tx)
        );
        let verbose = client.call("blockchain.transaction.get", &json!([txid, true]));
        assert_eq!(verbose, verbose_of(&node, &block, &txid));
    }
    let unknown = "ab".repeat(32);
    let error = client
        .try_call("blockchain.transaction.get", &json!([unknown]))
        .unwrap_err();
    assert_eq!(error["code"], 2);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("No such mempool"), "{message}");

    let txid = confirmed.compute_txid().to_string();
    let by_position = client.call(
        "blockchain.transaction.id_from_pos",
        &json!([chain.height, 1]),
    );
    assert_eq!(by_position, txid);
    for (method, params, message) in [
        (
            "blockchain.transaction.id_from_pos",
            json!([chain.height, 2]),
            format!("no tx at position 2 in block at height {}", chain.height),
        ),
        (
            "blockchain.transaction.get_merkle",
            json!([txid, chain.height - 1]),
            format!("tx {txid} not in block at height {}", chain.height - 1),
        ),
        (
            "blockchain.transaction.get_merkle",
            json!([unknown, chain.height]),
            format!("tx {unknown} not in block at height {}", chain.height),
        ),
    ] {
        let error = client.try_call(method, &params).unwrap_err();
        assert_eq!(error, json!({ "code": 1, "message": message }));
    }
    let above = json!([txid, chain.height + 1]);
    let error = client
        .try_call("blockchain.transaction.get_merkle", &above)
        .unwrap_err();
    assert_eq!(error["code"], 1);
}

/// What the node says about a transaction of `block` or of the mempool.
fn verbose_of(node: &Bitcoind, block: &Block, txid: &str) -> Value {
    let hash = block.block_hash().to_string();
    node.try_rpc("getrawtransaction", &json!([txid, true, hash]))
        .unwrap_or_else(|_in_mempool| node.rpc("getrawtransaction", &json!([txid, true])))
}

#[test]
fn passes_transactions_on_and_says_why_not() {
    let node = Bitcoind::start();
    let (_chain, coins) = Branch::funded(&node, 3);
    let server = Electrode::serve(&node);
    let mut client = server.client();

    let good = coins[0].forward(Lock::Segwit(1), FEE);
    let raw = serialize_hex(&good);
    let echoed = client.call("blockchain.transaction.broadcast", &json!([raw]));
    assert_eq!(echoed, good.compute_txid().to_string());
    assert!(node.mempool().contains(&good.compute_txid().to_string()));

    let missing = Spendable {
        outpoint: bitcoin::OutPoint::new(good.compute_txid(), 9),
        ..coins[0]
    };
    let conflict = coins[0].forward(Lock::Segwit(2), FEE);
    for bad in [missing.forward(Lock::Segwit(2), FEE), conflict] {
        let raw = serialize_hex(&bad);
        let why = node
            .try_rpc("sendrawtransaction", &json!([raw]))
            .unwrap_err();
        let why = why["message"].as_str().unwrap();
        let error = client
            .try_call("blockchain.transaction.broadcast", &json!([raw]))
            .unwrap_err();
        let message = format!("the transaction was rejected by network rules.\n\n{why}\n[{raw}]");
        assert_eq!(error, json!({ "code": 1, "message": message }));
    }

    let parent = coins[1].forward(Lock::Segwit(1), FEE);
    let child = Spendable::find(&parent, Lock::Segwit(1)).forward(Lock::Segwit(2), FEE);
    let package = json!([[serialize_hex(&parent), serialize_hex(&child)]]);
    let answer = client.call("blockchain.transaction.broadcast_package", &package);
    assert_eq!(answer["success"], true, "{answer}");
    assert!(node.mempool().contains(&child.compute_txid().to_string()));

    let parent = coins[2].forward(Lock::Segwit(1), FEE);
    let outpoint = bitcoin::OutPoint::new(parent.compute_txid(), 1);
    let child = Spendable {
        outpoint,
        ..coins[2]
    }
    .forward(Lock::Segwit(2), FEE);
    let package = json!([[serialize_hex(&parent), serialize_hex(&child)]]);
    let answer = client.call("blockchain.transaction.broadcast_package", &package);
    assert_eq!(answer["success"], false, "{answer}");
    let failed: Vec<&Value> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["txid"])
        .collect();
    assert_eq!(failed, [&child.compute_txid().to_string()], "{answer}");
}

#[test]
fn stops_telling_who_unsubscribes() {
    let node = Bitcoind::start();
    let (_chain, coins) = Branch::funded(&node, 2);
    let mut server = Electrode::serve(&node);
    let mut client = server.client();
    let hashes = [Lock::Segwit(1), Lock::Segwit(2)].map(|lock| json!([lock.script_hash()]));
    for hash in &hashes {
        assert!(
            client
                .call("blockchain.scripthash.subscribe", hash)
                .is_null()
        );
    }
    assert_eq!(
        client.call("blockchain.scripthash.unsubscribe", &hashes[0]),
        true
    );
    assert_eq!(
        client.call("blockchain.scripthash.unsubscribe", &hashes[0]),
        false
    );

    node.send(&coins[0].forward(Lock::Segwit(1), FEE));
    Oracle::wait_agree(&node, &mut server);
    assert_eq!(client.notices(), [] as [Value; 0]);
    node.send(&coins[1].forward(Lock::Segwit(2), FEE));
    assert_eq!(client.notice()["params"][0], hashes[1][0]);
}
