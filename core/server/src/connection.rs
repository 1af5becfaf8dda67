//! Who is at the other end.

use std::net::SocketAddr;

use crate::Transport;

/// Who is at the other end of a connection, and how it is connected.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// How it is connected.
    pub transport: Transport,
    /// Its address: what a proxy that may speak for others says, else that of the socket. An IPv4
    /// address never comes in the clothes of IPv6.
    pub peer: SocketAddr,
}

impl Connection {
    /// Takes a new connection down.
    #[must_use]
    pub fn new(transport: Transport, peer: SocketAddr) -> Self {
        Self {
            transport,
            peer: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
        }
    }

    /// Tells whether it comes from this machine, as everything does that Tor forwards.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.peer.ip().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_an_ipv4_address_on_an_ipv6_listener() {
        for (peer, canonical, is_local) in [
            ("127.0.0.1:5", "127.0.0.1:5", true),
            ("[::ffff:127.0.0.1]:5", "127.0.0.1:5", true),
            ("[::1]:5", "[::1]:5", true),
            ("[::ffff:192.0.2.1]:5", "192.0.2.1:5", false),
            ("[2001:db8::1]:5", "[2001:db8::1]:5", false),
        ] {
            let connection = Connection::new(Transport::Tcp, peer.parse().unwrap());
            assert_eq!(connection.peer.to_string(), canonical);
            assert_eq!(connection.is_local(), is_local, "{peer}");
        }
    }
}
