//! Where a node is and how it knows us: `http://user:password@host:port/path`.

use std::fmt;

use hyper::Uri;

use crate::{DaemonError, endpoint::Endpoint};

/// URL of one node. Printing it, for debugging too, never shows its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct DaemonUrl {
    endpoint: Endpoint,
    uri: Uri,
    /// `user:password`, percent-decoded.
    credentials: Option<Vec<u8>>,
}

impl DaemonUrl {
    /// Parses a URL, or any part of one that has a host: `user:password@host:port/`, `host`.
    ///
    /// # Errors
    /// The text is no such URL, or one of another scheme than http.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, DaemonError> {
        parse(text.trim(), default_port).map_err(|reason| DaemonError::Url { reason })
    }

    /// Gives the host and port of the node.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Gives where JSON-RPC requests go.
    pub(crate) fn rpc_uri(&self) -> &Uri {
        &self.uri
    }

    /// Gives where the node serves this absolute path.
    pub(crate) fn rest_uri(&self, path: &str) -> Result<Uri, DaemonError> {
        uri(&self.endpoint, path).map_err(|reason| DaemonError::Url { reason })
    }

    /// Gives `user:password`, if the URL has it.
    pub(crate) fn credentials(&self) -> Option<&[u8]> {
        self.credentials.as_deref()
    }
}

impl fmt::Display for DaemonUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

impl fmt::Debug for DaemonUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DaemonUrl({self})")
    }
}

fn parse(text: &str, default_port: u16) -> Result<DaemonUrl, &'static str> {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
            return Err("nodes do not speak https, use http, through a tunnel if they are far");
        }
        Some(_) => return Err("its scheme is not http"),
        None => text,
    };
    // The last @, because passwords may contain one.
    let (credentials, rest) = match rest.rsplit_once('@') {
        Some((credentials, rest)) => (Some(decode_credentials(credentials)?), rest),
        None => (None, rest),
    };
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, path),
        None => (rest, ""),
    };
    let endpoint = Endpoint::parse(authority, Some(default_port))?;
    Ok(DaemonUrl {
        uri: uri(&endpoint, &format!("/{path}"))?,
        endpoint,
        credentials,
    })
}

fn uri(endpoint: &Endpoint, path: &str) -> Result<Uri, &'static str> {
    format!("http://{endpoint}{path}")
        .parse()
        .map_err(|_invalid| "its host or path contains characters that no URL may contain")
}

fn decode_credentials(text: &str) -> Result<Vec<u8>, &'static str> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let mut credentials = percent_decode(user)?;
    credentials.push(b':');
    credentials.extend(percent_decode(password)?);
    Ok(credentials)
}

fn percent_decode(text: &str) -> Result<Vec<u8>, &'static str> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let escaped = piece
            .split_at_checked(2)
            .and_then(|(digits, rest)| Some((crate::hex::decode(digits)?, rest)));
        let (byte, rest) = escaped
            .ok_or("two hexadecimal digits must follow a percent sign in its credentials, %25 stands for the sign itself")?;
        bytes.extend(byte);
        bytes.extend(rest.as_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_every_form_of_url() {
        for (text, shown, credentials) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/", None),
            ("node.local", "http://node.local:8332/", None),
            (" HTTP://node:1/ ", "http://node:1/", None),
            ("u:p@host:9/", "http://host:9/", Some("u:p")),
            ("u:p@host", "http://host:8332/", Some("u:p")),
            ("u@host", "http://host:8332/", Some("u:")),
            ("u:p@ss@host", "http://host:8332/", Some("u:p@ss")),
            ("u:a/b@host/x", "http://host:8332/x", Some("u:a/b")),
            ("u:%40%3a%25@host", "http://host:8332/", Some("u:@:%")),
            ("http://u:p:q@[::1]", "http://[::1]:8332/", Some("u:p:q")),
            ("[2001:db8::1]:7/w/", "http://[2001:db8::1]:7/w/", None),
        ] {
            let url = DaemonUrl::parse(text, 8332).unwrap();
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!(url.credentials(), credentials.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_url_of_a_node() {
        for (text, reason) in [
            ("https://host", "https"),
            ("ftp://host", "scheme"),
            ("", "no host"),
            ("http://u:p@", "no host"),
            (":8332", "no host"),
            ("host:0", "port"),
            ("host:65536", "port"),
            ("host:", "port"),
            ("::1", "brackets"),
            ("[::1", "closing bracket"),
            ("[::1]8332", "follows"),
            ("[host]:1", "not an IPv6"),
            ("u:%4@host", "percent"),
            ("u:%zz@host", "percent"),
            ("u:%é@host", "percent"),
            ("ho st", "characters"),
        ] {
            let error = DaemonUrl::parse(text, 8332).unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?} gave: {error}");
        }
    }

    #[test]
    fn never_shows_credentials() {
        let url = DaemonUrl::parse("http://alice:s3cret@host", 1).unwrap();
        let errors = [
            "alice:s3cret",
            "https://alice:s3cret@host",
            "alice:s3cret@:1",
            "alice:s3cret%@h",
        ]
        .map(|text| format!("{0} {0:?}", DaemonUrl::parse(text, 1).unwrap_err()));
        for shown in [format!("{url} {url:?}"), errors.concat()] {
            assert!(
                !shown.contains("alice") && !shown.contains("s3cret"),
                "{shown}"
            );
        }
    }
}
