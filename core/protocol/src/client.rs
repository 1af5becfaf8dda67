//! The client's half of a conversation: it numbers requests, and tells what of the server's lines
//! answers which of them.
//!
//! As pure as the rest: whoever has a connection sends the lines that [`Client::request`] gives and
//! hands in those that come. Peers and tools use it; a server does not.

mod params;
mod text;

use std::{collections::BTreeSet, fmt};

use serde_json::value::RawValue;

use crate::{Params, error::echo, json::each_member};

pub use params::ParamsError;
pub use text::Json;
use text::write_visible;

/// What a conversation stands at.
#[derive(Clone, Debug, Default)]
pub struct Client {
    next: u64,
    open: BTreeSet<RequestId>,
}

/// What tells which request an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

/// What a server says in one line.
#[derive(Clone, Debug)]
pub enum Received {
    /// The answer to an open request, which is not open any more.
    Answer {
        /// The request.
        to: RequestId,
        /// What the server answers.
        result: Result<Json, ServerError>,
    },
    /// Something that the client has subscribed to has changed.
    Notice(Notice),
    /// The server could not tell which request it could not read.
    Complaint(ServerError),
}

/// A notification.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The method that subscribed to it.
    pub method: String,
    /// What has changed, and what it is now.
    pub params: Json,
}

/// An error as a server words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// What kind of error it is, where the server says.
    pub code: Option<i64>,
    /// What is wrong; the JSON that came where that is no error object. Foreign text.
    pub message: String,
}

/// A line that no server of the protocol sends at that point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// It is neither an answer nor a notification.
    #[error("expected an answer or a notification of JSON-RPC, came \"{line}\"")]
    NoMessage {
        /// The line, shortened, in visible characters.
        line: String,
    },
    /// It answers what was not asked, or is answered already.
    #[error("expected an answer to an open request, came one to id {id}")]
    Unasked {
        /// The id that it carries, shortened.
        id: String,
    },
}

impl Client {
    /// Opens a request and gives the line to send, its end included.
    ///
    /// Shape: `{"jsonrpc":"2.0","id":0,"method":"server.ping","params":[]}`
    pub fn request(&mut self, method: &str, params: &Params) -> (RequestId, Vec<u8>) {
        let id = RequestId(self.next);
        self.next += 1;
        self.open.insert(id);
        let (number, params) = (id.0, params.json());
        let method = serde_json::Value::from(method);
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":{method},\"params\":{params}}}\n"
        );
        (id, line.into_bytes())
    }

    /// Reads a line, without its end. Cost: O(line), in memory too.
    ///
    /// # Errors
    /// The line is no message, or answers no open request.
    pub fn receive(&mut self, line: &[u8]) -> Result<Received, ClientError> {
        let no_message = || ClientError::NoMessage {
            line: echo(&String::from_utf8_lossy(line))
                .escape_debug()
                .to_string(),
        };
        let text = std::str::from_utf8(line).map_err(|_no_text| no_message())?;
        let Message {
            id,
            method,
            params,
            result,
            error,
        } = Message::read(text).map_err(|_no_object| no_message())?;
        if let Some(method) = method {
            let method = serde_json::from_str(method.get());
            return Ok(Received::Notice(Notice {
                method: method.map_err(|_no_string| no_message())?,
                params: Json::of(params),
            }));
        }
        let result = match error {
            Some(error) => Err(ServerError::read(error)),
            None if result.is_some() => Ok(Json::of(result)),
            None => return Err(no_message()),
        };
        match (id.map(RawValue::get), result) {
            (None | Some("null"), Err(error)) => Ok(Received::Complaint(error)),
            (None | Some("null"), Ok(_)) => Err(no_message()),
            (Some(id), result) => {
                let to = self.close(id)?;
                Ok(Received::Answer { to, result })
            }
        }
    }

    fn close(&mut self, id: &str) -> Result<RequestId, ClientError> {
        let open = id.parse().map(RequestId).ok();
        open.filter(|id| self.open.remove(id))
            .ok_or_else(|| ClientError::Unasked {
                id: echo(id).escape_debug().to_string(),
            })
    }
}

/// Tells whether whoever calls this method is told of changes from then on.
#[must_use]
pub fn is_subscription(method: &str) -> bool {
    // Lists peers, once.
    const ONLY_BY_NAME: &str = "server.peers.subscribe";
    method.ends_with(".subscribe") && method != ONLY_BY_NAME
}

/// In one line, as it came over the wire but for what is the same in all.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{\"method\":")?;
        write_visible(f, &serde_json::Value::from(&*self.method).to_string())?;
        write!(f, ",\"params\":{}}}", self.params)
    }
}

impl ServerError {
    fn read(error: &RawValue) -> Self {
        let (mut code, mut message) = (None, None);
        let walked = each_member(error.get(), |name, value| match name {
            "code" => code = serde_json::from_str(value.get()).ok(),
            "message" => message = serde_json::from_str(value.get()).ok(),
            _ => {}
        });
        let message = message.filter(|_whole| walked.is_ok());
        Self {
            code,
            message: message.unwrap_or_else(|| Json::of(Some(error)).to_string()),
        }
    }
}

/// As it may be shown: what could move the cursor of a terminal is spelt out.
impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_visible(f, &self.message)?;
        match self.code {
            Some(code) => write!(f, " (code {code})"),
            None => Ok(()),
        }
    }
}

/// The members of a message that mean something.
#[derive(Default)]
struct Message<'a> {
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    /// Also where it is null.
    result: Option<&'a RawValue>,
    /// Not where it is null, as JSON-RPC 1.0 has it beside a result.
    error: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    fn read(text: &'a str) -> serde_json::Result<Self> {
        let mut message = Self::default();
        let text: &RawValue = serde_json::from_str(text)?;
        each_member(text.get(), |name, value| match name {
            "id" => message.id = Some(value),
            "method" => message.method = Some(value),
            "params" => message.params = Some(value),
            "result" => message.result = Some(value),
            "error" => message.error = Some(value).filter(|error| error.get() != "null"),
            _ => {}
        })?;
        Ok(message)
    }
}

#[cfg(test)]
mod tests;
