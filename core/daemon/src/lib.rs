//! The full node as Electrode sees it: JSON-RPC with failover over several nodes, blocks from its
//! files, by REST or JSON-RPC, and word of new blocks and mempool changes by ZeroMQ, long poll or polling.
//!
//! Async, on tokio. What a node sends is foreign: every answer is bounded in size and time, and a
//! bad one is a [`DaemonError`], never a panic. This crate does not read blocks or transactions:
//! it hands out their bytes.

mod auth;
mod block_files;
mod block_source;
mod changes;
mod config;
mod daemon;
mod endpoint;
mod error;
mod habits;
mod hex;
mod http;
mod nodes;
mod outage;
mod queue;
mod rpc;
#[cfg(test)]
mod testing;
mod url;

pub use block_files::{BlockFiles, BlockFilesConfig, BlockFilesError};
pub use block_source::{BlockSource, FetchedBlock};
pub use changes::{Change, ChangeSource, Changes};
pub use config::DaemonConfig;
pub use daemon::{Daemon, DaemonChain, DaemonTip, MempoolInfo, NetworkInfo};
pub use error::DaemonError;
pub use url::DaemonUrl;
