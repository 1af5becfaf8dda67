//! The services syntax of ElectrumX: `proto://[host]:port`.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use electrode_server::Transport;

use super::value::FromText;

/// Where the admin RPC listens when `rpc://` says nothing.
const RPC_HOST: &str = "localhost";
const RPC_PORT: u16 = 8000;

/// A listener, or what is told about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// How it is spoken to.
    pub(crate) transport: Transport,
    /// Where it is.
    pub(crate) address: Address,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    /// A name or an IP address without brackets; `None` stands for all interfaces, IPv4 and IPv6.
    pub(crate) host: Option<String>,
    /// The port.
    pub(crate) port: u16,
}

impl Service {
    /// Gives the admin RPC of a server that was told no more than `rpc://`.
    pub(crate) fn usual_rpc() -> Self {
        Self {
            transport: Transport::Rpc,
            address: Address {
                host: Some(RPC_HOST.to_owned()),
                port: RPC_PORT,
            },
        }
    }

    /// Tells whether it is for operators.
    pub(crate) fn is_rpc(&self) -> bool {
        self.transport == Transport::Rpc
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.transport, self.address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            host => write!(f, "{}:{}", host.as_deref().unwrap_or_default(), self.port),
        }
    }
}

impl FromText for Service {
    fn from_text(text: &str) -> Result<Self, String> {
        let expected =
            || "a service such as \"tcp://127.0.0.1:50001\" or \"tcp://:50001\"".to_owned();
        let (name, address) = text.split_once("://").ok_or_else(expected)?;
        let known = Transport::ALL
            .into_iter()
            .find(|known| known.as_str() == name);
        let transport = known.ok_or("one of tcp, ssl, ws, wss, rpc in front of ://")?;
        let address = match transport {
            Transport::Rpc => rpc_address(address)?,
            _ => Address::from_text(address)?,
        };
        Ok(Self { transport, address })
    }
}

impl FromText for Address {
    fn from_text(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').ok_or("a port, as in host:port")?;
        Ok(Self {
            host: parse_host(host)?,
            port: parse_port(port)?,
        })
    }
}

/// Tells which services want the address of another, and which cannot be listened on.
pub(super) fn conflicts(services: &[Service], http: Option<&Address>) -> Vec<String> {
    let mut taken: Vec<(&Address, String)> = http
        .into_iter()
        .map(|address| (address, "serve.http".to_owned()))
        .collect();
    let mut conflicts = Vec::new();
    for service in services {
        let mut others = taken.iter();
        if let Some((_, other)) = others.find(|(other, _)| service.address.overlaps(other)) {
            conflicts.push(format!(
                "{service} is on an address that {other} has already; give it another port"
            ));
        }
        taken.push((&service.address, service.to_string()));
        if service.address.is_onion() {
            conflicts.push(format!(
                "{service} cannot be listened on; listen on localhost and let Tor forward to it"
            ));
        }
    }
    conflicts
}

/// Tells which services for operators others than this machine could reach: those need a token.
pub(super) fn unguarded(rpc: &[Service]) -> Vec<String> {
    let exposed = rpc.iter().filter(|service| !service.address.is_loopback());
    exposed
        .map(|service| {
            format!(
                "{service} can be reached by others, who could stop the server: listen on \
                 localhost, or unset serve.rpc_without_token"
            )
        })
        .collect()
}

/// Tells which services no wallet could reach from outside.
pub(super) fn unreportable(services: &[Service]) -> Vec<String> {
    let is_reportable = |service: &&Service| {
        service.transport != Transport::Rpc && service.address.is_public_host()
    };
    let unreportable = services.iter().filter(|service| !is_reportable(service));
    unreportable
        .map(|service| {
            format!(
                "{service} cannot be reached from outside; name the public host, or leave it out"
            )
        })
        .collect()
}

/// Which addresses of a machine a host stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach<'a> {
    /// All of them.
    All,
    /// All of IPv4.
    AllOf4,
    /// All of IPv6.
    AllOf6,
    /// One.
    One(IpAddr),
    /// Those that a name leads to.
    Named(&'a str),
}

impl Address {
    /// Tells whether both cannot be listened on, as far as that can be told without looking names
    /// up.
    fn overlaps(&self, other: &Self) -> bool {
        self.port == other.port
            && match [self.reach(), other.reach()] {
                [Reach::All, _] | [_, Reach::All] => true,
                [Reach::AllOf4, Reach::One(ip)] | [Reach::One(ip), Reach::AllOf4] => ip.is_ipv4(),
                [Reach::AllOf6, Reach::One(ip)] | [Reach::One(ip), Reach::AllOf6] => ip.is_ipv6(),
                [Reach::Named(one), Reach::Named(other)] => one.eq_ignore_ascii_case(other),
                [one, other] => one == other,
            }
    }

    fn reach(&self) -> Reach<'_> {
        let Some(host) = self.host.as_deref() else {
            return Reach::All;
        };
        match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) if ip.is_unspecified() => Reach::AllOf4,
            Ok(IpAddr::V6(ip)) if ip.is_unspecified() => Reach::AllOf6,
            Ok(ip) => Reach::One(ip),
            Err(_name) => Reach::Named(host),
        }
    }

    fn is_loopback(&self) -> bool {
        self.host
            .as_deref()
            .is_some_and(|host| match host.parse::<IpAddr>() {
                Ok(ip) => ip.is_loopback(),
                Err(_name) => host.eq_ignore_ascii_case("localhost"),
            })
    }

    fn is_onion(&self) -> bool {
        self.host
            .as_deref()
            .is_some_and(|host| host.to_ascii_lowercase().ends_with(".onion"))
    }

    fn is_public_host(&self) -> bool {
        match self.host.as_deref() {
            None => false,
            Some(host) => match host.parse::<IpAddr>() {
                Ok(ip) => !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast(),
                Err(_name) => !host.eq_ignore_ascii_case("localhost"),
            },
        }
    }
}

fn rpc_address(text: &str) -> Result<Address, String> {
    let (host, port) = match text.rsplit_once(':') {
        // Not a colon of an IPv6 address.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let port = if port.is_empty() {
        RPC_PORT
    } else {
        parse_port(port)?
    };
    let host = parse_host(host)?.unwrap_or_else(|| RPC_HOST.to_owned());
    Ok(Address {
        host: Some(host),
        port,
    })
}

/// Reads a host: nothing, an IPv4 address or a name, or an IPv6 address in brackets.
fn parse_host(text: &str) -> Result<Option<String>, String> {
    let is_name = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    if let Some(ip) = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        let ip: Ipv6Addr = ip
            .parse()
            .map_err(|_error| "an IPv6 address in the brackets")?;
        return Ok(Some(ip.to_string()));
    }
    match text {
        "" => Ok(None),
        name if is_name(name) => Ok(Some(name.to_owned())),
        _ => Err("a host name, an IPv4 address, or an IPv6 address in brackets".to_owned()),
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| "a port from 1 to 65535".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_services() {
        for (text, written) in [
            ("tcp://:50001", "tcp://:50001"),
            ("tcp://127.0.0.1:50001", "tcp://127.0.0.1:50001"),
            ("ssl://[::1]:50002", "ssl://[::1]:50002"),
            (
                "wss://electrum.example.org:443",
                "wss://electrum.example.org:443",
            ),
            ("rpc://", "rpc://localhost:8000"),
            ("rpc://:8001", "rpc://localhost:8001"),
            ("rpc://127.0.0.1", "rpc://127.0.0.1:8000"),
            ("rpc://[::1]", "rpc://[::1]:8000"),
            ("rpc://[::1]:8001", "rpc://[::1]:8001"),
        ] {
            let service = Service::from_text(text).unwrap();
            assert_eq!(service.to_string(), written, "{text}");
        }
    }

    #[test]
    fn knows_which_services_get_in_each_other_s_way() {
        let address = |host: &str| Address::from_text(&format!("{host}:1")).unwrap();
        for (one, other, expected) in [
            ("", "", true),
            ("", "127.0.0.1", true),
            ("", "[::1]", true),
            ("", "[::]", true),
            ("", "some.host", true),
            ("0.0.0.0", "[::]", false),
            ("0.0.0.0", "127.0.0.1", true),
            ("0.0.0.0", "[::1]", false),
            ("[::]", "[::1]", true),
            ("[::]", "127.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("localhost", "LOCALHOST", true),
            ("localhost", "some.host", false),
        ] {
            let [one_address, other_address] = [one, other].map(address);
            assert_eq!(
                one_address.overlaps(&other_address),
                expected,
                "{one} {other}"
            );
            assert_eq!(
                other_address.overlaps(&one_address),
                expected,
                "{other} {one}"
            );
        }
        let another = Address::from_text(":2").unwrap();
        assert!(!address("").overlaps(&another));
    }

    #[test]
    fn says_what_is_wrong_with_a_service() {
        for (text, expected) in [
            (
                "50001",
                "a service such as \"tcp://127.0.0.1:50001\" or \"tcp://:50001\"",
            ),
            (
                "udp://:50001",
                "one of tcp, ssl, ws, wss, rpc in front of ://",
            ),
            ("tcp://localhost", "a port, as in host:port"),
            ("tcp://localhost:0", "a port from 1 to 65535"),
            ("tcp://localhost:65536", "a port from 1 to 65535"),
            (
                "tcp://a b:50001",
                "a host name, an IPv4 address, or an IPv6 address in brackets",
            ),
            (
                "tcp://::1:50001",
                "a host name, an IPv4 address, or an IPv6 address in brackets",
            ),
            ("tcp://[127.0.0.1]:50001", "an IPv6 address in the brackets"),
        ] {
            assert_eq!(Service::from_text(text), Err(expected.to_owned()), "{text}");
        }
    }
}
