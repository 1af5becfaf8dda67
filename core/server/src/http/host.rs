//! By which names the pages may be asked for.
//!
//! A web page of a stranger can have a name of its own lead to this machine, and then read what is
//! answered as its own (DNS rebinding). The name gives it away: it is in the Host header. Addresses
//! cannot be had that way, and who is asked by one is meant.

use std::{
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use hyper::{Request, header::HOST};

/// A name that the pages may be asked for by, besides addresses and `localhost`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpHost {
    /// Any.
    Any,
    /// This one, in small letters.
    Name(String),
}

/// Text that is no name of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a host without a port, or * for any")]
pub struct ParseHttpHostError;

impl FromStr for HttpHost {
    type Err = ParseHttpHostError;

    fn from_str(text: &str) -> Result<Self, ParseHttpHostError> {
        let is_name = |text: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            !text.is_empty() && text.bytes().all(known)
        };
        match text {
            "*" => Ok(Self::Any),
            name if is_name(name) => Ok(Self::Name(plain(name))),
            _ => Err(ParseHttpHostError),
        }
    }
}

/// Gives the name that a request is made by and that is not among `listed`, if it is made by one.
///
/// A request without a name, as simple balancers send it, comes from no browser.
pub(super) fn unlisted<'a, B>(request: &'a Request<B>, listed: &[HttpHost]) -> Option<&'a str> {
    let headers = request.headers().get_all(HOST).into_iter();
    // Whatever is no text is no name either.
    let named = headers.map(|host| host.to_str().unwrap_or("?"));
    let mut asked = named.chain(
        request
            .uri()
            .authority()
            .map(|authority| authority.as_str()),
    );
    asked.find(|host| !is_listed(host, listed))
}

fn is_listed(authority: &str, listed: &[HttpHost]) -> bool {
    if listed.contains(&HttpHost::Any) {
        return true;
    }
    let Some(host) = host_of(authority) else {
        return false;
    };
    match host {
        Host::Address => true,
        Host::Name(name) => name == "localhost" || listed.contains(&HttpHost::Name(name)),
    }
}

enum Host {
    Address,
    Name(String),
}

/// Reads what stands in front of the port, if there is one.
fn host_of(authority: &str) -> Option<Host> {
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_whole = port.strip_prefix(':').map_or(port.is_empty(), is_port);
        let address: Option<Ipv6Addr> = address.parse().ok();
        return address.filter(|_| is_whole).map(|_| Host::Address);
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    if !is_port(port) || host.is_empty() {
        return None;
    }
    Some(match host.parse::<IpAddr>() {
        Ok(_) => Host::Address,
        Err(_name) => Host::Name(plain(host)),
    })
}

/// Writes a name as it is compared: in small letters, without the dot that it may end with.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(hosts: &[&str]) -> Request<()> {
        let mut request = Request::get("/ready");
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn takes_addresses_and_localhost_and_what_is_listed() {
        let listed = ["Node.Example.org", "umbrel.local."].map(|name| name.parse().unwrap());
        for (host, expected) in [
            ("127.0.0.1", true),
            ("192.0.2.1:9050", true),
            ("[::1]", true),
            ("[2001:db8::1]:9050", true),
            ("localhost", true),
            ("LOCALHOST.:9050", true),
            ("node.example.org:9050", true),
            ("NODE.EXAMPLE.ORG.", true),
            ("umbrel.local", true),
            ("evil.example", false),
            ("evil.example:9050", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("127.0.0.1:9050.evil.example", false),
            ("[::1].evil.example", false),
            ("[evil.example]", false),
            ("127.0.0.1@evil.example", false),
            ("2130706433", false),
            ("", false),
            (":9050", false),
        ] {
            let request = request(&[host]);
            assert_eq!(unlisted(&request, &listed).is_none(), expected, "{host}");
        }
    }

    #[test]
    fn looks_at_every_name_that_a_request_has() {
        assert_eq!(unlisted(&request(&[]), &[]), None);
        let twice = request(&["127.0.0.1", "evil.example"]);
        assert_eq!(unlisted(&twice, &[]), Some("evil.example"));
        assert_eq!(unlisted(&twice, &[HttpHost::Any]), None);
        let mut absolute = request(&["127.0.0.1"]);
        *absolute.uri_mut() = "http://evil.example/ready".parse().unwrap();
        assert_eq!(unlisted(&absolute, &[]), Some("evil.example"));
    }

    #[test]
    fn reads_names_without_ports() {
        for (text, expected) in [
            ("*", Some(HttpHost::Any)),
            ("A.b-c_d.", Some(HttpHost::Name("a.b-c_d".to_owned()))),
            ("a:1", None),
            ("http://a", None),
            ("", None),
            ("a b", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}
