//! What a server says of itself.

use std::time::Duration;

use electrode_protocol::{Host, ProtocolVersion};

/// Settings of the server, its listeners apart.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Name and version that `server.version` answers.
    pub name: String,
    /// Lowest protocol version served.
    pub protocol_min: ProtocolVersion,
    /// Where the server is reachable from outside, for `server.features`.
    pub hosts: Vec<Host>,
    /// The same as URLs.
    pub services: Vec<String>,
    /// How long what is served may be older than what the node has before the server says that it
    /// is not ready.
    pub ready_lag: Duration,
}

impl ServerConfig {
    /// Highest protocol version served.
    pub const PROTOCOL_MAX: ProtocolVersion = ProtocolVersion::V1_6;
}
