//! What changes while the server runs, and how it ends.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use electrode_tests::{Bitcoind, Branch, Electrode, Settings, wait_until};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
/// How long a server may take to end.
const END_LIMIT: Duration = Duration::from_secs(5);

#[test]
fn reads_banner_limits_and_log_level_again() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::serve(&node);
    let mut wallet = server.client();
    let banner = wallet.call("server.banner", &json!([]));
    assert!(
        banner
            .as_str()
            .unwrap()
            .starts_with("You are connected to an Electrode")
    );

    let path = server.home().join("banner");
    fs::write(
        &path,
        "$COIN $NETWORK $PROTOCOL_MIN-$PROTOCOL_MAX by $DAEMON_SUBVERSION: $5",
    )
    .unwrap();
    let settings = Settings::of(&node)
        .set("serve.banner_file", format_args!("{path:?}"))
        .set("serve.donation_address", "'bcrt1qdonate'")
        .set("limits.max_subscriptions", 1)
        .set("log.level", "'debug'");
    server.configure(&settings);
    let said = server.operator().call("reload", &json!([]));
    assert_eq!(
        said,
        json!(
            "reloaded: serve.banner_file, serve.donation_address, limits.max_subscriptions, \
             log.level"
        )
    );
    let node_name = node.rpc("getnetworkinfo", &json!([]))["subversion"].clone();
    let expected = format!(
        "Bitcoin regtest 1.4-1.6 by {}: $5",
        node_name.as_str().unwrap()
    );
    assert_eq!(wallet.call("server.banner", &json!([])), json!(expected));
    assert_eq!(
        wallet.call("server.donation_address", &json!([])),
        json!("bcrt1qdonate")
    );
    let subscribe = |wallet: &mut electrode_tests::LineClient, script: &str| {
        wallet.try_call(
            "blockchain.scripthash.subscribe",
            &json!([script.repeat(64)]),
        )
    };
    subscribe(&mut wallet, "1").unwrap();
    subscribe(&mut wallet, "2").unwrap_err();
    drop(server.client());
    wait_until("the log tells more", PATIENCE, || {
        server.logged().contains(" DEBUG ").then_some(())
    });

    // By signal, and back.
    server.configure(&Settings::of(&node));
    server.hang_up();
    wait_until("the server has reloaded", PATIENCE, || {
        server
            .logged()
            .contains("reloaded: serve.banner_file")
            .then_some(())?;
        subscribe(&mut wallet, "2").ok()
    });
    assert_eq!(wallet.call("server.banner", &json!([])), banner);
    server.assert_running();
}

#[test]
fn keeps_what_it_has_when_the_configuration_cannot_be_used() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::serve(&node);
    let mut operator = server.operator();
    server.configure(&Settings::of(&node).set("limits.max_send", "'little'"));
    let error = operator.try_call("reload", &json!([])).unwrap_err();
    let error = error["message"].as_str().unwrap();
    assert!(
        error.contains("limits.max_send (file): expected a size"),
        "{error}"
    );

    server.configure(&Settings {
        cache: "200MiB",
        ..Settings::of(&node)
    });
    let said = operator.call("reload", &json!([]));
    let told = "reloaded: no setting has changed; only a restart changes index.cache";
    assert_eq!(said, json!(told));
    assert_eq!(operator.call("reload", &json!([])), json!(told));
    server.assert_running();
}

#[test]
fn answers_what_it_has_read_before_it_ends() {
    let node = Bitcoind::start();
    let (_chain, _coins) = Branch::funded(&node, 5);
    let mut server = Electrode::serve(&node);
    let stopped = AtomicBool::new(false);
    let (server_ref, stopped_ref) = (&server, &stopped);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..20)
            .map(|_| scope.spawn(move || ask_until_the_end(server_ref, stopped_ref)))
            .collect();
        wait_until("requests are answered", PATIENCE, || {
            let status = server_ref.status()?;
            (status.get("requests")?.as_u64()? > 2000).then_some(())
        });
        stopped.store(true, Ordering::Relaxed);
        server_ref.terminate();
        for client in clients {
            client.join().unwrap();
        }
    });
    let start = Instant::now();
    assert!(server.wait_exit(PATIENCE).success());
    assert!(start.elapsed() < END_LIMIT, "{:?}", start.elapsed());
    let log = server.logged();
    assert!(!log.contains("did not end in time"), "{log}");
    server.verify();
}

/// A request that is slowed down for a second is in work when the server is told to end.
#[test]
fn finishes_what_it_works_on_before_it_ends() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let slowed = Settings::of(&node)
        .set("limits.cost_soft_limit", 80)
        .set("limits.cost_hard_limit", 180)
        .set("limits.request_sleep", "'4s'");
    let mut server = Electrode::configured(&slowed);
    server.start();
    server.wait_ready();
    let mut wallet = server.client();
    let mut idle = server.client();
    wallet.try_call("no.such.method", &json!([])).unwrap_err();
    wallet.send("{\"id\":7,\"method\":\"blockchain.block.header\",\"params\":[1]}\n");
    let mut operator = server.operator();
    wait_until("the request is worked on", PATIENCE, || {
        let info = operator.call("getinfo", &json!([]));
        (info["sessions"]["pending requests"] == 1).then_some(())
    });
    let start = Instant::now();
    server.terminate();
    assert_eq!(idle.receive(), None);
    let answer = wallet.receive().unwrap();
    assert_eq!(answer["id"], 7);
    assert!(answer["result"].is_string(), "{answer}");
    assert_eq!(wallet.receive(), None);
    assert!(server.wait_exit(PATIENCE).success());
    assert!(start.elapsed() < END_LIMIT, "{:?}", start.elapsed());
    assert!(!server.logged().contains("did not end in time"));
}

/// Asks one request after the other until the server hangs up, which it may do only once it was
/// told to end, and never in the midst of a line.
fn ask_until_the_end(server: &Electrode, stopped: &AtomicBool) {
    let mut client = server.client();
    loop {
        if !client.offer("{\"id\":0,\"method\":\"blockchain.block.header\",\"params\":[3]}\n") {
            break;
        }
        let Some(answer) = client.receive() else {
            break;
        };
        assert_eq!(
            answer.get("error").map_or(&Value::Null, |error| error),
            &Value::Null
        );
    }
    assert!(
        stopped.load(Ordering::Relaxed),
        "the server hung up too early"
    );
}
