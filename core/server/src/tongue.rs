//! What a client speaks, by the first bytes that it sends.

use std::fmt;

/// Beginnings of requests: the methods of HTTP, and what HTTP/2 begins with.
const HTTP: &[&[u8]] = &[
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"OPTIONS ",
    b"DELETE ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PRI ",
];

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    /// TLS, whatever is inside.
    Tls,
    /// HTTP, as the beginning of a `WebSocket` too.
    Http,
    /// Lines of JSON.
    Lines,
}

impl Tongue {
    /// Tells by the first bytes; `None` where they are too few, or of nothing that is known.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.trim_ascii_start() {
            // A handshake record of any version.
            [0x16, 0x03, ..] => Some(Self::Tls),
            [b'{' | b'[', ..] => Some(Self::Lines),
            text if HTTP.iter().any(|method| text.starts_with(method)) => Some(Self::Http),
            _ => None,
        }
    }
}

impl fmt::Display for Tongue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "TLS",
            Self::Http => "HTTP",
            Self::Lines => "plain text",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_begins_how() {
        for (bytes, expected) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], Some(Tongue::Tls)),
            (b"\x16\x03", Some(Tongue::Tls)),
            (b"\x16", None),
            (b"\x15\x03\x03\x00\x02", None),
            (b"GET / HTTP/1.1\r\n", Some(Tongue::Http)),
            (b"POST /x", Some(Tongue::Http)),
            (b"PRI * HTTP/2.0", Some(Tongue::Http)),
            (b"GETTY", None),
            (b"{\"id\":1}", Some(Tongue::Lines)),
            (b"\n  [{}]", Some(Tongue::Lines)),
            (b"hello", None),
            (b"", None),
        ] {
            assert_eq!(Tongue::of(bytes), expected, "{bytes:?}");
        }
    }
}
