//! What sessions may cost.

use std::time::Duration;

use crate::{ClientRules, CostModel, Grouping};

/// Bounds on sessions, one by one and all together.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Sessions open at once; further connections wait until there are 95 % of it.
    pub max_sessions: usize,
    /// Sessions open at once from one address, or one /64 of IPv6; `None`: any number. Private
    /// addresses may stand for many people and have no bound.
    pub max_sessions_per_ip: Option<usize>,
    /// What sessions cost, and how much is too much.
    pub costs: CostModel,
    /// Which sessions share what they cost, and which are exempt.
    pub grouping: Grouping,
    /// How long an address is banned whose session cost too much; `None`: not at all.
    pub ban_excessive: Option<Duration>,
    /// Which clients are not served.
    pub clients: ClientRules,
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
    /// Longest time a session may be silent: from the end of one line to the end of the next.
    pub session_timeout: Duration,
    /// Longest time a client may take to accept some of what waits for it.
    pub send_timeout: Duration,
    /// Scripts that one session may subscribe to.
    pub max_subscriptions: usize,
    /// Scripts that all sessions together may subscribe to.
    pub max_subscriptions_total: usize,
    /// Notifications that wait for one session; one that falls further behind is closed.
    pub max_queued_notices: usize,
    /// Long scans of the index at once; further ones wait.
    pub concurrent_scans: usize,
    /// Long scans of one session at once.
    pub concurrent_scans_per_session: usize,
    /// Memory of the caches for statuses, histories, unspent outputs, block trees and places of
    /// transactions together.
    /// Units: bytes.
    pub cache_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_sessions: 1000,
            max_sessions_per_ip: Some(12),
            costs: CostModel::default(),
            grouping: Grouping::default(),
            ban_excessive: None,
            clients: ClientRules::default(),
            max_recv: 1_000_000,
            max_send: 8_100_000,
            max_batch: 1000,
            concurrent_requests: 10,
            request_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            session_timeout: Duration::from_secs(600),
            send_timeout: Duration::from_secs(20),
            max_subscriptions: 50_000,
            max_subscriptions_total: 1_000_000,
            max_queued_notices: 4096,
            concurrent_scans: 4,
            concurrent_scans_per_session: 1,
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
