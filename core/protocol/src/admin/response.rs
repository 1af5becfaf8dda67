//! Responses of the admin RPC, written by the server and read by the command line.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{AdminAnswer, AdminCall, GroupRow, SessionRow};
use crate::{Id, RpcError};

/// What came back for a command.
#[derive(Clone, Debug)]
pub struct AdminResponse {
    /// The result as it came: JSON.
    pub raw: String,
    /// The same, read.
    pub answer: AdminAnswer,
}

#[derive(Serialize)]
struct ResponseOut<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a AdminAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorJson>,
}

#[derive(Deserialize)]
struct ResponseIn<'a> {
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    error: Option<ErrorJson>,
}

#[derive(Serialize, Deserialize)]
struct ErrorJson {
    code: i64,
    message: String,
}

/// Appends the response to one command, its end of line included; nothing to a notification.
pub fn encode_admin_response(out: &mut Vec<u8>, id: &Id, result: &Result<AdminAnswer, RpcError>) {
    let Id::Json(id) = id else { return };
    let Ok(id) = serde_json::from_str(id) else {
        return;
    };
    let error = result.as_ref().err().map(|error| ErrorJson {
        code: error.code,
        message: error.message.clone(),
    });
    let response = ResponseOut {
        jsonrpc: "2.0",
        id,
        result: result.as_ref().ok(),
        error,
    };
    append(out, &response);
    out.push(b'\n');
}

impl AdminResponse {
    /// Reads the response to `call`.
    ///
    /// # Errors
    /// The server's error, or one that says that the line is no answer to this command.
    pub fn decode(call: &AdminCall, line: &[u8]) -> Result<Self, RpcError> {
        let response: ResponseIn<'_> =
            serde_json::from_slice(line).map_err(|error| unexpected(&error))?;
        if let Some(ErrorJson { code, message }) = response.error {
            return Err(RpcError { code, message });
        }
        let raw = response.result.map_or("null", RawValue::get);
        Ok(Self {
            answer: answer(call, raw).map_err(|error| unexpected(&error))?,
            raw: raw.to_owned(),
        })
    }
}

fn append(out: &mut Vec<u8>, response: &ResponseOut<'_>) {
    serde_json::to_writer(out, response).expect("a Vec takes all, and all keys are strings");
}

fn answer(call: &AdminCall, raw: &str) -> serde_json::Result<AdminAnswer> {
    fn read<T: DeserializeOwned>(raw: &str) -> serde_json::Result<T> {
        serde_json::from_str(raw)
    }
    Ok(match call {
        AdminCall::GetInfo => AdminAnswer::Info(read(raw)?),
        AdminCall::Sessions => AdminAnswer::Sessions(read::<Vec<SessionRow>>(raw)?),
        AdminCall::Groups => AdminAnswer::Groups(read::<Vec<GroupRow>>(raw)?),
        AdminCall::Banned => AdminAnswer::Bans(read(raw)?),
        AdminCall::Query { verbose: true, .. } => AdminAnswer::Queried(read(raw)?),
        AdminCall::Query { .. }
        | AdminCall::Peers
        | AdminCall::Disconnect { .. }
        | AdminCall::Log { .. } => AdminAnswer::Lines(read(raw)?),
        AdminCall::Auth(_)
        | AdminCall::AddPeer { .. }
        | AdminCall::DaemonUrl { .. }
        | AdminCall::Reorg { .. }
        | AdminCall::Ban { .. }
        | AdminCall::Unban { .. }
        | AdminCall::Reload
        | AdminCall::Stop => AdminAnswer::Text(read(raw)?),
    })
}

fn unexpected(error: &serde_json::Error) -> RpcError {
    RpcError::invalid_request(format!(
        "expected an answer of Electrode's admin RPC, is another program at that port? {error}"
    ))
}
