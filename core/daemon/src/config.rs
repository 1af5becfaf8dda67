//! What can be set about the nodes.

use std::{path::PathBuf, time::Duration};

use crate::{BlockFilesConfig, DaemonUrl};

/// Where the nodes are and how they are talked to.
#[derive(Clone, Debug)]
pub struct DaemonConfig {
    /// Nodes, the preferred one first; the others are for when it fails. At least one.
    pub urls: Vec<DaemonUrl>,
    /// File in which a node leaves credentials at each start; for URLs that carry none.
    pub cookie_file: Option<PathBuf>,
    /// ZeroMQ publisher, `tcp://host:port`. `None`: the node is asked for what it publishes.
    pub zmq: Option<String>,
    /// Folder of a node's block files, the fastest source of old blocks; the node must not prune
    /// them. `None`: the node is asked for every block.
    pub block_files: Option<BlockFilesConfig>,
    /// Longest time a new block stays unnoticed when nothing announces it. 5 seconds;
    /// zero would ask without a pause.
    pub poll_blocks: Duration,
    /// Longest time a mempool change stays unnoticed when nothing announces it. 5 seconds;
    /// zero would report without a pause.
    pub poll_mempool: Duration,
    /// Longest time one request may take, body included. 60 seconds; more for slow links.
    pub request_timeout: Duration,
    /// Requests in flight at once, 8; fewer while the node turns some away.
    pub connections: usize,
    /// How long a request of a wallet is tried again while no node answers it, 5 seconds. In an
    /// outage that has lasted longer every node is asked once.
    pub client_patience: Duration,
    /// Largest answer that is accepted, 512 MiB. The outputs that one block spends may weigh
    /// hundreds of megabytes, so a lower limit could stop the sync at a block made for that.
    /// Answers that tell mere facts are accepted up to 1 MiB.
    pub max_response_bytes: usize,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            cookie_file: None,
            zmq: None,
            block_files: None,
            poll_blocks: Duration::from_secs(5),
            poll_mempool: Duration::from_secs(5),
            request_timeout: Duration::from_secs(60),
            connections: 8,
            client_patience: Duration::from_secs(5),
            max_response_bytes: 512 << 20,
        }
    }
}
