//! A server in daily life: first sync, restarts, blocks, mempool, nodes that come and go.

#![expect(clippy::indexing_slicing, reason = "a panic is how a test fails")]

use std::time::{Duration, Instant};

use bitcoin::{Transaction, consensus::encode::serialize_hex};
use electrode_tests::{
    Bitcoind, Branch, Electrode, Lock, Oracle, Settings, Spendable, Watcher, wait_until,
};
use electrum_client::{Client, ElectrumApi as _};
use serde_json::{Value, json};

/// Enough for any transaction here.
const FEE: u64 = 10_000;
/// A notification that takes longer is of no use.
const NOTICE_LIMIT: Duration = Duration::from_secs(3);

const ALICE: Lock = Lock::Segwit(1);
const BOB: Lock = Lock::Bare(2);
const CAROL: Lock = Lock::Segwit(3);

#[test]
fn syncs_from_zero_and_catches_up_after_a_restart() {
    syncs_and_catches_up(&Bitcoind::start());
}

#[test]
fn syncs_from_a_node_without_rest() {
    syncs_and_catches_up(&Bitcoind::start_on("regtest", &["-norest"]));
}

fn syncs_and_catches_up(node: &Bitcoind) {
    let (mut chain, coins) = Branch::funded(node, 3);
    let to_alice = coins[0].forward(ALICE, FEE);
    chain.mine(node, [&to_alice]);
    node.send(&Spendable::find(&to_alice, ALICE).forward(BOB, FEE));
    let mut server = Electrode::serve(node);
    Oracle::wait_agree(node, &mut server);

    server.stop();
    node.send(&coins[1].forward(CAROL, FEE));
    chain.mine(node, [&coins[2].forward(ALICE, FEE)]);
    server.verify();
    server.start();
    server.wait_ready();
    Oracle::wait_agree(node, &mut server);
}

/// Each client is told of a script by the text that it subscribed with, the last one if several.
#[test]
fn names_a_script_as_the_client_wrote_it() {
    let node = Bitcoind::start();
    let (_chain, coins) = Branch::funded(&node, 1);
    let server = Electrode::serve(&node);
    let hash = ALICE.script_hash();
    let capitals = hash.to_uppercase();
    let texts = [
        vec![&hash],
        vec![&capitals],
        vec![&hash, &capitals],
        vec![&capitals, &hash],
    ];
    let mut clients = texts.map(|texts| {
        let mut client = server.client();
        for text in &texts {
            client.call("blockchain.scripthash.subscribe", &json!([text]));
        }
        (client, texts.last().copied().unwrap())
    });
    node.send(&coins[0].forward(ALICE, FEE));
    for (client, text) in &mut clients {
        assert_eq!(client.notice()["params"][0], **text);
    }
}

#[test]
fn tells_of_a_block_header_first_with_zmq() {
    let node = Bitcoind::start();
    let settings = Settings::of(&node).daemon("zmq", &node.zmq());
    tells_of_mempool_and_block(&node, &settings);
}

#[test]
fn tells_of_a_block_header_first_without_zmq() {
    let node = Bitcoind::start_on("regtest", &["-nozmqpubhashblock", "-nozmqpubsequence"]);
    tells_of_mempool_and_block(&node, &Settings::of(&node));
}

fn tells_of_mempool_and_block(node: &Bitcoind, settings: &Settings) {
    let (mut chain, coins) = Branch::funded(node, 2);
    let mut server = Electrode::configured(settings);
    server.start();
    server.wait_ready();
    let mut watcher = Watcher::new(&server, [ALICE, BOB, CAROL].map(Lock::script_hash));

    let to_alice = coins[0].forward(ALICE, FEE);
    let start = Instant::now();
    node.send(&to_alice);
    assert_eq!(watcher.take_notice(), "blockchain.scripthash.subscribe");
    assert!(
        start.elapsed() < NOTICE_LIMIT,
        "mempool: {:?}",
        start.elapsed()
    );

    let block = chain.next(&BOB.script(), [&to_alice, &coins[1].forward(CAROL, FEE)]);
    let start = Instant::now();
    node.submit(&block);
    let told: Vec<String> = (0..4).map(|_| watcher.take_notice()).collect();
    assert!(
        start.elapsed() < NOTICE_LIMIT,
        "block: {:?}",
        start.elapsed()
    );
    assert_eq!(told[0], "blockchain.headers.subscribe");
    assert!(
        told[1..]
            .iter()
            .all(|method| method == "blockchain.scripthash.subscribe")
    );
    watcher.wait_told(&Oracle::read(node));
}

#[test]
fn moves_a_child_from_minus_one_to_zero_when_its_parent_confirms() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 1);
    let mut server = Electrode::serve(&node);
    let mut watcher = Watcher::new(&server, [CAROL.script_hash()]);

    let parent = coins[0].forward(ALICE, FEE);
    let child = Spendable::find(&parent, ALICE).forward(BOB, FEE);
    let grandchild = Spendable::find(&child, BOB).forward(CAROL, FEE);
    for tx in [&parent, &child, &grandchild] {
        node.send(tx);
    }
    Oracle::wait_agree(&node, &mut server);
    watcher.wait_told(&Oracle::read(&node));
    assert_eq!(height_of_first(&server, CAROL), json!(-1));

    chain.mine(&node, [&parent]);
    Oracle::wait_agree(&node, &mut server);
    watcher.wait_told(&Oracle::read(&node));
    assert_eq!(height_of_first(&server, BOB), json!(0));
    assert_eq!(height_of_first(&server, CAROL), json!(-1));

    // Nothing in this block pays to or from the watched script.
    chain.mine(&node, [&child]);
    Oracle::wait_agree(&node, &mut server);
    watcher.wait_told(&Oracle::read(&node));
    assert_eq!(height_of_first(&server, CAROL), json!(0));

    chain.mine(&node, [&grandchild]);
    Oracle::wait_agree(&node, &mut server);
    watcher.wait_told(&Oracle::read(&node));
    assert_eq!(height_of_first(&server, CAROL), json!(chain.height));
}

/// Gives the height of the first transaction of a script.
fn height_of_first(server: &Electrode, lock: Lock) -> Value {
    let params = json!([lock.script_hash()]);
    let history = server
        .client()
        .call("blockchain.scripthash.get_history", &params);
    history[0]["height"].clone()
}

#[test]
fn forgets_a_replaced_transaction_and_what_was_built_on_it() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 1);
    let mut server = Electrode::serve(&node);
    let mut watcher = Watcher::new(&server, [ALICE, BOB, CAROL].map(Lock::script_hash));

    let replaced = coins[0].forward(ALICE, FEE);
    node.send(&replaced);
    node.send(&Spendable::find(&replaced, ALICE).forward(CAROL, FEE));
    Oracle::wait_agree(&node, &mut server);
    watcher.wait_told(&Oracle::read(&node));
    assert_ne!(*watcher.status(&CAROL.script_hash()), Value::Null);

    let replacement = coins[0].forward(BOB, 10 * FEE);
    node.send(&replacement);
    Oracle::wait_agree(&node, &mut server);
    watcher.wait_told(&Oracle::read(&node));
    for forgotten in [ALICE, CAROL] {
        assert_eq!(*watcher.status(&forgotten.script_hash()), Value::Null);
    }

    chain.mine(&node, [&replacement]);
    Oracle::wait_agree(&node, &mut server);
    watcher.wait_told(&Oracle::read(&node));
}

#[test]
fn serves_on_without_the_daemon_and_follows_it_when_it_is_back() {
    let mut node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    let mut server = Electrode::serve(&node);
    let mut watcher = Watcher::new(&server, [ALICE, BOB].map(Lock::script_hash));
    node.send(&coins[0].forward(ALICE, FEE));
    Oracle::wait_agree(&node, &mut server);
    let right = Oracle::read(&node);

    node.stop();
    let params = json!([ALICE.script_hash()]);
    let status = server
        .client()
        .call("blockchain.scripthash.subscribe", &params);
    assert_eq!(status, right.status(&ALICE.script_hash()));

    // The cookie is another one now.
    node.start_again();
    chain.mine(&node, [&coins[1].forward(BOB, FEE)]);
    Oracle::wait_agree(&node, &mut server);
    watcher.wait_told(&Oracle::read(&node));
}

#[test]
fn gives_a_transaction_again_when_the_daemon_is_gone() {
    gives_transactions_again(Bitcoind::start());
}

#[test]
fn gives_transactions_of_a_daemon_with_an_index_of_them() {
    gives_transactions_again(Bitcoind::start_on("regtest", &["-txindex=1"]));
}

fn gives_transactions_again(mut node: Bitcoind) {
    let (mut chain, coins) = Branch::funded(&node, 2);
    let sent = [0, 1].map(|coin| coins[coin].forward(ALICE, FEE));
    chain.mine(&node, &sent);
    let server = Electrode::serve(&node);
    let mut client = server.client();
    let mut get = |tx: &Transaction| {
        let params = json!([tx.compute_txid().to_string()]);
        client.try_call("blockchain.transaction.get", &params)
    };
    let [asked, not_asked] = &sent;
    let expected = json!(serialize_hex(asked));
    assert_eq!(get(asked), Ok(expected.clone()));
    node.stop();
    assert_eq!(get(asked), Ok(expected));
    assert!(get(not_asked).is_err());
}

#[test]
fn follows_whichever_daemon_is_there() {
    let mut first = Bitcoind::start();
    let mut second = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&first, 3);
    second.copy_chain(&first);
    let urls = [first.url_with_password(), second.url_with_password()];
    let mut server = Electrode::configured(&Settings::regtest().daemon("urls", &urls));
    server.start();
    server.wait_ready();
    let mut watcher = Watcher::new(&server, [ALICE, BOB, CAROL].map(Lock::script_hash));

    first.stop();
    chain.mine(&second, [&coins[0].forward(ALICE, FEE)]);
    second.send(&coins[1].forward(BOB, FEE));
    Oracle::wait_agree(&second, &mut server);
    watcher.wait_told(&Oracle::read(&second));

    first.start_again();
    first.copy_chain(&second);
    second.stop();
    chain.mine(&first, [&coins[2].forward(CAROL, FEE)]);
    Oracle::wait_agree(&first, &mut server);
    watcher.wait_told(&Oracle::read(&first));
}

#[test]
fn tells_what_many_blocks_at_once_have_changed() {
    let mut first = Bitcoind::start();
    let second = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&first, 2);
    second.copy_chain(&first);
    let urls = [first.url_with_password(), second.url_with_password()];
    let mut server = Electrode::configured(&Settings::regtest().daemon("urls", &urls));
    server.start();
    server.wait_ready();
    let mut watcher = Watcher::new(&server, [ALICE, BOB].map(Lock::script_hash));

    chain.mine(&second, [&coins[0].forward(ALICE, FEE)]);
    for _ in 0..100 {
        chain.mine(&second, []);
    }
    chain.mine(&second, [&coins[1].forward(BOB, FEE)]);
    first.stop();
    Oracle::wait_agree(&second, &mut server);
    watcher.wait_told(&Oracle::read(&second));
}

#[test]
fn serves_the_electrum_client_crate() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    let server = Electrode::serve(&node);
    let client = Client::new(&format!("tcp://127.0.0.1:{}", server.port())).unwrap();
    let script = ALICE.script();
    assert_eq!(client.script_subscribe(&script).unwrap(), None);
    client.block_headers_subscribe().unwrap();

    let payment = coins[0].forward(ALICE, FEE);
    assert_eq!(
        client.transaction_broadcast(&payment).unwrap(),
        payment.compute_txid()
    );
    wait_until(
        "the client is told of its own payment",
        NOTICE_LIMIT,
        || {
            client.ping().unwrap();
            client.script_pop(&script).unwrap()
        },
    );
    assert_eq!(
        client.script_get_balance(&script).unwrap().unconfirmed,
        50 * 100_000_000 - 10_000
    );
    assert_eq!(
        client.script_get_history(&script).unwrap()[0].fee,
        Some(FEE)
    );

    chain.mine(&node, [&coins[1].forward(BOB, FEE), &payment]);
    let header = wait_until("the client is told of the block", NOTICE_LIMIT, || {
        client.ping().unwrap();
        client.block_headers_pop().unwrap()
    });
    assert_eq!(header.header.block_hash(), chain.tip);
    let height = usize::try_from(chain.height).unwrap();
    let unspent = client.script_list_unspent(&script).unwrap();
    assert_eq!(
        (unspent[0].height, unspent[0].tx_hash),
        (height, payment.compute_txid())
    );
    assert_eq!(
        client.transaction_get(&payment.compute_txid()).unwrap(),
        payment
    );
    let proof = client
        .transaction_get_merkle(&payment.compute_txid(), height)
        .unwrap();
    let root = header.header.merkle_root;
    assert!(electrum_client::utils::validate_merkle_proof(
        &payment.compute_txid(),
        &root,
        &proof
    ));
    assert_eq!(
        client.txid_from_pos(height, 2).unwrap(),
        payment.compute_txid()
    );
}
