//! What one session speaks.

use crate::{Call, ProtocolVersion, Request, RpcError, methods};

/// The protocol version of a session, and whether it was negotiated or is assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    version: ProtocolVersion,
    negotiation: Negotiation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Negotiation {
    Open,
    Done,
}

impl Dialect {
    /// Starts a session, which speaks the lowest version of the server until it negotiates: some
    /// wallets never do.
    #[must_use]
    pub const fn new(min: ProtocolVersion) -> Self {
        Self {
            version: min,
            negotiation: Negotiation::Open,
        }
    }

    /// Speaks the version that [`negotiate`](crate::negotiate) gave.
    #[must_use]
    pub const fn negotiated(version: ProtocolVersion) -> Self {
        Self {
            version,
            negotiation: Negotiation::Done,
        }
    }

    /// Gives the version spoken.
    #[must_use]
    pub const fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Reads a request.
    ///
    /// # Errors
    /// This version has no such method, the arguments are wrong, or the version was negotiated
    /// already.
    pub fn decode(&self, request: &Request) -> Result<Call, RpcError> {
        let call = methods::decode(self.version, &request.method, &request.params)?;
        match (self.negotiation, &call) {
            (Negotiation::Done, Call::ServerVersion { .. }) => {
                Err(RpcError::version_already_sent())
            }
            _ => Ok(call),
        }
    }
}
