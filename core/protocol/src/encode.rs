//! Responses and notifications as JSON, each one line without its end.
//!
//! What can be long (histories, outputs, headers, branches) is written straight into the output.

mod answer;
mod write;

use electrode_coin::{Height, ScriptHash};

use self::write::{json, raw, reversed_hex};
use crate::{Answer, Dialect, Id, RpcError, Spelling, Status};

/// Appends the response to one request; nothing to a notification.
pub fn encode_response(
    out: &mut Vec<u8>,
    id: &Id,
    result: &Result<Answer, RpcError>,
    dialect: Dialect,
) {
    let Id::Json(id) = id else { return };
    raw(out, r#"{"jsonrpc":"2.0","id":"#);
    raw(out, id);
    match result {
        Ok(answer) => {
            raw(out, r#","result":"#);
            answer::encode(out, answer, dialect);
        }
        Err(RpcError { code, message }) => {
            raw(out, r#","error":{"code":"#);
            json(out, code);
            raw(out, r#","message":"#);
            json(out, message);
            raw(out, "}");
        }
    }
    raw(out, "}");
}

/// Writes the responses to a batch, one by one.
#[derive(Debug, Default)]
pub struct BatchEncoder {
    bytes: Vec<u8>,
}

impl BatchEncoder {
    /// Appends one response, unless the whole would be longer than `max_len` with it: tells
    /// whether it fit. A notification has no response, which always fits.
    pub fn push(
        &mut self,
        id: &Id,
        result: &Result<Answer, RpcError>,
        dialect: Dialect,
        max_len: usize,
    ) -> bool {
        if *id == Id::Notification {
            return true;
        }
        let len = self.bytes.len();
        raw(&mut self.bytes, if len == 0 { "[" } else { "," });
        encode_response(&mut self.bytes, id, result, dialect);
        // The closing bracket counts too.
        let fits = self.bytes.len() < max_len;
        if !fits {
            self.bytes.truncate(len);
        }
        fits
    }

    /// Gives the whole; nothing if it was all notifications.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if !self.bytes.is_empty() {
            raw(&mut self.bytes, "]");
        }
        self.bytes
    }
}

/// Appends the news of a new tip.
pub fn encode_headers_notification(out: &mut Vec<u8>, header: &[u8], height: Height) {
    raw(
        out,
        r#"{"jsonrpc":"2.0","method":"blockchain.headers.subscribe","params":["#,
    );
    answer::encode_tip(out, header, height);
    raw(out, "]}");
}

/// Appends the news of a script's new status, with the script as the client writes it.
pub fn encode_status_notification(
    out: &mut Vec<u8>,
    script_hash: &ScriptHash,
    spelling: Option<&Spelling>,
    status: Option<&Status>,
) {
    raw(
        out,
        r#"{"jsonrpc":"2.0","method":"blockchain.scripthash.subscribe","params":["#,
    );
    match spelling {
        Some(spelling) => json(out, spelling.as_str()),
        None => reversed_hex(out, &script_hash.0),
    }
    raw(out, ",");
    answer::encode_status(out, status);
    raw(out, "]}");
}

#[cfg(test)]
mod tests;
