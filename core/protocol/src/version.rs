//! Protocol versions and how client and server settle on one.

use std::{fmt, str::FromStr};

use crate::RpcError;

/// A version of the Electrum protocol.
///
/// Shape: "1.4" or "1.4.2"; a revision of 0 is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion {
    major: u16,
    minor: u16,
    revision: u16,
}

impl ProtocolVersion {
    /// What a client speaks that does not say.
    pub const V1_4: Self = Self::new(1, 4, 0);
    /// Truncates `AuxPoW` headers that come with a checkpoint proof.
    pub const V1_4_1: Self = Self::new(1, 4, 1);
    /// Adds `blockchain.scripthash.unsubscribe`.
    pub const V1_4_2: Self = Self::new(1, 4, 2);
    /// Adds a method of name coins, which no coin here has, and nothing else; clients name it all
    /// the same.
    pub const V1_4_3: Self = Self::new(1, 4, 3);
    /// Lists headers, fixes the order of mempool transactions, adds package broadcast. There is
    /// no 1.5.
    pub const V1_6: Self = Self::new(1, 6, 0);

    /// Every version that this crate speaks, oldest first.
    pub const SERVED: [Self; 5] = [
        Self::V1_4,
        Self::V1_4_1,
        Self::V1_4_2,
        Self::V1_4_3,
        Self::V1_6,
    ];

    const fn new(major: u16, minor: u16, revision: u16) -> Self {
        Self {
            major,
            minor,
            revision,
        }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.revision {
            0 => Ok(()),
            revision => write!(f, ".{revision}"),
        }
    }
}

/// Text that is not a protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a protocol version such as 1.4 or 1.4.2")]
pub struct ParseVersionError;

impl FromStr for ProtocolVersion {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let mut numbers = text.trim().split('.').map(parse_number);
        let major = numbers.next().ok_or(ParseVersionError)??;
        let minor = numbers.next().ok_or(ParseVersionError)??;
        let revision = numbers.next().unwrap_or(Ok(0))?;
        match numbers.next() {
            None => Ok(Self::new(major, minor, revision)),
            Some(_) => Err(ParseVersionError),
        }
    }
}

fn parse_number(digits: &str) -> Result<u16, ParseVersionError> {
    digits.parse().map_err(|_not_a_number| ParseVersionError)
}

/// The versions that a client says it speaks, in the second argument of `server.version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestedVersion {
    /// The client did not say.
    Unstated,
    /// All from `min` to `max`; one and the same if the client named only one.
    Range {
        /// Lowest version.
        min: ProtocolVersion,
        /// Highest version.
        max: ProtocolVersion,
    },
    /// Not a version; the text is what came, shortened.
    Unreadable(String),
}

impl fmt::Display for RequestedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unstated => f.write_str("none"),
            Self::Range { min, max } if min == max => min.fmt(f),
            Self::Range { min, max } => write!(f, "[{min}, {max}]"),
            Self::Unreadable(text) => f.write_str(text),
        }
    }
}

/// Chooses the highest version that both sides speak; a client that does not say gets `min`.
///
/// # Errors
/// Client and server, which speaks `min` to `max`, have no version in common: the session has to
/// be closed.
pub fn negotiate(
    requested: &RequestedVersion,
    min: ProtocolVersion,
    max: ProtocolVersion,
) -> Result<ProtocolVersion, RpcError> {
    let (client_min, client_max) = match requested {
        RequestedVersion::Unstated => return Ok(min),
        RequestedVersion::Range { min, max } => (*min, *max),
        RequestedVersion::Unreadable(_) => return Err(RpcError::unsupported_version(requested)),
    };
    let common = min.max(client_min)..=max.min(client_max);
    ProtocolVersion::SERVED
        .into_iter()
        .rfind(|version| common.contains(version))
        .ok_or_else(|| RpcError::unsupported_version(requested))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> ProtocolVersion {
        text.parse().unwrap()
    }

    #[test]
    fn parses_and_prints_versions() {
        for (text, expected) in [
            ("1.4", Some("1.4")),
            ("1.4.0", Some("1.4")),
            (" 1.4.2 ", Some("1.4.2")),
            ("65535.1", Some("65535.1")),
            ("1", None),
            ("1.", None),
            ("1.4.2.1", None),
            ("65536.1", None),
            ("1.-4", None),
            ("", None),
        ] {
            let parsed = text
                .parse::<ProtocolVersion>()
                .ok()
                .map(|parsed| parsed.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text:?}");
        }
        assert!(ProtocolVersion::SERVED.is_sorted());
    }

    #[test]
    fn negotiates_the_highest_common_version() {
        for (client_min, client_max, expected) in [
            ("1.6", "1.6", Some("1.6")),
            ("1.6.0", "1.6.0", Some("1.6")),
            ("1.4", "1.6", Some("1.6")),
            ("1.3", "1.4.2", Some("1.4.2")),
            ("1.4.3", "1.4.3", Some("1.4.3")),
            ("1.4", "1.4.5", Some("1.4.3")),
            ("1.4", "1.5", Some("1.4.3")),
            ("1.4", "1.4", Some("1.4")),
            ("1.4", "9.9", Some("1.6")),
            ("0.9", "1.3", None),
            ("1.4.4", "1.5", None),
            ("1.7", "1.8", None),
            ("1.5", "1.5", None),
            ("1.6", "1.4", None),
        ] {
            let requested = RequestedVersion::Range {
                min: version(client_min),
                max: version(client_max),
            };
            let got = negotiate(&requested, ProtocolVersion::V1_4, ProtocolVersion::V1_6);
            let got = got.ok().map(|version| version.to_string());
            assert_eq!(got.as_deref(), expected, "{client_min}..{client_max}");
        }
    }

    #[test]
    fn honours_the_range_of_the_server() {
        let (min, max) = (ProtocolVersion::V1_4_2, ProtocolVersion::V1_4_2);
        assert_eq!(negotiate(&RequestedVersion::Unstated, min, max), Ok(min));
        let any = RequestedVersion::Range {
            min: version("1.0"),
            max: version("2.0"),
        };
        assert_eq!(negotiate(&any, min, max), Ok(max));
        let old = RequestedVersion::Range {
            min: version("1.4"),
            max: version("1.4.1"),
        };
        let error = negotiate(&old, min, max).unwrap_err();
        assert_eq!(
            (error.code, &*error.message),
            (1, "unsupported protocol version: [1.4, 1.4.1]")
        );
        let error = negotiate(&RequestedVersion::Unreadable("x".into()), min, max).unwrap_err();
        assert_eq!(
            (error.code, &*error.message),
            (1, "unsupported protocol version: x")
        );
    }
}
