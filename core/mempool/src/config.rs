//! The bound on what the mempool remembers.

use serde::{Deserialize, Serialize};

/// What an operator can set about the mempool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MempoolConfig {
    /// How many transactions are remembered at most, whether held, waiting for what they spend,
    /// or refused; what the node lists beyond that is not asked for until there is room.
    ///
    /// Default: 1,000,000, which takes about 1 GB and is several times what a node with its own
    /// default `maxmempool` of 300 MB holds. Raise it together with `maxmempool`.
    pub max_txs: usize,
}

impl Default for MempoolConfig {
    fn default() -> Self {
        Self { max_txs: 1_000_000 }
    }
}
