//! Calling methods of the node, one or many at a time.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Daemon, exchange::Patience};
use crate::{
    DaemonError,
    error::{RPC_INVALID_REQUEST, RPC_PARSE_ERROR},
    http::Ask,
    rpc,
};

/// Longest answer to a method that tells facts. Units: bytes.
const SMALL_ANSWER: usize = 1 << 20;

/// Bytes that each further answer of a batch may add.
const EACH_ANSWER: usize = 1 << 10;

/// Methods whose answers are as large as the chain and the mempool make them.
const LARGE: [&str; 6] = [
    "getblock",
    "getchaintips",
    "getrawmempool",
    "getrawtransaction",
    "decoderawtransaction",
    "submitpackage",
];

impl Daemon {
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

    /// Calls a method for somebody who waits: nodes that do not answer are tried again for
    /// [`client_patience`](crate::DaemonConfig::client_patience).
    ///
    /// # Errors
    /// As [`Self::call`], and when no node can be reached.
    pub async fn call_once<T>(&self, method: &str, params: Value) -> Result<T, DaemonError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.request(Patience::Brief, method, &params).await
    }

    /// Calls a method that changes something: as [`Self::call_once`], but never tried again once
    /// a node may have carried it out.
    pub(super) async fn command<T>(&self, method: &str, params: Value) -> Result<T, DaemonError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.request(Patience::BriefOnce, method, &params).await
    }

    pub(super) async fn request<T>(
        &self,
        patience: Patience,
        method: &str,
        params: &Value,
    ) -> Result<T, DaemonError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let ask = Ask {
            body: rpc::request(method, params),
            max_answer: self.max_answer(method, 1),
        };
        let method = method.to_owned();
        self.exchange(patience, ask, move |answer| rpc::result(&method, answer))
            .await
    }

    /// Calls a method once for each of `params` and gives the results in order: in one batch,
    /// where the node takes batches.
    pub(super) async fn batch<T>(
        &self,
        method: &'static str,
        params: &[Value],
    ) -> Result<Vec<Result<T, rpc::Failure>>, DaemonError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let node = self.node();
        if !node.habits.refuses_batches.is_seen() {
            match self.whole_batch(method, params).await {
                Err(error) if is_about_batches(&error) => {
                    tracing::info!(%error, "the node takes no batches: it is asked one by one");
                    node.habits.refuses_batches.note(true);
                }
                // Half of it may be short enough.
                Err(DaemonError::TooLarge { .. }) if params.len() > 1 => {
                    let (first, second) = params.split_at(params.len() / 2);
                    let mut results = Box::pin(self.batch(method, first)).await?;
                    results.extend(Box::pin(self.batch(method, second)).await?);
                    return Ok(results);
                }
                answered => return answered,
            }
        }
        let mut results = Vec::with_capacity(params.len());
        for params in params {
            results.push(match self.call(method, params.clone()).await {
                Ok(result) => Ok(result),
                Err(DaemonError::Rpc { code, message }) => Err(rpc::Failure::new(code, message)),
                Err(error) => return Err(error),
            });
        }
        Ok(results)
    }

    async fn whole_batch<T>(
        &self,
        method: &'static str,
        params: &[Value],
    ) -> Result<Vec<Result<T, rpc::Failure>>, DaemonError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let count = params.len();
        let ask = Ask {
            body: rpc::batch(method, params),
            max_answer: self.max_answer(method, count),
        };
        let read = move |answer: &[u8]| rpc::results(method, answer, count);
        self.exchange(Patience::Endless, ask, read).await
    }

    /// Gives the longest answer to `count` calls of a method that is accepted.
    fn max_answer(&self, method: &str, count: usize) -> usize {
        let most = self.config().max_response_bytes;
        if LARGE.contains(&method) {
            return most;
        }
        SMALL_ANSWER
            .saturating_add(count.saturating_mul(EACH_ANSWER))
            .min(most)
    }
}

/// Tells whether a node most likely dislikes batches as such: it has one error for all, that what
/// it got is no request.
fn is_about_batches(error: &DaemonError) -> bool {
    error.has_code(RPC_INVALID_REQUEST) || error.has_code(RPC_PARSE_ERROR)
}
