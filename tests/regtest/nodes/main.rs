//! Nodes as they are: downloading, restarting, pruned, behind, busy, wrong. Wallets are told the
//! whole chain or nothing, and whoever asks is told why.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic is how a test fails"
)]

mod ages;
mod damage;
mod stages;
mod work;

use std::time::Duration;

use electrode_tests::{Bitcoind, Electrode, Middleman, Oracle, Settings, wait_until};
use serde_json::{Value, json};

/// How long the server may take to find something out.
const PATIENCE: Duration = Duration::from_secs(30);

/// Follows a node through somebody who answers in its place.
fn through(middleman: &Middleman) -> Settings {
    Settings::regtest()
        .daemon("urls", &[middleman.url()])
        .set("serve.ready_lag", "\"1s\"")
}

/// Starts a server that is not expected to be ready.
fn started(settings: &Settings) -> Electrode {
    let mut server = Electrode::configured(settings);
    server.start();
    server
}

/// Waits until the server says that it is not ready, and that `words` are why; gives all it says.
fn wait_hindrance(server: &mut Electrode, words: &str) -> String {
    wait_until(&format!("/ready says {words:?}"), PATIENCE, || {
        server.assert_running();
        let page = server.page("/ready")?;
        (page.status == 503 && page.body.contains(words)).then_some(page.body)
    })
}

/// Checks that wallets get nothing, then that they get the right answers once nothing is in the
/// way.
fn closed_until(server: &mut Electrode, words: &str, node: &Bitcoind, mend: impl FnOnce()) {
    wait_hindrance(server, words);
    assert!(!server.serves_wallets(), "{words}");
    mend();
    server.wait_ready();
    assert!(server.serves_wallets());
    Oracle::wait_agree(node, server);
}

fn height_of(server: &Electrode) -> Value {
    server
        .status()
        .map_or(Value::Null, |status| status["height"].clone())
}

fn invalidate(node: &Bitcoind, height: u64) -> Value {
    let hash = node.rpc("getblockhash", &json!([height]));
    node.rpc("invalidateblock", &json!([hash]));
    hash
}
