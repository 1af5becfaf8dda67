//! Why a call has no answer.

use std::{io, time::Duration};

use electrode_protocol::{ClientError, LineTooLong, ParamsError, ServerError};

use super::fingerprint::Fingerprint;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The arguments cannot be sent.
    #[error("--params: {0}")]
    Params(#[from] ParamsError),
    /// There is no connection to the server.
    #[error("cannot connect to {server}: {source}")]
    Connect {
        /// The server.
        server: String,
        /// What happened.
        source: io::Error,
    },
    /// The server does not take part in a handshake.
    #[error(
        "cannot speak {protocol} with {server}: {source}; another of tcp://, ssl://, ws:// and \
         wss:// may be right for that port"
    )]
    Handshake {
        /// The server.
        server: String,
        /// What was tried.
        protocol: &'static str,
        /// What happened.
        source: io::Error,
    },
    /// The server has another certificate than the one it is to have.
    #[error(
        "expected the certificate {expected} of {server}, came {came}: has it a new one, or does \
         somebody listen in?"
    )]
    OtherCertificate {
        /// The server.
        server: String,
        /// What `--pin` says.
        expected: Fingerprint,
        /// What the server has shown.
        came: Fingerprint,
    },
    /// A certificate is expected over a connection that has none.
    #[error("expected ssl:// or wss:// with --pin: {server} shows no certificate")]
    NothingToPin {
        /// The server.
        server: String,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    /// The server ended the connection.
    #[error(
        "expected an answer, the server closed the connection; another of tcp://, ssl://, ws:// \
         and wss:// may be right for that port"
    )]
    HungUp,
    /// The server ended the connection of a subscriber.
    #[error("the server closed the connection after {heard} notifications")]
    Forsaken {
        /// Notifications until then.
        heard: u64,
    },
    /// Nothing came in time.
    #[error("expected {what} within {limit:?}, nothing came; --timeout gives it longer")]
    Late {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        limit: Duration,
    },
    /// Fewer notifications than expected came in time.
    #[error("expected {expected} notifications within {limit:?}, came {heard}")]
    Few {
        /// What `--count` says.
        expected: u64,
        /// What was heard.
        heard: u64,
        /// For how long.
        limit: Duration,
    },
    /// The answer is longer than wanted.
    #[error("expected an answer of at most {max_bytes} bytes, came more; --max-bytes takes more")]
    TooLong {
        /// The limit.
        max_bytes: usize,
    },
    /// Something else than an Electrum server answers.
    #[error("{0}; is this an Electrum server?")]
    Strange(#[from] ClientError),
    /// The server answers with an error.
    #[error("{0}")]
    Refused(ServerError),
}

impl From<LineTooLong> for CallError {
    fn from(LineTooLong { max_line }: LineTooLong) -> Self {
        Self::TooLong {
            max_bytes: max_line,
        }
    }
}
