//! The Electrum wallet against the server: receives, sends, sees it confirmed, through a
//! reorganisation.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::time::Duration;

use bitcoin::{Transaction, consensus::encode::deserialize_hex};
use electrode_tests::{
    Bitcoind, Branch, Electrode, Electrum, Lock, Oracle, Wire, pay, sats, wait_for, wait_until,
};
use serde_json::{Value, json};

const FEE: u64 = 10_000;
const COIN: u64 = 100_000_000;
/// How long the wallet may take to show what has happened.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn electrum_receives_and_sends_through_a_reorg() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    let mut server = Electrode::serve(&node);
    let mut wallet = Electrum::create();
    wallet.connect(server.port());
    wait_until("the wallet speaks protocol 1.6", PATIENCE, || {
        wallet.logged().contains("'1.6'], handshake").then_some(())
    });

    // Receives: seen at once, then confirmed.
    let (_, script) = wallet.unused_address();
    let change = Lock::Segwit(1).script();
    let received = pay(
        &[coins[0]],
        &[
            (&script, 2 * COIN),
            (&change, coins[0].value - 2 * COIN - FEE),
        ],
    );
    node.send(&received);
    wait_for_balance(&wallet, 0, 2 * COIN);
    let before = chain.fork(1);
    chain.mine(&node, [&received]);
    wait_for_balance(&wallet, 2 * COIN, 0);
    wait_for_confirmations(&wallet, &received, 1);

    // Sends, and sees it confirmed.
    let address = "bcrt1q6rhpng9evdsfnn833a4f4vej0asu6dk5srld6x";
    let payment = wallet.call(
        "payto",
        &json!({
            "destination": address, "amount": 0.5, "fee": 0.0001
        }),
    );
    let payment: Transaction = deserialize_hex(payment.as_str().unwrap()).unwrap();
    let raw = bitcoin::consensus::encode::serialize_hex(&payment);
    wallet.call("broadcast", &json!({ "tx": raw }));
    let left = 2 * COIN - COIN / 2 - FEE;
    wait_until("the node has the payment", PATIENCE, || {
        node.mempool()
            .contains(&payment.compute_txid().to_string())
            .then_some(())
    });
    chain.mine(&node, [&payment]);
    wait_for_balance(&wallet, left, 0);
    wait_for_confirmations(&wallet, &payment, 1);

    // Both come back at other heights in a longer branch.
    let mut fork = before;
    fork.mine(&node, []);
    fork.mine(&node, [&received]);
    fork.mine(&node, []);
    assert_eq!(node.best_block(), fork.tip.to_string());
    wait_for_height(&wallet, &received, fork.height - 1);
    wait_for_confirmations(&wallet, &received, 2);
    wait_for_height(&wallet, &payment, 0);
    fork.mine(&node, [&payment]);
    wait_for_height(&wallet, &payment, fork.height);
    wait_for_confirmations(&wallet, &payment, 1);
    wait_for_balance(&wallet, left, 0);

    assert_eq!(held_according_to_the_node(&node, &wallet), left);
    Oracle::wait_agree(&node, &mut server);
}

/// What ElectrumX's own regtest scripts set, with our directory and ports.
const ELECTRUMX_ENV: &str = "
    COIN=Bitcoin
    NET=regtest
    DAEMON_URL={daemon_url}
    DB_DIRECTORY={data_dir}
    DB_ENGINE=leveldb
    SERVICES=tcp://:{port},rpc://:{rpc_port}
    PEER_DISCOVERY=self
    PEER_ANNOUNCE=
    COST_SOFT_LIMIT=0
    COST_HARD_LIMIT=0
    EVENT_LOOP_POLICY=uvloop
    ALLOW_ROOT=1
    ANON_LOGS=1
    CACHE_MB=400
    LOG_LEVEL=info
    REQUEST_TIMEOUT=60
    SESSION_TIMEOUT=600
    DONATION_ADDRESS=bcrt1qdonate
    BANNER_FILE=
";

#[test]
fn electrumx_s_env_file_serves_electrum() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 1);
    let text = ELECTRUMX_ENV.replace("{daemon_url}", &node.url_with_password());
    let server = Electrode::serve_env_file(&text);
    let mut wallet = Electrum::create();
    wallet.connect(server.port());
    let (_, script) = wallet.unused_address();
    let change = Lock::Segwit(1).script();
    let left = coins[0].value - COIN - FEE;
    let received = pay(&[coins[0]], &[(&script, COIN), (&change, left)]);
    node.send(&received);
    wait_for_balance(&wallet, 0, COIN);
    chain.mine(&node, [&received]);
    wait_for_balance(&wallet, COIN, 0);
    wait_for_confirmations(&wallet, &received, 1);
    let donation = server.client().call("server.donation_address", &json!([]));
    assert_eq!(donation, "bcrt1qdonate");
}

#[test]
fn electrum_pins_the_certificate_and_finds_it_again() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    let mut server = Electrode::serve(&node);
    let mut wallet = Electrum::create();
    wallet.connect_over_tls(server.port_of(Wire::Ssl));
    let (_, script) = wallet.unused_address();
    chain.mine(
        &node,
        [&pay(&[coins[0]], &[(&script, coins[0].value - FEE)])],
    );
    let first = coins[0].value - FEE;
    wait_for_balance(&wallet, first, 0);
    let pinned = wallet.pinned_certificate();
    let made = std::fs::read_to_string(server.data_dir().join("tls-cert.pem")).unwrap();
    let base64 = |pem: &str| pem.split_whitespace().collect::<String>();
    assert_eq!(base64(&pinned), base64(&made));

    server.stop();
    server.start();
    server.wait_ready();
    chain.mine(
        &node,
        [&pay(&[coins[1]], &[(&script, coins[1].value - FEE)])],
    );
    wait_for_balance(&wallet, first + coins[1].value - FEE, 0);
    assert_eq!(wallet.pinned_certificate(), pinned);
}

/// Waits until the wallet shows this balance.
fn wait_for_balance(wallet: &Electrum, confirmed: u64, unconfirmed: u64) {
    wait_for("the wallet's balance", PATIENCE, || {
        let balance = wallet.call("getbalance", &json!({}));
        let shown = ["confirmed", "unconfirmed"].map(|kind| amount(&balance[kind]));
        if shown == [confirmed, unconfirmed] {
            Ok(())
        } else {
            Err(balance)
        }
    });
}

/// Waits until the wallet has verified that a transaction is so deep in the chain.
fn wait_for_confirmations(wallet: &Electrum, tx: &Transaction, confirmations: u32) {
    let txid = tx.compute_txid().to_string();
    wait_for("confirmations in the wallet", PATIENCE, || {
        let status = wallet.call("get_tx_status", &json!({ "txid": txid }));
        if status["confirmations"] == confirmations {
            Ok(())
        } else {
            Err(status)
        }
    });
}

/// Waits until the wallet's history has a transaction at a height.
fn wait_for_height(wallet: &Electrum, tx: &Transaction, height: u32) {
    let txid = tx.compute_txid().to_string();
    wait_for("the height in the wallet's history", PATIENCE, || {
        let history = wallet.call("onchain_history", &json!({}));
        let transactions = history["transactions"]
            .as_array()
            .or(history.as_array())
            .unwrap();
        let found = transactions.iter().find(|item| item["txid"] == *txid);
        if found.is_some_and(|item| item["height"] == height) {
            Ok(())
        } else {
            Err(history)
        }
    });
}

/// Adds up what the node says the wallet's addresses hold.
fn held_according_to_the_node(node: &Bitcoind, wallet: &Electrum) -> u64 {
    let addresses: Vec<String> =
        serde_json::from_value(wallet.call("listaddresses", &json!({}))).unwrap();
    let descriptors: Vec<String> = addresses
        .iter()
        .map(|address| format!("addr({address})"))
        .collect();
    sats(&node.rpc("scantxoutset", &json!(["start", descriptors]))["total_amount"])
}

/// Reads an amount, which the wallet writes as text in whole coins and leaves out when it is 0.
fn amount(coins: &Value) -> u64 {
    coins
        .as_str()
        .map_or(0, |text| sats(&json!(text.parse::<f64>().unwrap())))
}
