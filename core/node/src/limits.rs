//! What keeps sessions in bounds, from the configuration to the server.

use std::path::Path;

use electrode_server::{BanError, Bans, CostModel, Grouping, Limits, Prices};

use crate::{config::LimitsSection, open_files};

/// The file of bans in the data directory.
const BANS_FILE: &str = "bans.json";

/// Opens the bans of a data directory.
pub(crate) fn bans(data_dir: &Path) -> Result<Bans, BanError> {
    Bans::open(data_dir.join(BANS_FILE))
}

/// Gives the bounds on sessions that a configuration asks for.
pub(crate) fn server_limits(section: &LimitsSection) -> Limits {
    Limits {
        max_sessions: open_files::make_room(section.max_sessions),
        max_sessions_per_ip: section.max_sessions_per_ip.0,
        costs: costs(section),
        grouping: Grouping {
            ipv4_bits: section.group_ipv4_bits.0,
            ipv6_bits: section.group_ipv6_bits.0,
            exempt: section.exempt.clone(),
        },
        ban_excessive: section.ban_excessive,
        clients: section.clients.clone(),
        max_recv: section.max_recv.0,
        max_send: section.max_send.0,
        max_batch: section.max_batch,
        concurrent_requests: section.initial_concurrent,
        request_timeout: section.request_timeout,
        handshake_timeout: section.handshake_timeout,
        session_timeout: section.session_timeout,
        send_timeout: section.send_timeout,
        max_subscriptions: section.max_subscriptions,
        max_subscriptions_total: section.max_subscriptions_total,
        max_queued_notices: section.max_queued_notices,
        concurrent_scans: section.concurrent_scans,
        concurrent_scans_per_session: section.concurrent_scans_per_session,
        cache_bytes: u64::try_from(section.answer_cache.0).unwrap_or(u64::MAX),
    }
}

fn costs(section: &LimitsSection) -> CostModel {
    let replace = |prices: Prices, (item, number): &(_, _)| prices.with(*item, *number);
    CostModel {
        soft_limit: section.cost_soft_limit.0.unwrap_or_default(),
        hard_limit: section.cost_hard_limit.0.unwrap_or_default(),
        bandwidth_unit: section.bandwidth_unit_cost.0.unwrap_or_default(),
        request_sleep: section.request_sleep.0.unwrap_or_default(),
        prices: section.costs.iter().fold(Prices::default(), replace),
    }
}
