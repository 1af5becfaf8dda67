//! Tests of the demonstration node: its chain against the `bitcoin` crate, its RPC over HTTP.

mod client;
mod rules;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bitcoin::{
    Amount, Block, BlockHash, Target, Transaction,
    consensus::encode::{deserialize_hex, serialize_hex},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use electrode_coin::Height;

use super::{DemoNode, Pace, World};

/// A pace at which nothing happens by itself during a test.
const STILL: Pace = Pace {
    payment: Duration::from_secs(86_400),
    block: Duration::from_secs(86_400),
};

/// Sends one request, and gives HTTP status and answer.
async fn post(node: &DemoNode, request: &Value) -> (u16, Value) {
    post_to(&node.url(), request).await
}

async fn post_to(url: &str, request: &Value) -> (u16, Value) {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = request.to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

async fn call(node: &DemoNode, method: &str, params: Value) -> Value {
    let request = json!({"id": 1, "method": method, "params": params});
    let (status, mut answer) = post(node, &request).await;
    assert_eq!((status, &answer["error"]), (200, &Value::Null), "{request}");
    answer["result"].take()
}

async fn refusal(node: &DemoNode, method: &str, params: Value) -> (i64, String) {
    let request = json!({"id": 1, "method": method, "params": params});
    let (status, answer) = post(node, &request).await;
    assert!(status >= 400, "{request}: {answer}");
    let error = &answer["error"];
    (
        error["code"].as_i64().unwrap(),
        error["message"].as_str().unwrap().to_owned(),
    )
}

fn decode<T: bitcoin::consensus::Decodable>(value: &Value) -> T {
    deserialize_hex(value.as_str().unwrap()).unwrap()
}

#[test]
fn makes_valid_blocks() {
    let World { chain, .. } = World::new();
    let genesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206";
    let mut prev: BlockHash = genesis.parse().unwrap();
    assert_eq!(chain.block(Height(0)).unwrap().block_hash(), prev);
    assert_eq!(chain.tip(), Height(140));
    for height in 1..=chain.tip().0 {
        let block = chain.block(Height(height)).unwrap();
        assert_eq!(block.header.prev_blockhash, prev);
        // The crate does not read heights that are written as one opcode.
        assert!(height <= 16 || block.bip34_block_height() == Ok(u64::from(height)));
        assert!(block.check_merkle_root() && block.check_witness_commitment());
        prev = block
            .header
            .validate_pow(Target::MAX_ATTAINABLE_REGTEST)
            .unwrap();
    }
}

#[test]
fn tells_the_same_story_at_every_start() {
    let started = Instant::now();
    let World { chain, story } = World::new();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let again = World::new().chain.tip_block().block_hash();
    assert_eq!(chain.tip_block().block_hash(), again);

    let blocks: Vec<&Block> = (0..=140)
        .filter_map(|height| chain.block(Height(height)))
        .collect();
    let transactions: Vec<&Transaction> = blocks
        .iter()
        .flat_map(|block| block.txdata.iter().skip(1))
        .collect();
    assert_eq!(transactions.len(), 400);
    let outputs = || transactions.iter().flat_map(|tx| &tx.output);
    let is_paid =
        |kind: fn(&bitcoin::Script) -> bool| outputs().any(|out| kind(&out.script_pubkey));
    assert!(is_paid(bitcoin::Script::is_op_return) && is_paid(bitcoin::Script::is_p2tr));
    assert!(is_paid(bitcoin::Script::is_p2pkh) && is_paid(bitcoin::Script::is_p2sh));
    for address in story.addresses(&chain) {
        assert!(address.balance.0 > 0, "{address:?}");
    }
}

#[test]
fn creates_no_coins_but_the_subsidy() {
    let World { chain, story } = World::new();
    let total: u64 = story
        .addresses(&chain)
        .iter()
        .map(|address| address.balance.0)
        .sum();
    assert_eq!(Amount::from_sat(total), Amount::from_int_btc(140 * 50));
}

#[tokio::test]
async fn answers_what_an_indexer_asks() {
    let node = DemoNode::start(STILL).await.unwrap();
    let info = call(&node, "getblockchaininfo", json!([])).await;
    assert_eq!(
        (&info["chain"], &info["blocks"]),
        (&json!("regtest"), &json!(140))
    );
    let hash = call(&node, "getblockhash", json!([140])).await;
    assert_eq!(info["bestblockhash"], hash);
    assert_eq!(call(&node, "getbestblockhash", json!([])).await, hash);
    assert_eq!(call(&node, "getblockcount", Value::Null).await, 140);

    let block: Block = decode(&call(&node, "getblock", json!([hash, 0])).await);
    assert_eq!(block.block_hash().to_string(), hash.as_str().unwrap());
    let header: Value = call(&node, "getblockheader", json!([hash, false])).await;
    assert_eq!(header, serialize_hex(&block.header));
    let verbose = call(&node, "getblock", json!([hash])).await;
    let txids: Vec<_> = block
        .txdata
        .iter()
        .map(|tx| tx.compute_txid().to_string())
        .collect();
    assert_eq!(
        (&verbose["tx"], &verbose["confirmations"]),
        (&json!(txids), &json!(1))
    );
    assert_eq!(verbose["size"], block.total_size());
    assert_eq!(verbose["weight"].as_u64(), Some(block.weight().to_wu()));
    let stripped = (block.weight().to_wu() - block.total_size() as u64) / 3;
    assert_eq!(verbose["strippedsize"], stripped);
    assert_eq!(
        verbose["previousblockhash"],
        block.header.prev_blockhash.to_string()
    );

    assert_eq!(call(&node, "getrawmempool", json!([])).await, json!([]));
    assert!(
        call(&node, "estimatesmartfee", json!([2])).await["feerate"]
            .as_f64()
            .unwrap()
            > 1e-5
    );
    assert_eq!(
        call(&node, "getzmqnotifications", json!([])).await,
        json!([])
    );
    assert_eq!(
        call(&node, "getnetworkinfo", json!([])).await["relayfee"],
        1e-5
    );
    node.stop().await;
}

#[tokio::test]
async fn shows_transactions_as_bitcoind_does() {
    let node = DemoNode::start(STILL).await.unwrap();
    let hash = call(&node, "getblockhash", json!([120])).await;
    let block: Block = decode(&call(&node, "getblock", json!([hash, 0])).await);
    for tx in &block.txdata {
        let txid = tx.compute_txid().to_string();
        let raw = call(&node, "getrawtransaction", json!([txid, false, hash])).await;
        assert_eq!(decode::<Transaction>(&raw), *tx);
        let verbose = call(&node, "getrawtransaction", json!([txid, true])).await;
        assert_eq!((&verbose["txid"], &verbose["hex"]), (&json!(txid), &raw));
        assert_eq!(
            (&verbose["blockhash"], &verbose["confirmations"]),
            (&hash, &json!(21))
        );
        assert_eq!(verbose["vin"].as_array().unwrap().len(), tx.input.len());
        let output = &verbose["vout"][0];
        assert_eq!(output["value"], tx.output[0].value.to_btc());
        let address: bitcoin::Address<_> = output["scriptPubKey"]["address"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(
            address.assume_checked().script_pubkey(),
            tx.output[0].script_pubkey
        );
    }
    let other = call(&node, "getblockhash", json!([119])).await;
    let txid = block.txdata[0].compute_txid().to_string();
    assert_eq!(
        refusal(&node, "getrawtransaction", json!([txid, 1, other]))
            .await
            .0,
        -5
    );
}

#[tokio::test]
async fn tells_errors_in_bitcoind_s_codes() {
    let node = DemoNode::start(STILL).await.unwrap();
    let zeros = "00".repeat(32);
    for (method, params, code) in [
        ("getblockhash", json!([141]), -8),
        ("getblockhash", json!(["1"]), -3),
        ("getblockhash", json!([]), -1),
        ("getblock", json!(["12"]), -8),
        ("getblock", json!([zeros]), -5),
        ("getrawtransaction", json!([zeros]), -5),
        ("sendrawtransaction", json!(["00"]), -22),
        ("submitpackage", json!([]), -32601),
        ("getblock", json!({"blockhash": zeros}), -32600),
    ] {
        assert_eq!(
            refusal(&node, method, params.clone()).await.0,
            code,
            "{method} {params}"
        );
    }
    let (status, answer) = post(
        &node,
        &json!([
            {"id": "a", "method": "getblockcount"},
            {"id": "b", "method": "nonsense"},
            5,
        ]),
    )
    .await;
    assert_eq!(
        (status, &answer[0]["id"], &answer[0]["result"]),
        (200, &json!("a"), &json!(140))
    );
    assert_eq!(
        (&answer[1]["id"], &answer[1]["error"]["code"]),
        (&json!("b"), &json!(-32601))
    );
    assert_eq!(answer[2]["error"]["code"], -32600);
    assert_eq!(post(&node, &json!("x")).await.0, 400);
}

#[tokio::test]
async fn brings_payments_from_mempool_to_block() {
    let node = DemoNode::start(STILL).await.unwrap();
    (0..3).for_each(|_| node.pay());
    let txids = call(&node, "getrawmempool", json!([])).await;
    assert_eq!(txids.as_array().unwrap().len(), 3);
    assert_eq!(call(&node, "getmempoolinfo", json!([])).await["size"], 3);
    let waiting = call(&node, "getrawtransaction", json!([txids[0], true])).await;
    assert_eq!(waiting.get("blockhash"), None);

    assert_eq!(
        call(&node, "waitfornewblock", json!([1])).await["height"],
        140
    );
    let (found, ()) = tokio::join!(call(&node, "waitfornewblock", json!([0])), async {
        polled(&node).await;
        node.mine();
    });
    assert_eq!(found["height"], 141);
    assert_eq!(call(&node, "getrawmempool", json!([])).await, json!([]));
    let mined = call(&node, "getrawtransaction", json!([txids[0], true])).await;
    assert_eq!(mined["confirmations"], 1);
}

#[tokio::test]
async fn lives_at_its_pace() {
    let pace = Pace {
        payment: Duration::from_millis(1),
        block: Duration::from_millis(20),
    };
    let node = DemoNode::start(pace).await.unwrap();
    let found = call(&node, "waitfornewblock", json!([0])).await;
    let block = call(&node, "getblock", json!([found["hash"]])).await;
    assert!(
        block["height"].as_u64() > Some(140) && block["nTx"].as_u64() > Some(1),
        "{block}"
    );
    node.stop().await;
}

#[tokio::test]
async fn answers_long_polls_when_it_stops() {
    let node = DemoNode::start(STILL).await.unwrap();
    let address = node.url();
    let inner = Arc::clone(&node.node);
    let request = json!({"method": "waitfornewblock"});
    let (answer, ()) = tokio::join!(post_to(&address, &request), async {
        polled(&node).await;
        node.stop().await;
    });
    assert_eq!(answer.1["result"]["height"], 140);
    assert_eq!(inner.signal.receiver_count(), 0);
    assert!(
        TcpStream::connect(address.trim_start_matches("http://"))
            .await
            .is_err()
    );
}

/// Waits until a long poll is waiting.
async fn polled(node: &DemoNode) {
    // Server and life each wait for the end.
    while node.node.signal.receiver_count() < 3 {
        tokio::task::yield_now().await;
    }
}
