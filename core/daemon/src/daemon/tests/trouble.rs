//! The client against nodes that are busy or gone, and where credentials go.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use electrode_coin::Txid;
use serde_json::json;

use super::number;
use crate::{
    Daemon, DaemonConfig, DaemonError, DaemonUrl,
    testing::{Node, Reply, daemon_with, dead_url, impatient},
};

const BUSY: &[u8] = b"Work queue depth exceeded";
const WARMING_UP: &[u8] = br#"{"result":null,"error":{"code":-28,"message":"Loading"},"id":0}"#;

/// A node that answers so many requests with `reply`, and then with a txid.
async fn node_after(count: usize, reply: Reply) -> Node {
    let calls = AtomicUsize::new(0);
    Node::start(move |_| {
        if calls.fetch_add(1, Ordering::Relaxed) < count {
            return reply.clone();
        }
        Some((200, json!({"result": "0a".repeat(32)}).to_string().into()))
    })
    .await
}

fn patient(node: &Node) -> Daemon {
    let config = DaemonConfig {
        request_timeout: Duration::from_millis(200),
        ..DaemonConfig::default()
    };
    daemon_with(&[&node.url()], config)
}

#[tokio::test]
async fn bridges_a_busy_moment_for_wallets() {
    for reply in [(503, BUSY), (500, BUSY), (200, WARMING_UP)] {
        let (status, body) = reply;
        let node = node_after(3, Some((status, body.to_vec()))).await;
        let daemon = patient(&node);
        let answer: String = daemon.call_once("getit", json!([])).await.unwrap();
        assert_eq!(answer.len(), 64);
        assert_eq!(node.received().len(), 4);
        // It had not been handed on.
        let node = node_after(3, Some((status, body.to_vec()))).await;
        let sent = patient(&node).broadcast("00").await.unwrap();
        assert_eq!(sent, Txid([10; 32]));
    }
}

#[tokio::test]
async fn never_sends_twice_what_may_have_arrived() {
    for reply in [
        None,
        Some((502, b"Bad gateway".to_vec())),
        Some((200, b"{".to_vec())),
    ] {
        let node = node_after(1, reply.clone()).await;
        let error = patient(&node).broadcast("00").await.unwrap_err();
        assert!(error.may_have_arrived(), "{error}");
        assert_eq!(node.received().len(), 1, "{reply:?}");
    }
    // Nobody was there to receive it.
    let dead = dead_url().await;
    let error = daemon_with(&[&dead], impatient()).broadcast("00").await;
    assert!(!error.unwrap_err().may_have_arrived());
}

#[tokio::test]
async fn tells_verdicts_from_failures_of_the_node() {
    for (code, is_verdict) in [
        (-25, true),
        (-26, true),
        (-27, true),
        (-22, true),
        (-1, true),
        (-28, false),
        (-10, false),
        (-9, false),
        (-32603, false),
        (-32601, false),
    ] {
        let node = Node::of_methods(move |_, _| Err(code)).await;
        let daemon = daemon_with(&[&node.url()], impatient());
        let error = daemon.broadcast("00").await.unwrap_err();
        assert_eq!(error.is_verdict(), is_verdict, "{code}");
    }
}

#[tokio::test]
async fn makes_wallets_wait_for_no_answer_in_a_long_outage() {
    let dead = dead_url().await;
    let config = DaemonConfig {
        client_patience: Duration::from_millis(300),
        ..DaemonConfig::default()
    };
    let daemon = daemon_with(&[&dead], config);
    let began = tokio::time::Instant::now();
    daemon.call_once::<u32>("m", json!([])).await.unwrap_err();
    assert!(
        began.elapsed() >= Duration::from_millis(150),
        "tried for a moment"
    );
    while daemon.shared.outage.lasts().unwrap() <= Duration::from_millis(300) {
        tokio::task::yield_now().await;
    }
    let began = tokio::time::Instant::now();
    daemon.call_once::<u32>("m", json!([])).await.unwrap_err();
    assert!(
        began.elapsed() < Duration::from_millis(150),
        "not again each time"
    );
}

#[tokio::test]
async fn asks_a_busy_node_for_less_at_once() {
    let busy = node_after(1, Some((503, BUSY.to_vec()))).await;
    let daemon = patient(&busy);
    let answer: String = daemon.call("getit", json!([])).await.unwrap();
    assert_eq!(answer.len(), 64);
    assert_eq!(daemon.queue.limit(), 4);
}

fn url(node: &Node) -> DaemonUrl {
    DaemonUrl::parse(&node.url(), 1).unwrap()
}

#[tokio::test]
async fn tells_credentials_to_configured_nodes_alone() {
    let dir = tempfile::tempdir().unwrap();
    let cookie_file = dir.path().join(".cookie");
    std::fs::write(&cookie_file, "a:cookie").unwrap();
    let config = DaemonConfig {
        cookie_file: Some(cookie_file),
        ..impatient()
    };
    let (own, other) = (
        Node::of_methods(number).await,
        Node::of_methods(number).await,
    );
    let with_password = format!("u:p@{}", other.address);
    let daemon = daemon_with(&[&own.url(), &with_password], config);

    let stranger = Node::of_methods(number).await;
    let refused = daemon.set_urls(vec![url(&stranger)]).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("http://user:password@host:port"),
        "{refused}"
    );
    let given = format!("x:y@{}", stranger.address);
    daemon
        .set_urls(vec![DaemonUrl::parse(&given, 1).unwrap()])
        .unwrap();
    daemon.call_once::<u32>("m", json!([])).await.unwrap();
    let told = |node: &Node| node.received().pop().unwrap().authorization;
    // base64("x:y")
    assert_eq!(told(&stranger).unwrap(), "Basic eDp5");

    // base64("a:cookie") and base64("u:p")
    for (node, expected) in [(&own, "Basic YTpjb29raWU="), (&other, "Basic dTpw")] {
        daemon.set_urls(vec![url(node)]).unwrap();
        daemon.call_once::<u32>("m", json!([])).await.unwrap();
        assert_eq!(told(node).unwrap(), expected);
    }
}

#[tokio::test]
async fn has_no_cookie_for_a_node_that_is_not_configured() {
    let dir = tempfile::tempdir().unwrap();
    let cookie_file = dir.path().join(".cookie");
    std::fs::write(&cookie_file, "a:cookie").unwrap();
    let config = DaemonConfig {
        cookie_file: Some(cookie_file),
        ..impatient()
    };
    let refusing = Node::start(|_| Some((401, Vec::new()))).await;
    let daemon = daemon_with(&["127.0.0.1:1"], config);
    daemon.shared.nodes.replace(vec![url(&refusing)]).unwrap();
    let error = daemon.call_once::<u32>("m", json!([])).await.unwrap_err();
    assert!(matches!(error, DaemonError::Refused { .. }), "{error}");
    let asked = refusing.received();
    assert!(asked.iter().all(|asked| asked.authorization.is_none()));
}
