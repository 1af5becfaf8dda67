//! The server side: listeners, sessions, subscriptions, and the status page.
//!
//! Every request is answered from one immutable [`Snapshot`], a view of the index and a view of
//! the mempool that belong together. Whoever follows the chain publishes the next one with
//! [`Service::publish`]; the scripts it touched and somebody subscribed to are told. How requests
//! and answers look, only `electrode-protocol` knows.

mod admin;
mod answers;
mod bans;
mod caches;
mod chunk;
mod client_rules;
mod config;
mod connection;
mod costs;
mod door;
mod endurance;
mod farewell;
mod fees;
mod few;
mod flights;
mod history;
mod hits;
mod http;
mod limits;
mod listener;
mod log_rules;
mod meter;
mod metrics;
mod network;
mod notice;
mod notifier;
mod numbers;
mod orders;
mod private_file;
mod process;
mod proofs;
mod raw_transactions;
mod registry;
mod script_cache;
mod service;
mod session;
mod session_info;
mod snapshot;
mod sparingly;
mod stage;
mod status_cache;
mod subscriptions;
mod tally;
mod texts;
mod tls;
mod token_file;
mod tongue;
mod transaction_cache;
mod transport;

pub use admin::serve_admin;
pub use bans::{Ban, BanError, Bans};
pub use client_rules::{ClientRules, NamePattern};
pub use config::ServerConfig;
pub use connection::Connection;
pub use costs::{CostModel, Extra, Grouping, Item, Prices};
pub use http::{HttpHost, serve_http};
pub use limits::Limits;
pub use listener::{Entrance, serve_clients};
pub use log_rules::LogRules;
pub use network::parse_network;
pub use orders::Reloaded;
pub use service::Service;
pub use snapshot::Snapshot;
pub use stage::Stage;
pub use texts::Texts;
pub use tls::{Tls, TlsError, TlsFiles};
pub use token_file::{TokenFile, TokenFileError};
pub use transport::Transport;
