//! The client against nodes of every age, which answer as Bitcoin Core of that age does.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use electrode_coin::{BlockHash, Height, Txid};
use serde_json::{Value, json};

use super::UNKNOWN_METHOD;
use crate::{
    Daemon, DaemonChain, DaemonError, DaemonTip,
    testing::{Node, Received, answer_with, daemon},
};

const MISC: i64 = -1;
const MISSING: i64 = -5;
/// What a node says that got a parameter too many: its help.
const USAGE: &str = "getrawtransaction \"txid\" ( verbose )\n\nReturn the raw transaction data.";

/// A node that answers `getblock` only where `verbose` is of one type.
async fn node_of_verbosity(is_right: fn(&Value) -> bool) -> Node {
    Node::of_methods(move |method, params| match method {
        "getblockhash" => Ok(json!("00".repeat(32))),
        "getblock" if params[0].as_str().unwrap().starts_with('e') => Err(MISC),
        "getblock" if is_right(&params[1]) => Ok(json!("0123")),
        _ => Err(MISC),
    })
    .await
}

fn calls(node: &Node, method: &str) -> Vec<Value> {
    let received = node.received();
    let requests = received.iter().map(Received::json);
    let calls = requests.filter(|request| request["method"] == method);
    calls.map(|request| request["params"].clone()).collect()
}

#[tokio::test]
async fn asks_for_blocks_with_the_type_that_the_node_knows() {
    /// Tells whether `verbose` has the right type.
    type IsRight = fn(&Value) -> bool;
    let forms: [(IsRight, usize); 3] =
        [(Value::is_boolean, 1), (Value::is_number, 2), (|_| true, 1)];
    for (is_right, tries) in forms {
        let node = node_of_verbosity(is_right).await;
        let source = daemon(&[&node.url()]).block_source().await.unwrap();
        for tries in [tries, 1, 1] {
            let block = source.fetch_block(&BlockHash([0xab; 32])).await.unwrap();
            assert_eq!(block, &[1, 0x23][..]);
            assert_eq!(calls(&node, "getblock").len(), tries);
        }
        let gone = source.fetch_block(&BlockHash([0xee; 32])).await;
        assert_eq!(gone.unwrap_err().rpc().unwrap().0, MISC);
        assert_eq!(
            source
                .fetch_block(&BlockHash([0xab; 32]))
                .await
                .unwrap()
                .len(),
            2
        );
    }
}

/// A node before 0.16, which has one transaction in its mempool or its index.
async fn old_node(known: Txid) -> Node {
    let known = known.to_string();
    Node::start(move |received| {
        let request = received.json();
        let params = request["params"].as_array().unwrap();
        let error = |code: i64, message: &str| json!({"code": code, "message": message});
        let (result, error) = match request["method"].as_str().unwrap() {
            "getrawtransaction" if params.len() > 2 => (Value::Null, error(MISC, USAGE)),
            "getrawtransaction" if params[0] == *known => (json!("01"), Value::Null),
            "getrawtransaction" => (Value::Null, error(MISSING, "No such transaction")),
            _ => (Value::Null, error(UNKNOWN_METHOD, "Method not found")),
        };
        let answer = json!({"result": result, "error": error, "id": request["id"]});
        Some((
            if answer["error"].is_null() { 200 } else { 500 },
            answer.to_string().into(),
        ))
    })
    .await
}

#[tokio::test]
async fn does_without_the_block_of_a_transaction_where_the_node_knows_no_such_parameter() {
    let (known, unknown, block) = (Txid([1; 32]), Txid([2; 32]), BlockHash([3; 32]));
    let node = old_node(known).await;
    let daemon = daemon(&[&node.url()]);
    let found = daemon.confirmed_transaction(&known, &block).await.unwrap();
    assert_eq!(found, Some(vec![1]));
    assert_eq!(calls(&node, "getrawtransaction").len(), 2);
    let found = daemon
        .confirmed_transaction(&unknown, &block)
        .await
        .unwrap();
    assert_eq!(found, None, "only its block has it");
    let explained = daemon.verbose_confirmed_transaction(&unknown, &block).await;
    assert!(explained.unwrap().is_none());
    let asked = calls(&node, "getrawtransaction");
    assert!(
        asked
            .iter()
            .all(|params| params.as_array().unwrap().len() == 2),
        "{asked:?}"
    );
    let gone = daemon.raw_transaction(&unknown).await.unwrap_err();
    assert_eq!(gone.rpc().unwrap().0, MISSING);
}

#[tokio::test]
async fn asks_one_by_one_where_the_node_takes_no_batches() {
    let batches = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&batches);
    let node = Node::start(move |received| {
        let request = received.json();
        let answer = if request.is_array() {
            seen.fetch_add(1, Ordering::Relaxed);
            json!({"result": null, "error": {"code": -32600, "message": "Invalid request"}, "id": null})
        } else {
            answer_with(&request, &|_, params| match params[0].as_u64().unwrap() {
                height @ 0..=2 => Ok(json!(format!("{height:064x}"))),
                _ => Err(-8),
            })
        };
        Some((200, answer.to_string().into()))
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    for _ in 0..2 {
        assert_eq!(daemon.block_hashes(Height(0), 9).await.unwrap().len(), 3);
    }
    assert_eq!(batches.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn asks_for_fees_without_a_mode_where_the_node_knows_none() {
    let node = Node::of_methods(|_, params| match params.as_array().unwrap().len() {
        1 => Ok(json!({"feerate": 0.5, "blocks": 2})),
        _ => Err(MISC),
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    let fee = daemon.estimate_fee(2, Some("economical")).await.unwrap();
    assert_eq!(fee, Some(0.5));
}

async fn chain_of(info: Value) -> DaemonChain {
    let node = Node::of_methods(move |_, _| Ok(info.clone())).await;
    daemon(&[&node.url()]).chain().await.unwrap()
}

#[tokio::test]
async fn tells_a_node_that_downloads_from_one_that_has_its_chain() {
    let hash = "00".repeat(32);
    for (facts, target) in [
        (json!({"headers": 500}), Some(500)),
        (json!({"headers": 122}), Some(122)),
        // A block comes a moment after its header.
        (json!({"headers": 121, "initialblockdownload": false}), None),
        (
            json!({"headers": 120, "initialblockdownload": true}),
            Some(120),
        ),
        // The tip of a chain of one's own may be old.
        (
            json!({"headers": 120, "initialblockdownload": true, "chain": "regtest"}),
            None,
        ),
        (
            json!({"headers": 500, "initialblockdownload": true, "chain": "regtest"}),
            Some(500),
        ),
        // Nodes before 0.16 and 0.10.
        (json!({"headers": 120}), None),
        (json!({}), None),
    ] {
        let mut info = json!({"chain": "main", "blocks": 120, "bestblockhash": hash});
        let added = facts.as_object().unwrap().clone();
        info.as_object_mut().unwrap().extend(added);
        let chain = chain_of(info).await;
        assert_eq!(chain.download_target(), target.map(Height), "{facts}");
        assert_eq!(chain.pruned_to, None);
    }
    let pruned = json!({"chain": "main", "blocks": 9, "bestblockhash": hash, "pruned": true, "pruneheight": 7});
    assert_eq!(chain_of(pruned).await.pruned_to, Some(Height(7)));
}

#[tokio::test]
async fn tells_whether_the_node_has_read_its_mempool() {
    for (answer, has_loaded) in [
        (Ok(json!({"loaded": false})), false),
        (Ok(json!({"loaded": true})), true),
        (Ok(json!({"size": 7})), true),
        (Err(UNKNOWN_METHOD), true),
    ] {
        let node = Node::of_methods(move |_, _| answer.clone()).await;
        let daemon = daemon(&[&node.url()]);
        assert_eq!(daemon.has_loaded_mempool().await.unwrap(), has_loaded);
    }
}

/// A node whose best block is 5, with a branch of 6 to 9 beside, of which it says `status`.
async fn forked_node(status: &'static str) -> (Node, Daemon) {
    let hash = |n: u64| json!(format!("{n:064x}"));
    let node = Node::of_methods(move |method, params| match method {
        "getchaintips" => Ok(json!([
            {"height": 5, "hash": hash(5), "branchlen": 0, "status": "active"},
            {"height": 9, "hash": hash(9), "branchlen": 4, "status": status},
        ])),
        "getblockheader" => {
            let n = u64::from_str_radix(params[0].as_str().unwrap(), 16).unwrap();
            Ok(json!({"previousblockhash": hash(n - 1)}))
        }
        _ => Err(UNKNOWN_METHOD),
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    (node, daemon)
}

fn block(height: u32, number: u8) -> DaemonTip {
    let mut hash = BlockHash([0; 32]);
    hash.0[0] = number;
    DaemonTip {
        height: Height(height),
        hash,
    }
}

#[tokio::test]
async fn finds_blocks_that_the_node_holds_for_invalid() {
    let (_node, daemon) = forked_node("invalid").await;
    for (height, number, expected) in [
        (9, 9, true),
        (7, 7, true),
        (6, 6, true),
        // Another block of that height, one of the best chain, one that is not there.
        (7, 3, false),
        (5, 5, false),
        (10, 10, false),
    ] {
        let found = daemon.has_invalidated(block(height, number)).await.unwrap();
        assert_eq!(found, expected, "{height} {number}");
    }
    let (_node, daemon) = forked_node("headers-only").await;
    assert!(!daemon.has_invalidated(block(9, 9)).await.unwrap());
}

#[tokio::test]
async fn tells_how_far_a_node_is_that_began_with_a_snapshot() {
    for (answer, expected) in [
        (
            Ok(json!({"headers": 9, "chainstates": [
                {"blocks": 3, "validated": true},
                {"blocks": 9, "snapshot_blockhash": "ab", "validated": false},
            ]})),
            Some(Height(3)),
        ),
        (
            Ok(json!({"headers": 9, "chainstates": [{"blocks": 9}]})),
            None,
        ),
        (Err(UNKNOWN_METHOD), None),
    ] {
        let node = Node::of_methods(move |_, _| answer.clone()).await;
        let height = daemon(&[&node.url()]).background_height().await.unwrap();
        assert_eq!(height, expected);
    }
}

#[tokio::test]
async fn asks_for_less_at_once_when_an_answer_is_too_long() {
    let counts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&counts);
    let node = Node::of_methods(|_, _| Ok(json!("ab".repeat(40_000)))).await;
    let config = crate::DaemonConfig {
        max_response_bytes: 200_000,
        ..crate::testing::impatient()
    };
    let daemon = crate::testing::daemon_with(&[&node.url()], config);
    let raws = daemon
        .raw_transactions(&[Txid::default(); 9])
        .await
        .unwrap();
    assert!(raws.iter().all(|raw| raw.as_ref().unwrap().len() == 40_000));
    for received in node.received() {
        seen.lock()
            .unwrap()
            .push(received.json().as_array().unwrap().len());
    }
    assert_eq!(*counts.lock().unwrap(), [9, 4, 2, 2, 5, 2, 3, 1, 2]);

    let facts = daemon.call::<Value>("getnetworkinfo", json!([])).await;
    assert!(facts.is_ok(), "as long as it is below the bound");
    let node = Node::of_methods(|_, _| Ok(json!("a".repeat(2 << 20)))).await;
    let facts = crate::testing::daemon(&[&node.url()]);
    let facts = facts.call::<Value>("getnetworkinfo", json!([])).await;
    assert!(matches!(facts, Err(DaemonError::TooLarge { .. })));
}
