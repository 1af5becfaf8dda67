//! The client against nodes that fail, refuse, warm up and disagree.

mod ages;
mod trouble;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use electrode_coin::{BlockHash, Height, Txid};
use serde_json::{Value, json};

use crate::{
    Daemon, DaemonConfig, DaemonError, DaemonTip, DaemonUrl, MempoolInfo,
    testing::{Node, Received, daemon, daemon_with, dead_url, impatient},
};

const UNKNOWN_METHOD: i64 = -32601;

fn number(_: &str, _: &Value) -> Result<Value, i64> {
    Ok(json!(7))
}

#[tokio::test]
async fn passes_on_to_the_next_node_when_one_fails() {
    let (dead, node) = (dead_url().await, Node::of_methods(number).await);
    for patient in [true, false] {
        let daemon = daemon(&[&dead, &node.url()]);
        let answer: u32 = if patient {
            daemon.call("m", json!([])).await.unwrap()
        } else {
            daemon.call_once("m", json!([])).await.unwrap()
        };
        assert_eq!(
            (answer, daemon.current_url()),
            (7, format!("{}/", node.url()))
        );
    }
}

#[tokio::test]
async fn gives_up_after_one_round_when_told_so() {
    let (first, second) = (dead_url().await, dead_url().await);
    let error = daemon(&[&first, &second])
        .call_once::<u32>("m", json!([]))
        .await
        .unwrap_err();
    assert!(error.to_string().contains(&second), "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn waits_for_a_node_that_is_warming_up() {
    let calls = AtomicUsize::new(0);
    let node = Node::of_methods(move |_, _| match calls.fetch_add(1, Ordering::Relaxed) {
        0..20 => Err(-28),
        _ => Ok(json!("ab".repeat(32))),
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    let hash = BlockHash([0xab; 32]);
    assert_eq!(daemon.block_hashes(Height(0), 1).await.unwrap(), [hash]);
    assert_eq!(node.received().len(), 21);
}

#[tokio::test]
async fn gives_errors_of_the_node_at_once() {
    let node = Node::of_methods(|_, _| Err(-25)).await;
    let error = daemon(&[&node.url()])
        .call::<u32>("m", json!([]))
        .await
        .unwrap_err();
    assert_eq!(error.rpc(), Some((-25, "error -25")));
    assert_eq!(node.received().len(), 1);
}

#[tokio::test]
async fn takes_errors_with_the_status_of_old_nodes() {
    for status in [400, 404, 500] {
        let body = br#"{"result":null,"error":{"code":-1,"message":"text"},"id":0}"#;
        let node = Node::start(move |_| Some((status, body.to_vec()))).await;
        let error = daemon(&[&node.url()])
            .call::<u32>("m", json!([]))
            .await
            .unwrap_err();
        assert_eq!(error.rpc(), Some((-1, "text")));
    }
}

#[tokio::test]
async fn sends_the_credentials_of_the_url() {
    let node = Node::of_methods(number).await;
    let url = format!("user:p%40ss@{}", node.address);
    daemon(&[&url]).call::<u32>("m", json!([])).await.unwrap();
    // base64("user:p@ss")
    let expected = Some("Basic dXNlcjpwQHNz".to_owned());
    assert_eq!(node.received()[0].authorization, expected);
}

#[tokio::test]
async fn reads_the_cookie_again_when_it_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cookie_file = dir.path().join(".cookie");
    let config = DaemonConfig {
        cookie_file: Some(cookie_file.clone()),
        ..impatient()
    };
    let node = Node::start(|received| {
        // base64("a:new")
        let known = received.authorization.as_deref() == Some("Basic YTpuZXc=");
        Some((if known { 200 } else { 401 }, br#"{"result":7}"#.to_vec()))
    })
    .await;
    let daemon = daemon_with(&[&node.url()], config);

    let missing = daemon.call_once::<u32>("m", json!([])).await.unwrap_err();
    assert!(matches!(missing, DaemonError::Cookie { .. }), "{missing}");
    assert!(missing.is_retryable());

    std::fs::write(&cookie_file, "a:old\n").unwrap();
    let refused = daemon.call::<u32>("m", json!([])).await.unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
    assert!(refused.to_string().contains(".cookie"), "{refused}");
    assert_eq!(
        node.received().len(),
        1,
        "the same cookie must not be sent twice"
    );

    std::fs::write(&cookie_file, "a:new\n").unwrap();
    for requests in [2, 1] {
        assert_eq!(daemon.call::<u32>("m", json!([])).await.unwrap(), 7);
        assert_eq!(node.received().len(), requests);
    }
}

#[tokio::test]
async fn asks_the_other_node_when_one_refuses() {
    let refusing = Node::start(|_| Some((403, Vec::new()))).await;
    let good = Node::of_methods(number).await;
    let daemon = daemon(&[&refusing.url(), &good.url()]);
    assert_eq!(daemon.call::<u32>("m", json!([])).await.unwrap(), 7);
}

#[tokio::test]
async fn never_shows_credentials() {
    let refusing = Node::start(|_| Some((401, Vec::new()))).await;
    let silent = Node::start(|_| None).await;
    let config = DaemonConfig {
        request_timeout: Duration::from_millis(50),
        ..impatient()
    };
    for (node, reason) in [(refusing, "user and password"), (silent, "50ms")] {
        let url = format!("alice:s3cret@{}", node.address);
        let daemon = daemon_with(&[&url], config.clone());
        let error = daemon.call_once::<u32>("m", json!([])).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        let shown = format!("{error} {error:?} {daemon:?} {}", daemon.current_url());
        for secret in ["alice", "s3cret", "YWxpY2U6czNjcmV0"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn tells_a_node_from_something_else() {
    for (status, body, expected) in [
        (200, "<html>", "RPC port"),
        (404, "not found", "RPC port"),
        (403, "", "rpcallowip"),
        (503, "Work queue depth exceeded", "Work queue depth"),
    ] {
        let node = Node::start(move |_| Some((status, body.into()))).await;
        let error = daemon(&[&node.url()])
            .call_once::<u32>("m", json!([]))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.is_retryable(), status == 503, "{error}");
    }
}

#[tokio::test]
async fn refuses_an_answer_that_is_too_large() {
    let node = Node::of_methods(|_, _| Ok(json!("x".repeat(100_000)))).await;
    let config = DaemonConfig {
        max_response_bytes: 99_999,
        ..impatient()
    };
    let limited = daemon_with(&[&node.url()], config)
        .call::<String>("getblock", json!([]))
        .await;
    assert!(
        matches!(limited, Err(DaemonError::TooLarge { limit: 99_999, .. })),
        "{limited:?}"
    );
    let unlimited = daemon(&[&node.url()])
        .call::<String>("getblock", json!([]))
        .await;
    assert_eq!(unlimited.unwrap().len(), 100_000);
}

#[tokio::test]
async fn talks_to_a_node_by_ipv6() {
    let node = Node::start_at("[::1]:0", |_| Some((200, br#"{"result":7}"#.to_vec()))).await;
    let daemon = daemon(&[&node.url()]);
    assert_eq!(daemon.call::<u32>("m", json!([])).await.unwrap(), 7);
    assert!(daemon.current_url().starts_with("http://[::1]:"));
}

#[tokio::test]
async fn keeps_to_the_number_of_requests_in_flight() {
    let node = Node::start(|_| None).await;
    let config = DaemonConfig {
        connections: 1,
        request_timeout: Duration::from_millis(100),
        ..impatient()
    };
    let daemon = daemon_with(&[&node.url()], config);
    let calls = [(); 2].map(|()| daemon.call_once::<u32>("m", json!([])));
    let [first, second] = calls;
    let (first, second) = tokio::join!(first, async {
        let waiting = tokio::time::timeout(Duration::from_millis(50), second);
        waiting.await.is_err()
    });
    assert!(first.is_err() && second);
    assert_eq!(node.received().len(), 1);
}

#[test]
fn needs_a_node_and_a_usable_publisher() {
    let none = Daemon::new(DaemonConfig::default()).unwrap_err();
    assert!(matches!(none, DaemonError::NoUrl), "{none}");
    let config = DaemonConfig {
        zmq: Some("127.0.0.1:28332".to_owned()),
        ..impatient()
    };
    let zmq = Daemon::new(config).unwrap_err();
    assert!(matches!(zmq, DaemonError::Zmq { .. }), "{zmq}");
}

#[tokio::test]
async fn gives_fewer_hashes_at_the_end_of_the_chain() {
    let node = Node::of_methods(|_, params| match params[0].as_u64().unwrap() {
        height @ 0..=11 => Ok(json!(format!("{height:064x}"))),
        _ => Err(-8),
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    for (from, count, expected) in [(10, 5, 2), (0, 3, 3), (12, 1, 0), (u32::MAX, 9, 0)] {
        let hashes = daemon.block_hashes(Height(from), count).await.unwrap();
        assert_eq!(hashes.len(), expected, "{count} from {from}");
        for (hash, height) in hashes.iter().zip(from..) {
            assert_eq!(u32::from(hash.0[0]), height);
        }
    }
}

#[tokio::test]
async fn gives_transactions_in_order_and_none_for_those_gone() {
    let node = Node::of_methods(|_, params| match params[0].as_str().unwrap() {
        txid if txid.starts_with('f') => Err(-5),
        txid if txid.starts_with('e') => Err(-1),
        txid => Ok(json!(txid)),
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    let txid = |first: u8, last: u8| {
        let mut txid = Txid([0; 32]);
        (txid.0[31], txid.0[0]) = (first, last);
        txid
    };
    let txids: Vec<_> = (0..=255)
        .map(|n| txid(if n == 7 { 0xff } else { 0 }, n))
        .collect();
    let raws = daemon.raw_transactions(&txids).await.unwrap();
    assert_eq!(node.received().len(), 2, "batches of 200");
    assert_eq!(raws.len(), 256);
    for (position, raw) in raws.iter().enumerate() {
        let last = raw.as_ref().map(|raw| usize::from(raw[31]));
        assert_eq!(last, (position != 7).then_some(position));
    }
    let error = daemon.raw_transactions(&[txid(0xee, 0)]).await.unwrap_err();
    assert_eq!(error.rpc(), Some((-1, "error -1")));
    assert_eq!(
        daemon.raw_transactions(&[]).await.unwrap(),
        Vec::<Option<_>>::new()
    );
}

#[tokio::test]
async fn asks_for_transactions_with_and_without_their_block() {
    let node = Node::of_methods(|_, params| match params[1].as_u64() {
        Some(0) => Ok(json!("00ff")),
        _ => Ok(json!({"vsize": 1.50, "a": 0})),
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    let (txid, block) = (Txid([1; 32]), BlockHash([2; 32]));
    assert_eq!(daemon.raw_transaction(&txid).await.unwrap(), [0, 0xff]);
    let explained = daemon.verbose_confirmed_transaction(&txid, &block).await;
    assert!(explained.unwrap().is_some());
    let asked = node.received();
    let asked = asked.iter().map(Received::json);
    let asked = asked.filter(|request| request["method"] == "getrawtransaction");
    let params: Vec<_> = asked.map(|request| request["params"].clone()).collect();
    let (txid, block) = (txid.to_string(), block.to_string());
    assert_eq!(params, [json!([txid, 0]), json!([txid, 1, block])]);
}

#[tokio::test]
async fn names_no_block_to_a_node_that_has_an_index_of_transactions() {
    let (known, unknown) = (Txid([1; 32]), Txid([3; 32]));
    let has_unknown = unknown.to_string();
    let node = Node::of_methods(move |method, params| {
        let names_block = params.as_array().is_some_and(|params| params.len() == 3);
        match method {
            "getindexinfo" => Ok(json!({"txindex": {"synced": true, "best_block_height": 9}})),
            _ if params[0] == *has_unknown && !names_block => Err(-5),
            _ if names_block => Ok(json!("02")),
            _ => Ok(json!("01")),
        }
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    let block = BlockHash([2; 32]);
    for (txid, raw) in [(known, [1]), (unknown, [2]), (known, [1])] {
        let got = daemon.confirmed_transaction(&txid, &block).await;
        assert_eq!(got.unwrap().unwrap(), raw);
    }
    let asked = node.received();
    let asked = asked
        .iter()
        .map(|received| received.json()["method"].clone());
    let probes = asked.filter(|method| *method == "getindexinfo").count();
    assert_eq!(probes, 1);
}

#[tokio::test]
async fn hands_on_the_explained_transaction_verbatim() {
    let text = r#"{ "b":1.10,"a" : 0.00000000 }"#;
    let node = Node::start(move |_| Some((200, format!(r#"{{"result":{text}}}"#).into()))).await;
    let daemon = daemon(&[&node.url()]);
    let json = daemon.verbose_transaction(&Txid::default()).await.unwrap();
    assert_eq!(json.get(), text);
}

#[tokio::test]
async fn reads_the_tip_and_a_large_mempool() {
    let node = Node::of_methods(|method, _| match method {
        "getblockchaininfo" => {
            Ok(json!({"chain": "main", "blocks": 5, "bestblockhash": "01".repeat(32), "more": {}}))
        }
        _ => Ok((0..3000).map(|n| json!(format!("{n:064x}"))).collect()),
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    let tip = DaemonTip {
        height: Height(5),
        hash: BlockHash([1; 32]),
    };
    assert_eq!(daemon.tip().await.unwrap(), tip);
    assert_eq!(daemon.mempool_txids().await.unwrap().len(), 3000);
}

#[tokio::test]
async fn estimates_fees_with_nodes_of_every_age() {
    for (smart, plain, expected) in [
        (
            Ok(json!({"feerate": 0.0002, "blocks": 2})),
            json!(null),
            Some(0.0002),
        ),
        (
            Ok(json!({"errors": ["no data"], "blocks": 2})),
            json!(null),
            None,
        ),
        (Err(UNKNOWN_METHOD), json!(0.0003), Some(0.0003)),
        (Err(UNKNOWN_METHOD), json!(-1), None),
    ] {
        let node = Node::of_methods(move |method, _| match method {
            "estimatesmartfee" => smart.clone(),
            _ => Ok(plain.clone()),
        })
        .await;
        assert_eq!(
            daemon(&[&node.url()]).estimate_fee(2, None).await.unwrap(),
            expected
        );
    }
    let node = Node::of_methods(|_, params| {
        if params[1] == "x" {
            Err(-8)
        } else {
            Ok(json!({}))
        }
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    assert_eq!(
        daemon.estimate_fee(2, Some("economical")).await.unwrap(),
        None
    );
    let error = daemon.estimate_fee(2, Some("x")).await.unwrap_err();
    assert_eq!(error.rpc(), Some((-8, "error -8")));
}

#[tokio::test]
async fn fills_in_feerates_that_old_nodes_do_not_tell() {
    for (info, expected) in [
        (
            json!({"mempoolminfee": 3.0, "minrelaytxfee": 2.0, "incrementalrelayfee": 1.0}),
            [3.0, 2.0, 1.0],
        ),
        (
            json!({"mempoolminfee": 3.0, "minrelaytxfee": 2.0}),
            [3.0, 2.0, 0.5],
        ),
        (json!({"size": 0}), [0.25, 0.25, 0.5]),
    ] {
        let node = Node::of_methods(move |method, _| match method {
            "getmempoolinfo" => Ok(info.clone()),
            _ => Ok(json!({"version": 1, "relayfee": 0.25, "incrementalfee": 0.5})),
        })
        .await;
        let daemon = daemon(&[&node.url()]);
        let [mempoolminfee, minrelaytxfee, incrementalrelayfee] = expected;
        let expected = MempoolInfo {
            mempoolminfee,
            minrelaytxfee,
            incrementalrelayfee,
        };
        assert_eq!(daemon.mempool_info().await.unwrap(), expected);
        assert_eq!(daemon.relay_fee().await.unwrap(), 0.25);
    }
}

#[tokio::test]
async fn hands_transactions_to_the_node() {
    let node = Node::of_methods(|method, _| match method {
        "submitpackage" => Ok(json!({"package_msg": "success"})),
        _ => Ok(json!("0a".repeat(32))),
    })
    .await;
    let daemon = daemon(&[&node.url()]);
    assert_eq!(daemon.broadcast("00ff").await.unwrap(), Txid([10; 32]));
    let package = ["aa".to_owned(), "bb".to_owned()];
    let answer = daemon.submit_package(&package).await.unwrap();
    assert_eq!(answer, json!({"package_msg": "success"}));
    let params: Vec<_> = node
        .received()
        .iter()
        .map(|received| received.json()["params"].clone())
        .collect();
    assert_eq!(params, [json!(["00ff"]), json!([["aa", "bb"]])]);
}

#[tokio::test]
async fn asks_other_nodes_when_told_to() {
    let (dead, node) = (dead_url().await, Node::of_methods(number).await);
    let daemon = daemon(&[&dead]);
    assert!(daemon.answers());
    let failed = daemon.call_once::<u32>("m", json!([])).await;
    assert!(failed.is_err() && !daemon.answers());

    let url = format!("u:p@{}", node.address);
    let url = DaemonUrl::parse(&url, 1).unwrap();
    daemon.set_urls(vec![url]).unwrap();
    assert_eq!(daemon.call_once::<u32>("m", json!([])).await.unwrap(), 7);
    assert!(daemon.answers());
    daemon.set_urls(daemon.configured_urls().to_vec()).unwrap();
    assert_eq!(daemon.current_url(), format!("{dead}/"));
}
