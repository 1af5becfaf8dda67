//! What sessions may cost.

use std::time::Duration;

/// Bounds on sessions, one by one and all together.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Sessions open at once; further connections wait until there are 95 % of it.
    pub max_sessions: usize,
    /// Longest request line. Units: bytes.
    pub max_recv: usize,
    /// Longest answer. Units: bytes.
    pub max_send: usize,
    /// Most requests in one batch.
    pub max_batch: usize,
    /// Requests of one session that are worked on at once, apart from those answered at once.
    pub concurrent_requests: usize,
    /// Longest time one request may take.
    pub request_timeout: Duration,
    /// Longest time a new connection may take until it is a session: PROXY header, TLS and
    /// `WebSocket` handshake together.
    pub handshake_timeout: Duration,
    /// Longest time a session may be silent.
    pub session_timeout: Duration,
    /// Scripts that one session may subscribe to.
    pub max_subscriptions: usize,
    /// Scripts that all sessions together may subscribe to.
    pub max_subscriptions_total: usize,
    /// Notifications that wait for one session; one that falls further behind is closed.
    pub max_queued_notices: usize,
    /// Long scans of the index at once; further ones wait.
    pub concurrent_scans: usize,
    /// Memory of the caches for statuses, histories, unspent outputs, block trees and places of
    /// transactions together.
    /// Units: bytes.
    pub cache_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_sessions: 1000,
            max_recv: 1_000_000,
            max_send: 8_100_000,
            max_batch: 1000,
            concurrent_requests: 10,
            request_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            session_timeout: Duration::from_secs(600),
            max_subscriptions: 50_000,
            max_subscriptions_total: 1_000_000,
            max_queued_notices: 4096,
            concurrent_scans: 4,
            cache_bytes: 100 << 20,
        }
    }
}

impl Limits {
    /// Bytes that an entry of a history takes in an answer, as ElectrumX counts them.
    const HISTORY_ENTRY_LEN: usize = 99;

    /// Gives the most entries that a history may have to fit an answer.
    #[must_use]
    pub fn max_history(&self) -> usize {
        self.max_send / Self::HISTORY_ENTRY_LEN
    }
}
