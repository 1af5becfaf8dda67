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

use std::{net::SocketAddr, sync::Arc, time::Instant};

use tokio::net::TcpListener;

use crate::{Connection, Service, Transport, few::Few, sparingly::Sparingly, tongue::Tongue};
pub(crate) use sessions::table as session_table;

/// Operators.
const OPERATORS: Few = Few {
    whose: "operators",
    max: 32,
    max_per_host: 24,
};

/// Serves operators until the service stops.
///
/// Where others than this machine can reach the listener, the service must have been given a
/// token ([`Service::set_admin_token`]) first.
pub async fn serve_admin(service: Arc<Service>, listener: TcpListener) {
    let desk = Arc::new(Desk {
        address: listener.local_addr().ok(),
        service: Arc::clone(&service),
        warnings: Sparingly::default(),
    });
    let talk = |stream, peer, place| {
        let connection = Connection::new(Transport::Rpc, peer);
        conversation::run(Arc::clone(&desk), stream, connection, place)
    };
    OPERATORS.serve(&service, listener, talk).await;
}

/// Where operators are served.
#[derive(Debug)]
struct Desk {
    service: Arc<Service>,
    address: Option<SocketAddr>,
    warnings: Sparingly,
}

impl Desk {
    /// Says in the log that somebody comes who is no operator: a browser, for a web page, perhaps.
    fn warn_of(&self, tongue: Tongue, peer: SocketAddr) {
        if !self.warnings.is_due(Instant::now()) {
            return;
        }
        let address = self.address.map(tracing::field::display);
        let peer = self.service.for_log(peer);
        tracing::warn!(
            %peer,
            address,
            "somebody speaks {tongue} to the admin RPC: refused, nothing of it was carried out"
        );
    }
}
