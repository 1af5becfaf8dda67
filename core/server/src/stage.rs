//! How far the server is from serving.

use electrode_coin::Height;

/// What the server is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits for the node to answer.
    WaitingForDaemon,
    /// It builds the index.
    Indexing {
        /// Height of the index.
        height: Height,
        /// Height of the node.
        target: Height,
    },
    /// It reads the node's mempool for the first time.
    LoadingMempool,
    /// It answers.
    Serving,
    /// It cannot go on at this height; what it has is still served.
    Stuck {
        /// Height of the index.
        height: Height,
    },
}

impl Stage {
    /// Every name there is.
    pub(crate) const NAMES: [&'static str; 5] = [
        "waiting_for_daemon",
        "indexing",
        "loading_mempool",
        "serving",
        "stuck",
    ];

    /// Gives the name that metrics know it by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WaitingForDaemon => "waiting_for_daemon",
            Self::Indexing { .. } => "indexing",
            Self::LoadingMempool => "loading_mempool",
            Self::Serving => "serving",
            Self::Stuck { .. } => "stuck",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WaitingForDaemon => write!(f, "waiting for the node"),
            Self::Indexing { height, target } => write!(f, "indexing block {height} of {target}"),
            Self::LoadingMempool => write!(f, "loading the mempool"),
            Self::Serving => write!(f, "serving"),
            Self::Stuck { height } => write!(f, "stuck behind block {height}, see the log"),
        }
    }
}
