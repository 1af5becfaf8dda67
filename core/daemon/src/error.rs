//! What can go wrong with a node.

use std::{io, path::PathBuf};

/// Error code of a node that is still loading its chain: it will answer later.
pub(crate) const RPC_IN_WARMUP: i64 = -28;
/// Error code of a node that does not know the method.
pub(crate) const RPC_METHOD_NOT_FOUND: i64 = -32601;
/// Error code of a node that does not have the thing asked for.
pub(crate) const RPC_INVALID_ADDRESS_OR_KEY: i64 = -5;
/// Error code of a node that finds a parameter out of range.
pub(crate) const RPC_INVALID_PARAMETER: i64 = -8;

/// Why a node gave no usable answer. No variant ever holds credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// A node's URL cannot be used. The URL is left out: a mistyped one may show a password.
    #[error("a node's URL is not usable: {reason}; expected http://user:password@host:port")]
    Url {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no node.
    #[error("no node is configured: expected at least one URL such as http://127.0.0.1:8332")]
    NoUrl,
    /// The address of the ZeroMQ publisher cannot be used.
    #[error("ZeroMQ address \"{address}\" is not usable: expected tcp://host:port")]
    Zmq {
        /// What came.
        address: String,
    },
    /// The cookie file cannot be read.
    #[error(
        "cannot read the cookie file {path}: {source}; is the node running, may this user read the file?"
    )]
    Cookie {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The node did not answer.
    #[error("no answer from the node at {url}: {reason}; is it running and listening there?")]
    Unreachable {
        /// The node.
        url: String,
        /// What happened.
        reason: String,
    },
    /// Something answered, but will not serve these requests.
    #[error("the node at {url} refused with HTTP status {status}: {hint}")]
    Refused {
        /// The node.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How to mend it.
        hint: String,
    },
    /// The node answered with an error of its own.
    #[error("the node answered with error {code}: {message}")]
    Rpc {
        /// Bitcoin Core's error code.
        code: i64,
        /// Its text, verbatim.
        message: String,
    },
    /// The node's answer is not of the expected form.
    #[error("the node's answer to {method} is malformed: {reason}")]
    Malformed {
        /// What was asked.
        method: String,
        /// Where the form breaks.
        reason: String,
    },
    /// The answer is larger than is accepted.
    #[error(
        "the node at {url} answered with more than {limit} bytes: if it is to be trusted, raise max_response_bytes"
    )]
    TooLarge {
        /// The node.
        url: String,
        /// Bytes that are accepted.
        limit: usize,
    },
    /// The runtime stopped before the answer was read.
    #[error("the server is stopping")]
    Stopped,
}

impl DaemonError {
    /// Gives code and message of an error that the node itself answered with.
    #[must_use]
    pub fn rpc(&self) -> Option<(i64, &str)> {
        match self {
            Self::Rpc { code, message } => Some((*code, message)),
            _ => None,
        }
    }

    /// Tells whether the same request may succeed later without anybody mending anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Rpc { code, .. } => *code == RPC_IN_WARMUP,
            // The node makes the file when it starts.
            Self::Cookie { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// Tells whether another node might answer what this one did not.
    pub(crate) fn is_of_the_node(&self) -> bool {
        self.is_retryable() || matches!(self, Self::Refused { .. } | Self::Cookie { .. })
    }

    /// Tells whether the node answered with this error code.
    pub(crate) fn has_code(&self, expected: i64) -> bool {
        self.rpc().is_some_and(|(code, _)| code == expected)
    }
}
