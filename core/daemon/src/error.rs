//! What can go wrong with a node.

use std::{io, path::PathBuf};

/// Error code of a node that fails in a way for which there is no other code. Nodes before 0.17
/// also use it for parameters of a type, or in a number, that they do not know.
pub(crate) const RPC_MISC_ERROR: i64 = -1;
/// Error code of a node that knows a parameter by another type.
pub(crate) const RPC_TYPE_ERROR: i64 = -3;
/// Error code of a node that is still loading its chain: it will answer later.
pub(crate) const RPC_IN_WARMUP: i64 = -28;
/// Error code of a node that takes what was sent for no request.
pub(crate) const RPC_INVALID_REQUEST: i64 = -32600;
/// Error code of a node that cannot read what was sent.
pub(crate) const RPC_PARSE_ERROR: i64 = -32700;
/// Error code of a node that does not know the method.
pub(crate) const RPC_METHOD_NOT_FOUND: i64 = -32601;
/// Error code of a node that does not have the thing asked for.
pub(crate) const RPC_INVALID_ADDRESS_OR_KEY: i64 = -5;
/// Error code of a node that finds a parameter out of range.
pub(crate) const RPC_INVALID_PARAMETER: i64 = -8;

/// Error codes by which a node says that it could not do what it was asked, whatever that was:
/// safe mode, out of memory, not connected, downloading, database, warming up, internal, and a
/// method or request that it does not know. Source: Bitcoin Core, `src/rpc/protocol.h`.
const OF_THE_NODE: [i64; 10] = [
    -2,
    -7,
    -9,
    -10,
    -20,
    RPC_IN_WARMUP,
    -32603,
    RPC_METHOD_NOT_FOUND,
    RPC_INVALID_REQUEST,
    RPC_PARSE_ERROR,
];

/// Why a node gave no usable answer. No variant ever holds credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// A node's URL cannot be used. The URL is left out: a mistyped one may show a password.
    #[error(
        "a node's URL is not usable: {reason}; expected http://user:password@host:port, in a password \
         %2C for a comma and %25 for a percent sign"
    )]
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
        /// Whether the node may have received the request, and carried it out.
        may_have_arrived: bool,
    },
    /// The node turned the request away because it has too many.
    #[error(
        "the node at {url} is too busy: {reason}; raise its rpcthreads and rpcworkqueue if this lasts"
    )]
    Busy {
        /// The node.
        url: String,
        /// HTTP status and what it said.
        reason: String,
    },
    /// A node that the configuration does not name would be told credentials meant for another.
    #[error(
        "{url} is not in daemon.urls, so it gets no credentials from there: \
         expected http://user:password@host:port"
    )]
    NoCredentials {
        /// The node.
        url: String,
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
            Self::Unreachable { .. } | Self::Busy { .. } => true,
            Self::Rpc { code, .. } => *code == RPC_IN_WARMUP,
            // The node makes the file when it starts.
            Self::Cookie { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// Tells whether the node judged what it was given, a transaction say, and refused it: asking
    /// again, or another node, would most likely give the same.
    #[must_use]
    pub fn is_verdict(&self) -> bool {
        self.rpc()
            .is_some_and(|(code, _)| !OF_THE_NODE.contains(&code))
    }

    /// Tells whether the node may have carried out what it gave no answer to.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Unreachable {
                may_have_arrived, ..
            } => *may_have_arrived,
            // The node has done it; the answer is what cannot be read.
            Self::Malformed { .. } | Self::TooLarge { .. } => true,
            _ => false,
        }
    }

    /// Tells whether the node may know the request in another form: with a parameter less, or of
    /// another type.
    pub(crate) fn is_about_parameters(&self) -> bool {
        self.has_code(RPC_MISC_ERROR)
            || self.has_code(RPC_TYPE_ERROR)
            || self.has_code(RPC_INVALID_PARAMETER)
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
