//! The client: every request goes through here, to the current node or the one after it.

mod blocks;
mod chain;
mod exchange;
mod fees;
mod mempool;
mod methods;
#[cfg(test)]
mod tests;
mod transactions;

pub use chain::{DaemonChain, DaemonTip};
pub use fees::{MempoolInfo, NetworkInfo};

use std::{
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

use crate::{
    BlockFiles, BlockFilesConfig, DaemonConfig, DaemonError, DaemonUrl,
    auth::Auth,
    endpoint::Endpoint,
    http::{Http, Response},
    nodes::{Node, Nodes},
    outage::Outage,
    queue::Queue,
};

/// Waits between tries: the first is doubled until the last; then the next node is tried.
const RETRY_DELAYS: RangeInclusive<Duration> = Duration::from_millis(250)..=Duration::from_secs(2);

/// Client of one or more full nodes. Clones share connections, limits and the current node.
#[derive(Clone, Debug)]
pub struct Daemon {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
}

#[derive(Debug)]
struct Shared {
    config: DaemonConfig,
    zmq: Option<Endpoint>,
    http: Http,
    auth: Auth,
    nodes: Nodes,
    outage: Outage,
    retry_delays: RangeInclusive<Duration>,
    /// `None` inside: there are none that can be used.
    block_files: OnceCell<Option<Arc<BlockFiles>>>,
}

impl Daemon {
    /// Makes a client; connects to nothing yet.
    ///
    /// # Errors
    /// There is no URL, or the ZeroMQ address is none.
    pub fn new(config: DaemonConfig) -> Result<Self, DaemonError> {
        Self::with_delays(config, RETRY_DELAYS)
    }

    pub(crate) fn with_delays(
        config: DaemonConfig,
        retry_delays: RangeInclusive<Duration>,
    ) -> Result<Self, DaemonError> {
        let zmq = config.zmq.as_deref().map(crate::changes::zmq_endpoint);
        Ok(Self {
            queue: Arc::new(Queue::new(config.connections)),
            shared: Arc::new(Shared {
                zmq: zmq.transpose()?,
                http: Http::new(&config),
                auth: Auth::new(&config),
                nodes: Nodes::new(config.urls.clone())?,
                outage: Outage::default(),
                retry_delays,
                block_files: OnceCell::new(),
                config,
            }),
        })
    }

    /// Gives the URL of the node that is asked first at present, without credentials.
    #[must_use]
    pub fn current_url(&self) -> String {
        self.node().url.to_string()
    }

    /// Asks other nodes from now on, the first of them first; requests in flight are not cut off.
    /// One that the configuration names may be named without its credentials.
    ///
    /// # Errors
    /// There is no URL, or one of another node that carries no credentials: those of the
    /// configuration, its cookie among them, go nowhere else.
    pub fn set_urls(&self, urls: Vec<DaemonUrl>) -> Result<(), DaemonError> {
        let known = |url: DaemonUrl| match url.credentials() {
            Some(_) => Ok(url),
            None => {
                let mut configured = self.configured_urls().iter();
                let same = configured.find(|configured| configured.endpoint() == url.endpoint());
                same.cloned().ok_or_else(|| DaemonError::NoCredentials {
                    url: url.to_string(),
                })
            }
        };
        let urls = urls.into_iter().map(known).collect::<Result<_, _>>()?;
        self.shared.nodes.replace(urls)
    }

    /// Asks the next node from now on, if there are several: the current one gave something wrong.
    pub fn ask_next_node(&self) {
        self.shared.nodes.pass(self.shared.nodes.current().0);
    }

    /// Tells whether a request has failed since then, so that time went by in waiting.
    #[must_use]
    pub fn has_failed_since(&self, then: Instant) -> bool {
        self.shared.outage.has_failed_since(then)
    }

    /// Gives the URLs that the configuration names.
    #[must_use]
    pub fn configured_urls(&self) -> &[DaemonUrl] {
        &self.shared.config.urls
    }

    /// Tells whether a node answered when one was last asked.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.shared.outage.lasts().is_none()
    }

    /// Gives the node's block files, once they are open.
    #[must_use]
    pub fn block_files(&self) -> Option<&Arc<BlockFiles>> {
        self.shared.block_files.get()?.as_ref()
    }

    /// Waits until the node's block files are open; `None` if there are none that can be used.
    pub(crate) async fn open_block_files(&self) -> Option<&Arc<BlockFiles>> {
        let config = self.shared.config.block_files.clone()?;
        let opened = self
            .shared
            .block_files
            .get_or_init(|| open_block_files(config));
        opened.await.as_ref()
    }

    /// Gives the node that is asked first at present.
    pub(crate) fn node(&self) -> Arc<Node> {
        self.shared.nodes.current().1
    }

    pub(crate) fn config(&self) -> &DaemonConfig {
        &self.shared.config
    }

    /// Gives the ZeroMQ publisher that the configuration names.
    pub(crate) fn zmq(&self) -> Option<&Endpoint> {
        self.shared.zmq.as_ref()
    }

    /// Gives a client with a queue of its own, for requests that the node keeps waiting: they
    /// must not take the places of others.
    pub(crate) fn with_own_queue(&self, places: usize) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            queue: Arc::new(Queue::new(places)),
        }
    }

    /// Gets an absolute path from the current node, which needs no credentials for that.
    pub(crate) async fn get(&self, path: &str) -> Result<Response, DaemonError> {
        let _place = self.queue.enter().await?;
        let max_len = self.config().max_response_bytes;
        self.shared.http.get(&self.node().url, path, max_len).await
    }
}

async fn open_block_files(config: BlockFilesConfig) -> Option<Arc<BlockFiles>> {
    let dir = config.dir.clone();
    let opened = tokio::task::spawn_blocking(move || BlockFiles::open(&config));
    match opened.await {
        Ok(Ok(files)) => {
            tracing::info!(
                dir = %dir.display(),
                blocks = files.block_count(),
                spent_outputs = files.has_undo(),
                "old blocks come from the node's files"
            );
            Some(Arc::new(files))
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "block files are not used, every block comes from the node");
            None
        }
        // The runtime stops.
        Err(_cancelled) => None,
    }
}
