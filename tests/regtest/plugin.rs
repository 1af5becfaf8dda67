//! A plugin that breaks down, or does not return, under a server that follows a real node.

use std::{fs, time::Duration};

use electrode_tests::{
    Bitcoind, Branch, Electrode, Lock, Oracle, PluginFolder, Settings, wait_until,
};
use serde_json::json;
use tempfile::TempDir;

/// How long the server may take to find out, on a machine that is busy with tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bitcoin regtest by a plugin that is told `options`.
fn by_plugin(node: &Bitcoind, folder: &PluginFolder, options: &str) -> Settings {
    Settings::of(node)
        .plugins(folder)
        .set("plugins.options", options)
        .set("plugins.call_limit", "\"500ms\"")
}

fn serving(settings: &Settings) -> Electrode {
    let mut server = Electrode::configured(settings);
    server.start();
    server.wait_ready();
    server
}

/// Waits until the server is not ready any more, and gives what it says then.
fn wait_hindered(server: &mut Electrode, word: &str) -> String {
    wait_until(&format!("/ready tells of {word}"), PATIENCE, || {
        server.assert_running();
        let page = server.page("/ready")?;
        (page.status == 503 && page.body.contains(word)).then_some(page.body)
    })
}

#[test]
fn stops_at_a_block_over_which_the_plugin_panics() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    let panic_at = chain.height + 2;
    let folder = PluginFolder::with("electrode_reexport", "Bitcoin");
    let options = format!("{{ panic_at = {panic_at} }}");
    let mut server = serving(&by_plugin(&node, &folder, &options));
    let mut client = server.client();
    client.call("blockchain.headers.subscribe", &json!([]));

    let paid = Lock::Segwit(1);
    chain.mine(&node, [&coins[0].forward(paid, 1000)]);
    let good = chain.height;
    chain.mine(&node, [&coins[1].forward(Lock::Segwit(2), 1000)]);
    chain.mine(&node, []);
    let said = wait_hindered(&mut server, "the plugin failed");
    assert!(said.contains("parse_block panicked"), "{said}");
    assert!(server.logged().contains("asked to panic"));
    assert_eq!(server.page("/live").unwrap().status, 200);

    // What is indexed is served, and ends before the block that could not be read.
    assert_eq!(server.status().unwrap()["height"], good);
    let history = client.call(
        "blockchain.scripthash.get_history",
        &json!([paid.script_hash()]),
    );
    assert_eq!(history[0]["height"], good);
    let header = client.try_call("blockchain.block.header", &json!([panic_at]));
    assert_eq!(header.unwrap_err()["code"], 1);
    server.stop();

    server.configure(&by_plugin(&node, &folder, "{}"));
    server.start();
    server.wait_ready();
    Oracle::wait_agree(&node, &mut server);
    server.stop();
    server.verify();
}

#[test]
fn keeps_what_was_read_before_a_panic_in_the_first_build() {
    let node = Bitcoind::start();
    let (chain, _coins) = Branch::funded(&node, 1);
    let folder = PluginFolder::with("electrode_reexport", "Bitcoin");
    let mut server = Electrode::configured(&by_plugin(&node, &folder, "{ panic_at = 90 }"));
    server.start();
    wait_hindered(&mut server, "the plugin failed");
    assert!(
        !server.serves_wallets(),
        "a part of the chain is not the chain"
    );
    assert_eq!(chain.height, 101);
    server.stop();
    // Blocks that were being read when the plugin broke down do not count either.
    let info = server.content_hash();
    let height = info.lines().find_map(|line| line.strip_prefix("height"));
    let height: u64 = height.unwrap().trim().parse().unwrap();
    assert!((50..90).contains(&height), "{info}");

    server.configure(&by_plugin(&node, &folder, "{}"));
    server.start();
    server.wait_ready();
    server.stop();
    server.verify();
}

#[test]
fn tells_of_a_call_that_does_not_return() {
    let node = Bitcoind::start();
    let mut chain = Branch::genesis();
    chain.mine(&node, []);
    let folder = PluginFolder::with("electrode_reexport", "Bitcoin");
    let holding = TempDir::new().unwrap();
    let file = holding.path().join("hold");
    fs::write(&file, "").unwrap();
    let options = format!("{{ hold_at = 3, hold_while = {file:?} }}");
    let mut server = serving(&by_plugin(&node, &folder, &options));
    let mut client = server.client();

    chain.mine(&node, []);
    chain.mine(&node, []);
    wait_hindered(&mut server, "parse_block of block 3");
    wait_until("the log tells of it", PATIENCE, || {
        server.logged().contains("does not return").then_some(())
    });
    assert_eq!(server.page("/live").unwrap().status, 200);
    let tip = client.call("blockchain.headers.subscribe", &json!([]));
    assert_eq!(tip["height"], 2);

    fs::remove_file(&file).unwrap();
    server.wait_ready();
    server.wait_caught_up(&node);
    assert!(server.logged().contains("returned after all"));
}
