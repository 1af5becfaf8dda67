//! What strangers may send: nothing of it disturbs the server or another client.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod abuser;
mod balancer;
mod dribble;
mod endless;
mod floods;
mod frames;
mod half_closed;
mod lines;
mod polite;
mod rude;
mod waves;

use std::time::Duration;

use electrode_tests::{Bitcoind, Branch, Electrode, Settings};
use serde_json::json;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a server on a short chain; the node must outlive it.
fn serving(settings: impl FnOnce(Settings) -> Settings) -> (Bitcoind, Electrode) {
    let node = Bitcoind::start();
    let _chain = Branch::funded(&node, 1);
    let mut server = Electrode::configured(&settings(Settings::of(&node)));
    server.start();
    server.wait_ready();
    (node, server)
}

/// Gives the memory that the server has. Units: bytes.
fn memory(server: &Electrode) -> u64 {
    let info = server.operator().call("getinfo", &json!([]));
    info["rss"].as_u64().unwrap()
}

/// Checks that the server has not ended and that nothing in it has panicked.
fn assert_unharmed(server: &mut Electrode) {
    server.assert_running();
    let log = server.logged();
    assert!(!log.contains("panicked"), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}
