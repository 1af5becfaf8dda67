//! The summary that `getinfo` gives.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A summary of the server.
///
/// Shape: ElectrumX's names, spaces included, and some of our own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Name and version of the server.
    pub version: String,
    /// The coin.
    pub coin: String,
    /// The net.
    pub net: String,
    /// What the server is busy with.
    pub stage: String,
    /// URL of the node in use, without credentials.
    pub daemon: String,
    /// Whether the node answered when it was last asked.
    #[serde(rename = "daemon answers")]
    pub daemon_answers: bool,
    /// Height of the node, as far as it is known.
    #[serde(rename = "daemon height")]
    pub daemon_height: Option<u32>,
    /// Height of the index.
    #[serde(rename = "db height")]
    pub db_height: Option<u32>,
    /// Hash of the last block of the index.
    pub tip: Option<String>,
    /// Transactions in the index.
    #[serde(rename = "tx count")]
    pub tx_count: u64,
    /// Transactions in the mempool.
    #[serde(rename = "mempool txs")]
    pub mempool_txs: u64,
    /// Groups of sessions.
    pub groups: u64,
    /// What the caches hold and how they do, by name.
    pub caches: BTreeMap<String, CacheInfo>,
    /// Other servers that are known.
    pub peers: u64,
    /// Process id.
    pub pid: u32,
    /// Memory the process holds. Units: bytes.
    pub rss: u64,
    /// Requests by method.
    #[serde(rename = "request counts")]
    pub request_counts: BTreeMap<String, u64>,
    /// Requests altogether.
    #[serde(rename = "request total")]
    pub request_total: u64,
    /// The sessions.
    pub sessions: SessionsInfo,
    /// Transactions that wallets gave to the node.
    #[serde(rename = "txs sent")]
    pub txs_sent: u64,
    /// Time since the start, as `01d 02h 03m`.
    pub uptime: String,
}

/// What `getinfo` tells of the sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsInfo {
    /// How many are open.
    pub count: u64,
    /// How many of those are subscribed to scripts.
    #[serde(rename = "count with subs")]
    pub count_with_subs: u64,
    /// Requests that were answered with an error, in all.
    pub errors: u64,
    /// How many have their requests logged.
    pub logged: u64,
    /// Requests that are worked on.
    #[serde(rename = "pending requests")]
    pub pending_requests: u64,
    /// Subscriptions to scripts.
    pub subs: u64,
}

/// What a cache holds and how it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheInfo {
    /// Entries.
    pub entries: u64,
    /// What they take. Units: bytes.
    pub bytes: u64,
    /// Times that it was asked.
    pub lookups: u64,
    /// Times that it knew the answer.
    pub hits: u64,
}

/// Writes a time as ElectrumX does: `01d 02h 03m`, with seconds below an hour.
#[must_use]
pub fn formatted_time(secs: u64, separator: &str) -> String {
    let (days, hours, minutes) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
    let mut parts = Vec::new();
    if days > 0 {
        parts.push(format!("{days}d"));
    }
    if !parts.is_empty() || hours > 0 {
        parts.push(format!("{hours:02}h"));
    }
    if !parts.is_empty() || minutes > 0 {
        parts.push(format!("{minutes:02}m"));
    }
    if parts.len() < 3 {
        parts.push(format!("{:02}s", secs % 60));
    }
    parts.join(separator)
}
