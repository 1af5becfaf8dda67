//! Where a server is, and how it is spoken to there.

use std::fmt;

use electrode_server::Transport;

use crate::config::{Address, FromText};

/// A server's transport, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// For wallets, not for operators.
    pub(super) transport: Transport,
    /// A name or an IP address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Address {
            host: Some(self.host.clone()),
            port: self.port,
        };
        write!(f, "{}://{address}", self.transport)
    }
}

impl FromText for Place {
    fn from_text(text: &str) -> Result<Self, String> {
        let (name, address) = text.split_once("://").unwrap_or(("tcp", text));
        if name == Transport::Rpc.as_str() {
            return Err(
                "a port for wallets; `electrode admin` asks those for operators".to_owned(),
            );
        }
        let mut known = Transport::ALL.into_iter();
        let transport = known.find(|known| known.as_str() == name);
        let transport = transport.ok_or("tcp, ssl, ws or wss in front of ://")?;
        let address = address.strip_suffix('/').unwrap_or(address);
        let Address { host, port } = Address::from_text(address)?;
        Ok(Self {
            transport,
            host: host.ok_or("a host in front of the port")?,
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_places() {
        for (text, written) in [
            ("127.0.0.1:50001", "tcp://127.0.0.1:50001"),
            ("[::1]:50001", "tcp://[::1]:50001"),
            ("tcp://localhost:1", "tcp://localhost:1"),
            (
                "ssl://electrum.example.org:50002",
                "ssl://electrum.example.org:50002",
            ),
            ("wss://[2001:db8::1]:50004/", "wss://[2001:db8::1]:50004"),
        ] {
            assert_eq!(
                Place::from_text(text).unwrap().to_string(),
                written,
                "{text}"
            );
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_place() {
        for (text, expected) in [
            ("localhost", "a port, as in host:port"),
            (":50001", "a host in front of the port"),
            ("ssl://:50002", "a host in front of the port"),
            (
                "rpc://localhost:8000",
                "a port for wallets; `electrode admin` asks those for operators",
            ),
            ("http://localhost:80", "tcp, ssl, ws or wss in front of ://"),
            ("ws://localhost:80/path", "a port from 1 to 65535"),
        ] {
            assert_eq!(Place::from_text(text), Err(expected.to_owned()), "{text}");
        }
    }
}
