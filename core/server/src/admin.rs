//! The admin RPC: a listener of its own, open from the start, also during the first sync.
//!
//! What commands look like on the wire, only `electrode-protocol` knows.

mod bans;
mod commands;
mod conversation;
mod groups;
mod info;
mod query;
mod sessions;

use std::sync::Arc;

use tokio::net::TcpListener;

use crate::{Connection, Service, Transport, few::Few};
pub(crate) use sessions::table as session_table;

/// Operators.
const OPERATORS: Few = Few {
    whose: "operators",
    max: 32,
};

/// Serves operators until the service stops.
///
/// Where others than this machine can reach the listener, the service must have been given a
/// token ([`Service::set_admin_token`]) first.
pub async fn serve_admin(service: Arc<Service>, listener: TcpListener) {
    let talk = |stream, peer| {
        let connection = Connection::new(Transport::Rpc, peer);
        conversation::run(Arc::clone(&service), stream, connection)
    };
    OPERATORS.serve(&service, listener, talk).await;
}
