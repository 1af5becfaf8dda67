//! `host:port`, as it stands in URLs and ZeroMQ addresses.

use std::{fmt, net::Ipv6Addr};

/// A host, by name or number, and a TCP port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Endpoint {
    /// Parses `host`, `host:port`, `[IPv6]` or `[IPv6]:port`.
    pub(crate) fn parse(text: &str, default_port: Option<u16>) -> Result<Self, &'static str> {
        let (host, port) = split(text)?;
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port != 0),
            None => default_port,
        };
        Ok(Self {
            host: host.to_owned(),
            port: port.ok_or("its port is not a number from 1 to 65535")?,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

fn split(text: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (host, rest) = bracketed
            .split_once(']')
            .ok_or("its IPv6 address lacks the closing bracket")?;
        host.parse::<Ipv6Addr>()
            .map_err(|_not_an_address| "what stands in brackets is not an IPv6 address")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("something other than a port follows its IPv6 address"),
        };
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    if port.is_some_and(|port| port.contains(':')) {
        return Err("its IPv6 address must stand in brackets");
    }
    if host.is_empty() {
        return Err("it names no host");
    }
    Ok((host, port))
}
