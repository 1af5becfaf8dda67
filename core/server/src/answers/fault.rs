//! What keeps a call from its answer, and the one place that says it in the words of the
//! protocol.

use electrode_daemon::DaemonError;
use electrode_index::IndexError;
use electrode_protocol::RpcError;

use crate::raw_transactions::CutError;

/// Why there is no answer.
pub(super) enum Fault {
    /// The client asked for what there is not; this is the answer.
    Client(RpcError),
    /// The index could not be read.
    Index(IndexError),
    /// The node did not do what was asked.
    Daemon(DaemonError),
    /// There is nothing to answer from yet.
    NotReady,
    /// The server is going down.
    Stopped,
}

impl From<RpcError> for Fault {
    fn from(error: RpcError) -> Self {
        Self::Client(error)
    }
}

impl From<IndexError> for Fault {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl From<CutError> for Fault {
    fn from(error: CutError) -> Self {
        match error {
            CutError::Daemon(error) => Self::Daemon(error),
            CutError::Stopped => Self::Stopped,
            CutError::OtherBlock => Self::Client(RpcError::daemon(error)),
        }
    }
}

impl From<DaemonError> for Fault {
    fn from(error: DaemonError) -> Self {
        Self::Daemon(error)
    }
}

/// Says a fault to the client; what is ours is logged and not told.
pub(super) fn rpc_error(fault: Fault) -> RpcError {
    match fault {
        Fault::Client(error) => error,
        Fault::Index(IndexError::HistoryTooLarge) => RpcError::history_too_large(),
        Fault::Index(IndexError::Reorganised) | Fault::NotReady | Fault::Stopped => {
            RpcError::busy()
        }
        Fault::Index(error) => {
            tracing::error!(%error, "a request failed");
            RpcError::internal()
        }
        Fault::Daemon(error) => match error.rpc() {
            Some((code, message)) => {
                RpcError::daemon(format!("{{'code': {code}, 'message': '{message}'}}"))
            }
            None => {
                tracing::warn!(%error, "a request to the node failed");
                RpcError::daemon("the node does not answer")
            }
        },
    }
}
