//! How a request finds its answer: which node is asked, how often, and what counts as one.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::StatusCode;

use super::Daemon;
use crate::{
    DaemonError, DaemonUrl,
    http::{Ask, Response},
    nodes::Turn,
};

/// Bytes of an answer from which on reading it is not for a network thread.
const MAX_INLINE_BYTES: usize = 64 << 10;

/// Bytes of a foreign answer that an error may quote.
const MAX_QUOTE_BYTES: usize = 200;

/// First wait between two tries of a request for which somebody waits; it doubles.
const BRIEF_DELAY: Duration = Duration::from_millis(50);

/// What happens when a node does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It is asked again, and in the end another one, until one answers.
    Endless,
    /// Every node is asked, and again for a moment: a wallet waits.
    Brief,
    /// As [`Self::Brief`], as long as no node can have carried out what it is asked to do.
    BriefOnce,
}

/// Reads an answer.
pub(super) trait Read<T>:
    Fn(&[u8]) -> Result<T, DaemonError> + Clone + Send + 'static
{
}

impl<T, F: Fn(&[u8]) -> Result<T, DaemonError> + Clone + Send + 'static> Read<T> for F {}

impl Daemon {
    pub(super) async fn exchange<T: Send + 'static>(
        &self,
        patience: Patience,
        ask: Ask,
        read: impl Read<T>,
    ) -> Result<T, DaemonError> {
        match patience {
            Patience::Endless => self.persist(ask, read).await,
            Patience::Brief | Patience::BriefOnce => self.try_briefly(patience, ask, read).await,
        }
    }

    async fn persist<T: Send + 'static>(
        &self,
        ask: Ask,
        read: impl Read<T>,
    ) -> Result<T, DaemonError> {
        let nodes = &self.shared.nodes;
        let mut delay = *self.shared.retry_delays.start();
        let mut refusals = 0;
        loop {
            let (turn, node) = nodes.current();
            match self.attempt(&node.url, &ask, read.clone()).await {
                // Fewer requests at once are what a busy node needs, not another node.
                Err(DaemonError::Busy { .. }) => {
                    tokio::time::sleep(*self.shared.retry_delays.start()).await;
                }
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

    /// Asks every node once, then the current one again as long as that may help.
    async fn try_briefly<T: Send + 'static>(
        &self,
        patience: Patience,
        ask: Ask,
        read: impl Read<T>,
    ) -> Result<T, DaemonError> {
        let nodes = &self.shared.nodes;
        let deadline = Instant::now() + self.brief_patience();
        let mut others = nodes.count() - 1;
        let mut delay = BRIEF_DELAY;
        loop {
            let (turn, node) = nodes.current();
            let error = match self.attempt(&node.url, &ask, read.clone()).await {
                Err(error) if error.is_of_the_node() => error,
                result => return result,
            };
            if patience == Patience::BriefOnce && error.may_have_arrived() {
                return Err(error);
            }
            let is_busy = matches!(error, DaemonError::Busy { .. });
            if others > 0 && !is_busy {
                others -= 1;
                nodes.pass(turn);
                continue;
            }
            if !error.is_retryable() || Instant::now() + delay > deadline {
                return Err(error);
            }
            tokio::time::sleep(delay).await;
            delay *= 2;
        }
    }

    /// Gives how long a request of a wallet is tried: not at all in an outage that has lasted
    /// longer than that, so that wallets need not wait for each answer that will not come.
    fn brief_patience(&self) -> Duration {
        let patience = self.shared.config.client_patience;
        match self.shared.outage.lasts() {
            Some(lasts) if lasts > patience => Duration::ZERO,
            _ => patience,
        }
    }

    async fn attempt<T: Send + 'static>(
        &self,
        url: &DaemonUrl,
        ask: &Ask,
        read: impl Read<T>,
    ) -> Result<T, DaemonError> {
        let result = match self.post(url, ask).await {
            Ok(answer) if answer.len() <= MAX_INLINE_BYTES => read(&answer),
            Ok(answer) => tokio::task::spawn_blocking(move || read(&answer))
                .await
                .map_err(|_runtime_stops| DaemonError::Stopped)?,
            Err(error) => Err(error),
        };
        match &result {
            Err(DaemonError::Busy { .. }) => self.queue.was_too_long(),
            Err(error) if error.is_of_the_node() => {}
            _ => self.queue.was_served(),
        }
        match &result {
            Err(error) if error.is_of_the_node() => self.shared.outage.failed(error),
            _ => self.shared.outage.over(url),
        }
        result
    }

    async fn post(&self, url: &DaemonUrl, ask: &Ask) -> Result<Bytes, DaemonError> {
        let (http, auth) = (&self.shared.http, &self.shared.auth);
        let _place = self.queue.enter().await?;
        let header = auth.header(url).await?;
        let mut response = http.post(url, header.clone(), ask).await?;
        if response.status == StatusCode::UNAUTHORIZED
            && let Some(renewed) = auth.renewed(url, header.as_ref()).await?
        {
            response = http.post(url, Some(renewed), ask).await?;
        }
        self.accept(url, response)
    }

    /// Lets pass what may be JSON-RPC, whatever its status: nodes put 500 and 404 on errors.
    fn accept(
        &self,
        url: &DaemonUrl,
        Response { status, body }: Response,
    ) -> Result<Bytes, DaemonError> {
        let said = || format!("HTTP status {status}: {}", quote(&body));
        let hint = match status {
            StatusCode::UNAUTHORIZED => self.shared.auth.hint(url),
            StatusCode::FORBIDDEN => {
                "allow this address with rpcallowip in its configuration".to_owned()
            }
            _ if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) => return Ok(body),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                return Err(DaemonError::Busy {
                    url: url.to_string(),
                    reason: said(),
                });
            }
            // Bitcoin Core before 0.19 turned requests away with 500.
            status if status.is_server_error() && body.starts_with(b"Work queue depth") => {
                return Err(DaemonError::Busy {
                    url: url.to_string(),
                    reason: said(),
                });
            }
            status if status.is_server_error() => {
                return Err(DaemonError::Unreachable {
                    url: url.to_string(),
                    reason: said(),
                    may_have_arrived: true,
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

fn quote(body: &[u8]) -> String {
    let start = body.get(..MAX_QUOTE_BYTES).unwrap_or(body);
    String::from_utf8_lossy(start).escape_debug().to_string()
}
