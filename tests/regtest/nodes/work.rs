//! What following costs and what it waits for: time spent waiting for a node is not made up for,
//! and nothing that takes long holds up blocks or wallets.

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use electrode_tests::{Bitcoind, Branch, Lock, Middleman, Oracle, Reply, Settings, wait_until};
use serde_json::json;

use super::{PATIENCE, started, through, wait_hindrance};

const ALICE: Lock = Lock::Segwit(1);
const FEE: u64 = 10_000;

/// An outage is not work: four times as long as it took, nothing would be looked at.
#[test]
fn sees_payments_at_once_after_an_outage() {
    let node = Bitcoind::start();
    let (_chain, coins) = Branch::funded(&node, 3);
    let middleman = Middleman::before(&node);
    let mut server = started(&through(&middleman));
    server.wait_ready();
    for (refusal, coin) in [(Reply::Http(503, "busy"), 0), (Reply::Http(401, ""), 1)] {
        let outage = Instant::now();
        middleman.rule(move |_, _| refusal.clone());
        wait_hindrance(&mut server, "");
        wait_until("some seconds pass", PATIENCE, || {
            (outage.elapsed() > Duration::from_secs(6)).then_some(())
        });
        middleman.pass();
        server.wait_ready();
        let back = Instant::now();
        node.send(&coins[coin].forward(ALICE, FEE));
        let mut client = server.client();
        wait_until("the payment is seen", PATIENCE, || {
            let params = json!([ALICE.script_hash()]);
            let mempool = client.call("blockchain.scripthash.get_mempool", &params);
            (mempool.as_array().unwrap().len() > coin).then_some(())
        });
        assert!(
            back.elapsed() < outage.elapsed() / 2,
            "{:?}",
            back.elapsed()
        );
    }
}

/// Lets calls wait until they may go on.
#[derive(Default)]
struct Gate {
    waiting: AtomicUsize,
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let is_open = self.is_open.lock().unwrap();
        drop(
            self.opened
                .wait_while(is_open, |is_open| !*is_open)
                .unwrap(),
        );
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

#[test]
fn follows_blocks_while_it_looks_at_a_large_mempool() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    let middleman = Middleman::before(&node);
    let mut server = started(&through(&middleman));
    server.wait_ready();
    let gate = Arc::new(Gate::default());
    let (stands, listed) = (Arc::clone(&gate), node.send(&coins[0].forward(ALICE, FEE)));
    middleman.rule(move |method, _| {
        if method == "getrawtransaction" {
            stands.wait();
        }
        Reply::Pass
    });
    wait_until("the mempool is looked at", PATIENCE, || {
        (gate.waiting.load(Ordering::Relaxed) > 0).then_some(())
    });
    for _ in 0..3 {
        chain.mine(&node, []);
        server.wait_caught_up(&node);
    }
    gate.open();
    let mut client = server.client();
    wait_until("the payment is seen", PATIENCE, || {
        let params = json!([ALICE.script_hash()]);
        let mempool = client.call("blockchain.scripthash.get_mempool", &params);
        (mempool[0]["tx_hash"] == listed.to_string()).then_some(())
    });
    Oracle::wait_agree(&node, &mut server);
}

/// A long poll would keep all other requests waiting.
#[test]
fn polls_a_node_that_answers_one_request_at_a_time() {
    let args = [
        "-rpcthreads=1",
        "-rpcworkqueue=1",
        "-nozmqpubhashblock",
        "-nozmqpubsequence",
    ];
    let node = Bitcoind::start_on("regtest", &args);
    let (mut chain, coins) = Branch::funded(&node, 1);
    let mut server = started(&Settings::of(&node));
    server.wait_ready();
    wait_until("it notices", PATIENCE, || {
        server
            .logged()
            .contains("one request at a time")
            .then_some(())
    });
    let txid = coins[0].outpoint.txid.to_string();
    let mut client = server.client();
    let began = Instant::now();
    for _ in 0..5 {
        let answer = client.call("blockchain.transaction.get", &json!([txid, true]));
        assert_eq!(answer["txid"], txid);
    }
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    chain.mine(&node, []);
    server.wait_caught_up(&node);
}

/// What wallets ask is tried again; what they send only where it cannot have been done.
#[test]
fn bridges_a_busy_moment_of_the_node() {
    let node = Bitcoind::start();
    let (_chain, coins) = Branch::funded(&node, 2);
    let middleman = Middleman::before(&node);
    let mut server = started(&through(&middleman));
    server.wait_ready();
    let mut client = server.client();
    let busy_twice = |method: &'static str, reply: Reply| {
        let calls = AtomicUsize::new(0);
        middleman.rule(move |called, _| {
            let is_meant = called == method;
            match is_meant && calls.fetch_add(1, Ordering::Relaxed) < 2 {
                true => reply.clone(),
                false => Reply::Pass,
            }
        });
    };
    busy_twice(
        "getrawtransaction",
        Reply::Http(503, "Work queue depth exceeded"),
    );
    let txid = coins[0].outpoint.txid.to_string();
    let raw = client.call("blockchain.transaction.get", &json!([txid]));
    assert!(raw.is_string());

    for reply in [
        Reply::Http(503, "Work queue depth exceeded"),
        Reply::Error(-28, "Verifying blocks…"),
    ] {
        busy_twice("sendrawtransaction", reply);
        let raw = bitcoin::consensus::encode::serialize_hex(&coins[0].forward(ALICE, FEE));
        client.call("blockchain.transaction.broadcast", &json!([raw]));
    }

    // A node that fails is told apart from the rules of the network.
    let raw = bitcoin::consensus::encode::serialize_hex(&coins[1].forward(ALICE, FEE));
    for (reply, code, words) in [
        (
            Reply::Error(-10, "Bitcoin Core is in initial sync"),
            2,
            "initial sync",
        ),
        (
            Reply::Error(-26, "min relay fee not met"),
            1,
            "rejected by network rules",
        ),
        (Reply::Http(502, "Bad gateway"), 2, "may have been sent"),
    ] {
        middleman.rule(move |method, _| match method {
            "sendrawtransaction" => reply.clone(),
            _ => Reply::Pass,
        });
        let error = client.try_call("blockchain.transaction.broadcast", &json!([raw]));
        let error = error.unwrap_err();
        assert_eq!(error["code"], code, "{error}");
        assert!(
            error["message"].as_str().unwrap().contains(words),
            "{error}"
        );
        let sent = middleman.calls();
        let sent = sent
            .iter()
            .filter(|(method, _)| method == "sendrawtransaction");
        assert!(sent.count() > 0);
    }
}
