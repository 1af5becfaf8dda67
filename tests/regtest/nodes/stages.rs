//! What keeps the server from the node's latest state, and what it says then.

use electrode_tests::{
    Bitcoind, Branch, Electrode, Lock, Middleman, Oracle, Reply, Settings, Watcher, wait_until,
};
use serde_json::{Value, json};

use super::{PATIENCE, closed_until, height_of, invalidate, started, through, wait_hindrance};

const ALICE: Lock = Lock::Segwit(1);
const BOB: Lock = Lock::Segwit(2);
const FEE: u64 = 10_000;

/// The first block of which the node does not want to know anything.
const REFUSED: u64 = 60;

fn is_late_block(method: &str, params: &Value) -> bool {
    method == "getblockhash" && params[0].as_u64().is_some_and(|height| height >= REFUSED)
}

/// No error during the first sync opens a port: a part of the chain is not the chain.
#[test]
fn serves_no_part_of_the_chain_whatever_the_node_answers() {
    let node = Bitcoind::start();
    let (_chain, _coins) = Branch::funded(&node, 3);
    let refusals = [
        (Reply::Http(401, ""), "401"),
        (Reply::Http(403, ""), "403"),
        (Reply::Http(200, "<html>Log in"), "not JSON"),
        (Reply::Http(200, "{\"result\": [\"00"), "malformed"),
        (
            Reply::Error(-1, "Block not available (pruned data)"),
            "Block not available",
        ),
        (Reply::Error(-32603, "Internal error"), "Internal error"),
        (Reply::Result(json!("00".repeat(32))), "not found"),
    ];
    for (refusal, words) in refusals {
        let middleman = Middleman::before(&node);
        middleman.rule(move |method, params| match is_late_block(method, params) {
            true => refusal.clone(),
            false => Reply::Pass,
        });
        let mut server = started(&through(&middleman));
        closed_until(&mut server, words, &node, || middleman.pass());
    }
}

#[test]
fn waits_for_a_node_that_is_downloading_the_chain() {
    let node = Bitcoind::start();
    let (_chain, _coins) = Branch::funded(&node, 3);
    let middleman = Middleman::before(&node);
    middleman.rule(|method, _| match method {
        "getblockchaininfo" => Reply::Edit(|info| info["headers"] = json!(500)),
        _ => Reply::Pass,
    });
    let mut server = started(&through(&middleman));
    closed_until(
        &mut server,
        "downloading the chain, 103 of 500",
        &node,
        || {
            middleman.pass();
        },
    );
    // Of one that says so of itself, too, on any chain but one of its own.
    let middleman = Middleman::before(&node);
    let download = |info: &mut Value| {
        info["initialblockdownload"] = json!(true);
        info["chain"] = json!("main");
    };
    middleman.rule(move |method, _| match method {
        "getblockchaininfo" => Reply::Edit(download),
        _ => Reply::Pass,
    });
    let mut server = started(&through(&middleman));
    closed_until(&mut server, "downloading the chain", &node, || {
        middleman.pass();
    });
    middleman.rule(move |method, _| match method {
        "getblockchaininfo" => Reply::Edit(download),
        _ => Reply::Pass,
    });
    let settings = through(&middleman).set("daemon.wait_for_download", false);
    started(&settings).wait_ready();
}

/// After a restart a node lists its mempool again bit by bit.
#[test]
fn tells_nobody_that_payments_are_gone_while_the_node_reads_its_mempool() {
    let node = Bitcoind::start();
    let (_chain, coins) = Branch::funded(&node, 2);
    node.send(&coins[0].forward(ALICE, FEE));
    let middleman = Middleman::before(&node);
    let mut server = started(&through(&middleman));
    server.wait_ready();
    let hashes = [ALICE, BOB].map(Lock::script_hash);
    let mut watcher = Watcher::new(&server, hashes);
    let known = watcher.status(&ALICE.script_hash()).clone();
    assert!(known.is_string());

    let to_bob = coins[1].forward(BOB, FEE);
    let listed = to_bob.compute_txid().to_string();
    middleman.rule(move |method, _| match method {
        "getmempoolinfo" => Reply::Edit(|info| info["loaded"] = json!(false)),
        "getrawmempool" => Reply::Result(json!([listed])),
        _ => Reply::Pass,
    });
    wait_hindrance(&mut server, "still reading its mempool");
    // What is new is told all the same.
    node.send(&to_bob);
    assert_eq!(watcher.take_notice(), "blockchain.scripthash.subscribe");
    assert!(watcher.status(&BOB.script_hash()).is_string());
    assert_eq!(*watcher.status(&ALICE.script_hash()), known);

    let mut other = started(&through(&middleman));
    closed_until(&mut other, "still reading its mempool", &node, || {
        middleman.pass();
    });
    server.wait_ready();
    watcher.wait_told(&Oracle::read(&node));
}

#[test]
fn is_not_ready_while_it_is_behind_a_node_that_refuses() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    let middleman = Middleman::before(&node);
    let mut server = started(&through(&middleman));
    server.wait_ready();
    for (refusal, words) in [
        (Reply::Http(401, ""), "401"),
        (Reply::Http(200, "<html>Log in"), "not JSON"),
        (Reply::Error(-1, "no"), "no"),
    ] {
        middleman.rule(move |_, _| refusal.clone());
        chain.mine(&node, []);
        wait_hindrance(&mut server, words);
        assert!(server.serves_wallets(), "what is indexed is complete");
        assert_eq!(server.metrics()["electrode_stage{stage=\"serving\"}"], 0.0);
        middleman.pass();
        server.wait_ready();
        server.wait_caught_up(&node);
    }
    node.send(&coins[0].forward(ALICE, FEE));
    Oracle::wait_agree(&node, &mut server);
}

#[test]
fn says_that_the_node_is_pruned_or_has_only_begun_with_a_snapshot() {
    let node = Bitcoind::start();
    let (_chain, _coins) = Branch::funded(&node, 1);
    let gone = |method: &str| {
        (method == "getblock").then_some(Reply::Error(-1, "Block not available (pruned data)"))
    };
    let pruned = Middleman::before(&node);
    pruned.rule(move |method, _| match method {
        "getblockchaininfo" => Reply::Edit(|info| {
            info["pruned"] = json!(true);
            info["pruneheight"] = json!(70);
        }),
        method => gone(method).unwrap_or(Reply::Pass),
    });
    let mut server = started(&through(&pruned));
    let said = wait_hindrance(&mut server, "it is pruned and has blocks from 70 on");
    assert!(said.contains("prune=0"), "{said}");

    let snapshot = Middleman::before(&node);
    snapshot.rule(move |method, _| match method {
        "getchainstates" => Reply::Result(json!({"headers": 101, "chainstates": [
            {"blocks": 12, "validated": true},
            {"blocks": 101, "snapshot_blockhash": "ab", "validated": false},
        ]})),
        method => gone(method).unwrap_or(Reply::Pass),
    });
    let mut server = started(&through(&snapshot));
    closed_until(&mut server, "assumeutxo", &node, || snapshot.pass());
}

/// A node that lost its last blocks is waited for; its mempool is shown meanwhile.
#[test]
fn keeps_its_chain_while_the_node_has_only_a_part_of_it() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    let behind = Bitcoind::start();
    behind.copy_chain(&node);
    let to_alice = coins[0].forward(ALICE, FEE);
    chain.mine(&node, [&to_alice]);
    chain.mine(&node, []);

    let mut server = started(&Settings::of(&node).set("serve.ready_lag", "\"1s\""));
    server.wait_ready();
    let mut operator = server.operator();
    operator.call("daemon_url", &json!([behind.url_with_password()]));
    wait_hindrance(&mut server, "the node is behind, at block 102 of 104");
    assert_eq!(height_of(&server), 104);
    // One that it confirmed in the blocks it lost is not unconfirmed again.
    behind.send(&to_alice);
    let to_bob = coins[1].forward(BOB, FEE);
    let raw = bitcoin::consensus::encode::serialize_hex(&to_bob);
    let mut client = server.client();
    client.call("blockchain.transaction.broadcast", &json!([raw]));
    let history = |client: &mut electrode_tests::LineClient, lock: Lock| {
        client.call(
            "blockchain.scripthash.get_history",
            &json!([lock.script_hash()]),
        )
    };
    wait_until("the payment is seen", PATIENCE, || {
        let history = history(&mut client, BOB);
        (history[0]["height"] == 0).then_some(())
    });
    let to_alice = history(&mut client, ALICE);
    assert_eq!(to_alice.as_array().unwrap().len(), 1);
    assert_eq!(to_alice[0]["height"], 103);

    // At a start nobody is served what the node may not have any more.
    server.stop();
    server.configure(&Settings::of(&behind));
    server.start();
    closed_until(&mut server, "the node is behind", &node, || {
        for height in 103..=104 {
            let hash = node.rpc("getblockhash", &json!([height]));
            let block = node.rpc("getblock", &json!([hash, 0]));
            behind.rpc("submitblock", &json!([block]));
        }
        node.send(&to_bob);
    });
}

#[test]
fn disconnects_blocks_that_the_operator_of_the_node_invalidates() {
    let node = Bitcoind::start();
    let (_chain, _coins) = Branch::funded(&node, 4);
    let mut server = Electrode::serve(&node);
    let hash = invalidate(&node, 100);
    server.wait_ready();
    server.wait_caught_up(&node);
    assert_eq!(height_of(&server), 99);
    Oracle::wait_agree(&node, &mut server);
    node.rpc("reconsiderblock", &json!([hash]));
    server.wait_caught_up(&node);
    assert_eq!(height_of(&server), 104);
    Oracle::wait_agree(&node, &mut server);
}

#[test]
fn says_that_the_node_has_another_chain() {
    let node = Bitcoind::start();
    let (_chain, _coins) = Branch::funded(&node, 2);
    let other = Bitcoind::start();
    let mut branch = Branch::genesis().fork(7);
    (0..110).for_each(|_| branch.mine(&other, []));
    let settings = Settings::of(&node).set("serve.ready_lag", "\"1s\"");
    let mut server = started(&settings.set("index.reorg_limit", 20));
    server.wait_ready();
    let mut operator = server.operator();
    operator.call("daemon_url", &json!([other.url_with_password()]));
    let said = wait_hindrance(&mut server, "stuck behind block 102");
    assert!(said.contains("forks deeper than reorg_limit"), "{said}");
    operator.call("daemon_url", &json!([node.url_with_password()]));
    server.wait_ready();
    Oracle::wait_agree(&node, &mut server);
}
