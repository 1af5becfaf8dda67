//! Networks as operators write them.

use std::net::IpAddr;

use ipnet::IpNet;

/// Reads a network such as 10.0.0.0/8, or one address, which is a network of its own.
#[must_use]
pub fn parse_network(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}
