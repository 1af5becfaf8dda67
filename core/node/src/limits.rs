//! The section `[limits]` as the server takes it.

use electrode_server::Limits;

use crate::{config::LimitsSection, open_files};

/// Gives the bounds on sessions that a configuration asks for.
pub(crate) fn server_limits(section: &LimitsSection) -> Limits {
    Limits {
        max_sessions: open_files::make_room(section.max_sessions),
        max_recv: section.max_recv.0,
        max_send: section.max_send.0,
        max_batch: section.max_batch,
        concurrent_requests: section.initial_concurrent,
        request_timeout: section.request_timeout,
        handshake_timeout: section.handshake_timeout,
        session_timeout: section.session_timeout,
        max_subscriptions: section.max_subscriptions,
        max_subscriptions_total: section.max_subscriptions_total,
        ..Limits::default()
    }
}
