//! Errors as wallets see them.
//!
//! Codes and texts are those of ElectrumX, because wallets match on them.

use std::fmt;

use electrode_coin::{Height, Txid};

use crate::RequestedVersion;

/// What the client asked cannot be done.
const BAD_REQUEST: i64 = 1;
/// The node refused or failed.
const DAEMON_ERROR: i64 = 2;
/// The client used more than its share.
const EXCESSIVE_RESOURCE_USAGE: i64 = -101;
/// The answer took too long.
const SERVER_BUSY: i64 = -102;
const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_ARGS: i64 = -32602;
const INTERNAL_ERROR: i64 = -32603;

/// How much of a foreign text an error repeats, in characters.
const ECHO_LIMIT: usize = 80;

/// The error member of a JSON-RPC response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct RpcError {
    /// What kind of error it is.
    pub code: i64,
    /// What wallets show.
    pub message: String,
}

impl RpcError {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The request is understood and refused.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(BAD_REQUEST, message)
    }

    /// The node refused or failed; `error` is what it said, such as its JSON error object.
    #[must_use]
    pub fn daemon(error: impl fmt::Display) -> Self {
        Self::new(DAEMON_ERROR, format!("daemon error: {error}"))
    }

    /// The message is no JSON.
    #[must_use]
    pub fn parse_error() -> Self {
        Self::new(PARSE_ERROR, "invalid JSON")
    }

    /// The message is JSON, but no request.
    #[must_use]
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(INVALID_REQUEST, message)
    }

    /// A request line was longer than the server takes.
    #[must_use]
    pub fn request_too_large(max_bytes: usize) -> Self {
        Self::invalid_request(format!(
            "request too large (over {} bytes)",
            Grouped(max_bytes)
        ))
    }

    /// The answer would be longer than the server sends.
    #[must_use]
    pub fn response_too_large(max_bytes: usize) -> Self {
        Self::invalid_request(format!(
            "response too large (over {} bytes)",
            Grouped(max_bytes)
        ))
    }

    /// This protocol version has no such method.
    #[must_use]
    pub fn unknown_method(method: &str) -> Self {
        Self::new(
            METHOD_NOT_FOUND,
            format!("unknown method \"{}\"", echo(method)),
        )
    }

    /// The number of arguments or their names are wrong.
    #[must_use]
    pub fn invalid_args(message: impl Into<String>) -> Self {
        Self::new(INVALID_ARGS, message)
    }

    /// The server is at fault; what happened is for its log, not for the client.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(INTERNAL_ERROR, "internal server error")
    }

    /// The client used more than its share; the session is closed next.
    #[must_use]
    pub fn excessive() -> Self {
        Self::new(EXCESSIVE_RESOURCE_USAGE, "excessive resource usage")
    }

    /// The answer took longer than the server allows.
    #[must_use]
    pub fn busy() -> Self {
        Self::new(SERVER_BUSY, "server busy - request timed out")
    }

    /// The history of a script is longer than the server sends.
    #[must_use]
    pub fn history_too_large() -> Self {
        Self::bad_request("history too large")
    }

    /// There is no block at this height.
    #[must_use]
    pub fn height_out_of_range(height: Height) -> Self {
        Self::bad_request(format!("height {} out of range", Grouped(height)))
    }

    /// The transaction is not in the block at this height.
    #[must_use]
    pub fn not_in_block(txid: &Txid, height: Height) -> Self {
        Self::bad_request(format!(
            "tx {txid} not in block at height {}",
            Grouped(height)
        ))
    }

    /// The block at this height has fewer transactions.
    #[must_use]
    pub fn no_tx_at_position(tx_pos: u32, height: Height) -> Self {
        let (tx_pos, height) = (Grouped(tx_pos), Grouped(height));
        Self::bad_request(format!(
            "no tx at position {tx_pos} in block at height {height}"
        ))
    }

    /// A checkpoint proof is asked for a header above the checkpoint, or the checkpoint is above
    /// the tip.
    #[must_use]
    pub fn checkpoint_out_of_range(height: Height, cp_height: Height, tip: Height) -> Self {
        let (height, cp_height, tip) = (Grouped(height), Grouped(cp_height), Grouped(tip));
        Self::bad_request(format!(
            "require header height {height} <= cp_height {cp_height} <= chain height {tip}"
        ))
    }

    /// Client and server have no version in common; the session is closed next.
    #[must_use]
    pub fn unsupported_version(requested: &RequestedVersion) -> Self {
        Self::bad_request(format!("unsupported protocol version: {requested}"))
    }

    /// A session can choose its version only once.
    #[must_use]
    pub fn version_already_sent() -> Self {
        Self::bad_request("server.version already sent")
    }

    /// The operator does not serve this client; the session is closed next.
    #[must_use]
    pub fn unsupported_client(client_name: &str) -> Self {
        Self::bad_request(format!("unsupported client: {}", echo(client_name)))
    }

    /// The operator serves only clients that say who they are first; the session is closed next.
    #[must_use]
    pub fn unknown_client() -> Self {
        Self::bad_request("use server.version to identify client")
    }

    /// The node refused a transaction, saying `message`.
    #[must_use]
    pub fn rejected_transaction(message: &str, raw: &str) -> Self {
        Self::bad_request(format!(
            "the transaction was rejected by network rules.\n\n{message}\n[{raw}]"
        ))
    }

    /// The node refused a package of transactions, saying `message`.
    #[must_use]
    pub fn rejected_package(message: &str) -> Self {
        Self::bad_request(format!(
            "the tx package was rejected by network rules.\n\n{message}."
        ))
    }
}

/// Shortens a foreign text, so that an error is never as long as what it is about.
pub(crate) fn echo(text: &str) -> String {
    let mut chars = text.chars();
    let mut shortened: String = chars.by_ref().take(ECHO_LIMIT).collect();
    if chars.next().is_some() {
        shortened.push_str("...");
    }
    shortened
}

/// Prints a number with commas between thousands, as ElectrumX does.
struct Grouped<T>(T);

impl<T: fmt::Display> fmt::Display for Grouped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_errors_as_electrumx_does() {
        let txid = Txid([0xab; 32]);
        for (error, code, message) in [
            (
                RpcError::height_out_of_range(Height(1_234_567)),
                1,
                "height 1,234,567 out of range".to_owned(),
            ),
            (
                RpcError::not_in_block(&txid, Height(999)),
                1,
                format!("tx {txid} not in block at height 999"),
            ),
            (
                RpcError::no_tx_at_position(1000, Height(100_000)),
                1,
                "no tx at position 1,000 in block at height 100,000".to_owned(),
            ),
            (
                RpcError::checkpoint_out_of_range(Height(3), Height(2), Height(12_345)),
                1,
                "require header height 3 <= cp_height 2 <= chain height 12,345".to_owned(),
            ),
            (
                RpcError::daemon(r#"{"code":-5,"message":"no"}"#),
                2,
                r#"daemon error: {"code":-5,"message":"no"}"#.to_owned(),
            ),
            (
                RpcError::rejected_transaction("dust", "00ff"),
                1,
                "the transaction was rejected by network rules.\n\ndust\n[00ff]".to_owned(),
            ),
            (
                RpcError::rejected_package("package-topology"),
                1,
                "the tx package was rejected by network rules.\n\npackage-topology.".to_owned(),
            ),
            (
                RpcError::response_too_large(8_100_000),
                -32600,
                "response too large (over 8,100,000 bytes)".to_owned(),
            ),
            (
                RpcError::unknown_method("x"),
                -32601,
                "unknown method \"x\"".to_owned(),
            ),
        ] {
            assert_eq!((error.code, error.message), (code, message));
        }
    }

    #[test]
    fn shortens_what_it_repeats() {
        let error = RpcError::unknown_method(&"\u{e9}".repeat(1_000_000));
        assert_eq!(
            error.message.chars().count(),
            "unknown method \"...\"".len() + ECHO_LIMIT
        );
    }
}
