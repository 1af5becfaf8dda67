//! The client: every request goes through here, to the current node or the one after it.

mod chain;
mod fees;
#[cfg(test)]
mod tests;
mod transactions;

pub use chain::DaemonTip;
pub use fees::{MempoolInfo, NetworkInfo};

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore};

use crate::{
    BlockFiles, BlockFilesConfig, DaemonConfig, DaemonError, DaemonUrl,
    auth::Auth,
    endpoint::Endpoint,
    http::{Http, Response},
    nodes::{Nodes, Turn},
    outage::Outage,
    rpc,
};

/// Waits between tries: the first is doubled until the last; then the next node is tried.
const RETRY_DELAYS: RangeInclusive<Duration> = Duration::from_millis(250)..=Duration::from_secs(4);

/// Bytes of an answer from which on reading it is not for a network thread.
const MAX_INLINE_BYTES: usize = 64 << 10;

/// Bytes of a foreign answer that an error may quote.
const MAX_QUOTE_BYTES: usize = 200;

/// Client of one or more full nodes. Clones share connections, limits and the current node.
#[derive(Clone, Debug)]
pub struct Daemon {
    shared: Arc<Shared>,
    queue: Arc<Semaphore>,
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
    has_txindex: OnceCell<bool>,
}

/// What happens when a node does not answer.
#[derive(Clone, Copy, Debug)]
enum Patience {
    /// It is asked again, and in the end another one, until one answers.
    Endless,
    /// Every node is asked once.
    OneRound,
}

/// Reads an answer.
trait Read<T>: Fn(&[u8]) -> Result<T, DaemonError> + Clone + Send + 'static {}

impl<T, F: Fn(&[u8]) -> Result<T, DaemonError> + Clone + Send + 'static> Read<T> for F {}

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
            queue: Arc::new(Semaphore::new(
                config.connections.clamp(1, Semaphore::MAX_PERMITS),
            )),
            shared: Arc::new(Shared {
                zmq: zmq.transpose()?,
                http: Http::new(&config),
                auth: Auth::new(config.cookie_file.clone()),
                nodes: Nodes::new(config.urls.clone())?,
                outage: Outage::default(),
                retry_delays,
                block_files: OnceCell::new(),
                has_txindex: OnceCell::new(),
                config,
            }),
        })
    }

    /// Calls a method and waits until some node answers, for ever: who calls can drop the future.
    ///
    /// # Errors
    /// The node answered with an error, or with something else than `T`; or no node accepts us.
    pub async fn call<T>(&self, method: &str, params: Value) -> Result<T, DaemonError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.request(Patience::Endless, method, &params).await
    }

    /// Calls a method and gives up when every node was asked once: for requests of wallets.
    ///
    /// # Errors
    /// As [`Self::call`], and when no node can be reached.
    pub async fn call_once<T>(&self, method: &str, params: Value) -> Result<T, DaemonError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.request(Patience::OneRound, method, &params).await
    }

    /// Gives the URL of the node that is asked first at present, without credentials.
    #[must_use]
    pub fn current_url(&self) -> String {
        self.node().to_string()
    }

    /// Asks other nodes from now on, the first of them first; requests in flight are not cut off.
    ///
    /// # Errors
    /// There is no URL.
    pub fn set_urls(&self, urls: Vec<DaemonUrl>) -> Result<(), DaemonError> {
        self.shared.nodes.replace(urls)
    }

    /// Gives the URLs that the configuration names.
    #[must_use]
    pub fn configured_urls(&self) -> &[DaemonUrl] {
        &self.shared.config.urls
    }

    /// Tells whether a node answered when one was last asked.
    #[must_use]
    pub fn answers(&self) -> bool {
        !self.shared.outage.is_on()
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

    pub(crate) fn node(&self) -> Arc<DaemonUrl> {
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
            queue: Arc::new(Semaphore::new(places)),
        }
    }

    /// Gets an absolute path from the current node, which needs no credentials for that.
    pub(crate) async fn get(&self, path: &str) -> Result<Response, DaemonError> {
        let _place = self
            .queue
            .acquire()
            .await
            .map_err(|_closed| DaemonError::Stopped)?;
        self.shared.http.get(&self.node(), path).await
    }

    async fn request<T>(
        &self,
        patience: Patience,
        method: &str,
        params: &Value,
    ) -> Result<T, DaemonError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let body = rpc::request(method, params);
        let method = method.to_owned();
        self.exchange(patience, body, move |answer| rpc::result(&method, answer))
            .await
    }

    /// Calls a method once for each of `params`, in one batch, and gives the results in order.
    async fn batch<T>(
        &self,
        method: &'static str,
        params: &[Value],
    ) -> Result<Vec<Result<T, rpc::Failure>>, DaemonError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let body = rpc::batch(method, params);
        let count = params.len();
        let read = move |answer: &[u8]| rpc::results(method, answer, count);
        self.exchange(Patience::Endless, body, read).await
    }

    async fn exchange<T: Send + 'static>(
        &self,
        patience: Patience,
        body: Bytes,
        read: impl Read<T>,
    ) -> Result<T, DaemonError> {
        match patience {
            Patience::Endless => self.persist(body, read).await,
            Patience::OneRound => self.go_round(body, read).await,
        }
    }

    async fn persist<T: Send + 'static>(
        &self,
        body: Bytes,
        read: impl Read<T>,
    ) -> Result<T, DaemonError> {
        let nodes = &self.shared.nodes;
        let mut delay = *self.shared.retry_delays.start();
        let mut refusals = 0;
        loop {
            let (turn, url) = nodes.current();
            match self.attempt(&url, body.clone(), read.clone()).await {
                Err(error) if error.is_retryable() => {
                    refusals = 0;
                    tokio::time::sleep(delay).await;
                    delay = self.longer(delay, turn);
                }
                Err(error) if error.is_of_the_node() && refusals + 1 < nodes.count() => {
                    refusals += 1;
                    nodes.pass(turn);
                }
                result => return result,
            }
        }
    }

    /// Gives the wait after this one, and passes on to the next node after the longest.
    fn longer(&self, delay: Duration, turn: Turn) -> Duration {
        let delays = &self.shared.retry_delays;
        let longer = delay * 2;
        if delays.contains(&longer) {
            return longer;
        }
        self.shared.nodes.pass(turn);
        *delays.start()
    }

    async fn go_round<T: Send + 'static>(
        &self,
        body: Bytes,
        read: impl Read<T>,
    ) -> Result<T, DaemonError> {
        let nodes = &self.shared.nodes;
        let mut others = nodes.count() - 1;
        loop {
            let (turn, url) = nodes.current();
            match self.attempt(&url, body.clone(), read.clone()).await {
                Err(error) if error.is_of_the_node() && others > 0 => {
                    others -= 1;
                    nodes.pass(turn);
                }
                result => return result,
            }
        }
    }

    async fn attempt<T: Send + 'static>(
        &self,
        url: &DaemonUrl,
        body: Bytes,
        read: impl Read<T>,
    ) -> Result<T, DaemonError> {
        let result = match self.post(url, body).await {
            Ok(answer) if answer.len() <= MAX_INLINE_BYTES => read(&answer),
            Ok(answer) => tokio::task::spawn_blocking(move || read(&answer))
                .await
                .map_err(|_runtime_stops| DaemonError::Stopped)?,
            Err(error) => Err(error),
        };
        match &result {
            Err(error) if error.is_of_the_node() => self.shared.outage.failed(error),
            _ => self.shared.outage.over(url),
        }
        result
    }

    async fn post(&self, url: &DaemonUrl, body: Bytes) -> Result<Bytes, DaemonError> {
        let Shared { http, auth, .. } = self.shared.as_ref();
        let _place = self
            .queue
            .acquire()
            .await
            .map_err(|_closed| DaemonError::Stopped)?;
        let header = auth.header(url).await?;
        let mut response = http.post(url, header.clone(), body.clone()).await?;
        if response.status == StatusCode::UNAUTHORIZED
            && let Some(renewed) = auth.renewed(url, header.as_ref()).await?
        {
            response = http.post(url, Some(renewed), body).await?;
        }
        self.accept(url, response)
    }

    /// Lets pass what may be JSON-RPC, whatever its status: nodes put 500 and 404 on errors.
    fn accept(
        &self,
        url: &DaemonUrl,
        Response { status, body }: Response,
    ) -> Result<Bytes, DaemonError> {
        let hint = match status {
            StatusCode::UNAUTHORIZED => self.shared.auth.hint(url),
            StatusCode::FORBIDDEN => {
                "allow this address with rpcallowip in its configuration".to_owned()
            }
            _ if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) => return Ok(body),
            status if status.is_server_error() => {
                return Err(DaemonError::Unreachable {
                    url: url.to_string(),
                    reason: format!("HTTP status {status}: {}", quote(&body)),
                });
            }
            _ => format!(
                "it is not JSON, is this the RPC port of a node? it said: {}",
                quote(&body)
            ),
        };
        Err(DaemonError::Refused {
            url: url.to_string(),
            status: status.as_u16(),
            hint,
        })
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

fn quote(body: &[u8]) -> String {
    let start = body.get(..MAX_QUOTE_BYTES).unwrap_or(body);
    String::from_utf8_lossy(start).escape_debug().to_string()
}
