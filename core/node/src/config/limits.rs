//! `[limits]`: what one wallet, and all of them, may cost.

use std::time::Duration;

use electrode_server::{ClientRules, Item};
use ipnet::IpNet;

use super::{
    Size,
    read::Reader,
    value::{Bits, OrNone},
};

/// ElectrumX's floor of the response size: below it whole histories of busy wallets fail.
const MIN_MAX_SEND: Size = Size(350_000);

/// `[limits]`: what one wallet, and all of them, may cost.
#[derive(Clone, Debug)]
pub(crate) struct LimitsSection {
    /// How many sessions are open at once. Default 1000.
    pub(crate) max_sessions: usize,
    /// How many sessions one address, or one /64 of IPv6, has at once; 0: any number. Default 12.
    pub(crate) max_sessions_per_ip: OrNone<usize>,
    /// The cost above which a session is slowed down. Default 1000.
    pub(crate) cost_soft_limit: OrNone<u32>,
    /// The cost at which a session ends; 0: never. Default 10,000.
    pub(crate) cost_hard_limit: OrNone<u32>,
    /// How many bytes cost 1; 0: none does. Default 5000.
    pub(crate) bandwidth_unit_cost: OrNone<u32>,
    /// How long a request waits just below the hard limit. Default 2.5 s.
    pub(crate) request_sleep: OrNone<Duration>,
    /// Numbers of the cost model that differ from ElectrumX's.
    pub(crate) costs: Vec<(Item, f64)>,
    /// How many leading bits of an IPv4 address name its group. Default 24.
    pub(crate) group_ipv4_bits: Bits<32>,
    /// How many leading bits of an IPv6 address name its group. Default 48.
    pub(crate) group_ipv6_bits: Bits<128>,
    /// Networks whose sessions may cost anything, and be as many as they like.
    pub(crate) exempt: Vec<IpNet>,
    /// How long an address is banned whose session cost too much; unset: not at all.
    pub(crate) ban_excessive: Option<Duration>,
    /// Which clients are not served.
    pub(crate) clients: ClientRules,
    /// The longest request line. Default 1,000,000 bytes.
    pub(crate) max_recv: Size,
    /// The longest answer. Default 8,100,000 bytes, at least 350,000.
    pub(crate) max_send: Size,
    /// How many requests one batch may hold. Default 1000.
    pub(crate) max_batch: usize,
    /// How many requests of one session are worked on at once. Default 10.
    pub(crate) initial_concurrent: usize,
    /// How long one request may take. Default 30 s.
    pub(crate) request_timeout: Duration,
    /// How long PROXY header, TLS and `WebSocket` handshake may take together. Default 10 s.
    pub(crate) handshake_timeout: Duration,
    /// How long a session may be silent. Default 600 s.
    pub(crate) session_timeout: Duration,
    pub(crate) send_timeout: Duration,
    /// How many scripts one session may subscribe to. Default 50,000.
    pub(crate) max_subscriptions: usize,
    /// How many scripts all sessions together may subscribe to. Default 1,000,000.
    pub(crate) max_subscriptions_total: usize,
    /// How many notifications wait for one session before it is closed. Default 4096.
    pub(crate) max_queued_notices: usize,
    /// How many long scans of the index run at once. Default 4.
    pub(crate) concurrent_scans: usize,
    /// How many of them one session may have. Default 1.
    pub(crate) concurrent_scans_per_session: usize,
    /// What remembered answers may take. Default 100 MiB.
    pub(crate) answer_cache: Size,
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader<'_>) -> LimitsSection {
    let section = LimitsSection {
        max_sessions: reader.required("limits.max_sessions"),
        max_sessions_per_ip: reader.required("limits.max_sessions_per_ip"),
        cost_soft_limit: reader.required("limits.cost_soft_limit"),
        cost_hard_limit: reader.required("limits.cost_hard_limit"),
        bandwidth_unit_cost: reader.required("limits.bandwidth_unit_cost"),
        request_sleep: reader.required("limits.request_sleep"),
        costs: reader.list("limits.costs"),
        group_ipv4_bits: reader.required("limits.group_ipv4_bits"),
        group_ipv6_bits: reader.required("limits.group_ipv6_bits"),
        exempt: reader.list("limits.exempt"),
        ban_excessive: reader.optional("limits.ban_excessive"),
        clients: ClientRules {
            drop_client: reader.optional("limits.drop_client"),
            drop_unknown: reader.required("limits.drop_client_unknown"),
        },
        max_recv: reader.required("limits.max_recv"),
        max_send: reader.no_less("limits.max_send", MIN_MAX_SEND),
        max_batch: reader.required("limits.max_batch"),
        initial_concurrent: reader.required("limits.initial_concurrent"),
        request_timeout: reader.required("limits.request_timeout"),
        handshake_timeout: reader.required("limits.handshake_timeout"),
        session_timeout: reader.required("limits.session_timeout"),
        send_timeout: reader.required("limits.send_timeout"),
        max_subscriptions: reader.required("limits.max_subscriptions"),
        max_subscriptions_total: reader.required("limits.max_subscriptions_total"),
        max_queued_notices: reader.required("limits.max_queued_notices"),
        concurrent_scans: reader.required("limits.concurrent_scans"),
        concurrent_scans_per_session: reader.required("limits.concurrent_scans_per_session"),
        answer_cache: reader.required("limits.answer_cache"),
    };
    let [soft, hard] = [section.cost_soft_limit, section.cost_hard_limit].map(|limit| limit.0);
    if let (Some(soft), Some(hard)) = (soft, hard)
        && soft > hard
    {
        let conflict =
            format!("expected at least the soft limit of {soft}, came {hard}; 0 is no limit");
        reader.report("limits.cost_hard_limit", vec![conflict]);
    }
    section
}
