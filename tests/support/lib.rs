//! What the tests that cross crates share: real daemons, the server under test, two kinds of
//! client, chains made to order, and an oracle that knows every answer.
//!
//! Nothing here depends on a crate of the server: the tests see it as a wallet does, over the wire.
//! Everything panics instead of returning errors, with a text that says what was waited for.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "test support: a panic is how a test fails"
)]

mod bitcoind;
mod branch;
mod dice;
mod electrode;
mod http;
mod keyed;
mod line_client;
mod litecoind;
mod merkle;
mod middleman;
mod oracle;
mod plugins;
mod ports;
mod process;
mod spendable;
mod wait;
mod wallet;
mod watcher;
mod wire;

pub use bitcoind::Bitcoind;
pub use branch::Branch;
pub use dice::Dice;
pub use electrode::{Electrode, Settings};
pub use http::Response;
pub use keyed::Keyed;
pub use line_client::{Answer, LineClient};
pub use litecoind::Litecoind;
pub use merkle::{branch_root, merkle_branch, merkle_root, parse_hash, show_hash};
pub use middleman::{Middleman, Reply};
pub use oracle::{KnownBlock, Oracle, sats, script_hash};
pub use plugins::PluginFolder;
pub use process::{electrode as electrode_program, interrupt, terminate};
pub use spendable::{Lock, Spendable, pay};
pub use wait::{wait_for, wait_until};
pub use wallet::Electrum;
pub use watcher::Watcher;
pub use wire::{Stream, TlsStream, Wire, certificate, tcp_to, tls_over};
