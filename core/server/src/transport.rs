//! How clients are connected.

use std::fmt;

/// How a client is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Newline-delimited JSON over TCP.
    Tcp,
    /// The same over TLS.
    Ssl,
    /// `WebSocket`: one message for one line.
    Ws,
    /// `WebSocket` over TLS.
    Wss,
    /// The admin RPC: newline-delimited JSON over TCP, with other methods.
    Rpc,
}

impl Transport {
    /// Every transport there is.
    pub const ALL: [Self; 5] = [Self::Tcp, Self::Ssl, Self::Ws, Self::Wss, Self::Rpc];

    /// Gives its name, as in front of the `://` of a service.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ssl => "ssl",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Rpc => "rpc",
        }
    }

    /// Tells whether it needs a certificate.
    #[must_use]
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Ssl | Self::Wss)
    }

    /// Tells whether its lines are messages of a `WebSocket`.
    #[must_use]
    pub fn is_web_socket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
