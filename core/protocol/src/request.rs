//! JSON-RPC requests, of version 1.0, 2.0 or unsaid.

use std::fmt;

use serde_json::value::RawValue;

use crate::{RpcError, error::echo, json};

/// What one message asks.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// One request.
    Single(Request),
    /// Several, answered together by one array.
    Batch(Vec<Result<Request, Refusal>>),
}

/// One call of a method, not yet looked at.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the response is to carry.
    pub id: Id,
    /// Name of the method.
    pub method: String,
    /// Its arguments.
    pub params: Params,
}

/// Method and arguments, shortened: for the log.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [method, params] = [&self.method, self.params.json()].map(echo);
        write!(f, "{} {}", method.escape_debug(), params.escape_debug())
    }
}

/// What tells a client which request a response belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// None was given: the request is carried out and not answered.
    Notification,
    /// JSON text of a number, a string or null, echoed as it came.
    Json(Box<str>),
}

impl Id {
    /// Gives the id of responses to what cannot be read.
    #[must_use]
    pub fn null() -> Self {
        Self::Json("null".into())
    }
}

/// The arguments of a request as JSON text, read once the method is known.
#[derive(Clone, Debug)]
pub struct Params(pub(crate) Option<Box<RawValue>>);

impl Params {
    /// Gives the JSON text of an array or an object; no params are an empty array.
    pub(crate) fn json(&self) -> &str {
        self.0.as_deref().map_or("[]", RawValue::get)
    }
}

/// A request that cannot be read, and the answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Id of the request as far as it could be read, else null.
    pub id: Id,
    /// What is wrong.
    pub error: RpcError,
}

/// Reads one message: a request, or an array of up to `max_batch` of them.
///
/// Members that JSON-RPC does not define are ignored, of a repeated member the last one counts.
/// Cost: O(message), in memory too.
///
/// # Errors
/// The message is no JSON, no request, an empty batch or too long a batch. Requests of a batch
/// are refused one by one.
pub fn parse(message: &[u8], max_batch: usize) -> Result<Incoming, Refusal> {
    let message: &RawValue = std::str::from_utf8(message)
        .ok()
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| refuse(RpcError::parse_error()))?;
    if message.get().starts_with('[') {
        parse_batch(message, max_batch).map(Incoming::Batch)
    } else {
        parse_request(message).map(Incoming::Single)
    }
}

fn parse_batch(
    message: &RawValue,
    max_batch: usize,
) -> Result<Vec<Result<Request, Refusal>>, Refusal> {
    let mut requests = Vec::new();
    let mut len = 0_usize;
    let walked = json::each_element(message.get(), |request| {
        len += 1;
        if len <= max_batch {
            requests.push(parse_request(request));
        }
    });
    if walked.is_err() {
        return Err(refuse(RpcError::parse_error()));
    }
    match len {
        0 => Err(refuse(RpcError::invalid_request("batch is empty"))),
        _ if len > max_batch => {
            let message = format!("expected a batch of at most {max_batch} requests, got {len}");
            Err(refuse(RpcError::invalid_request(message)))
        }
        _ => Ok(requests),
    }
}

fn parse_request(request: &RawValue) -> Result<Request, Refusal> {
    let (mut id, mut method, mut params) = (None, None, None);
    let walked = json::each_member(request.get(), |name, value| match name {
        "id" => id = Some(value),
        "method" => method = Some(value),
        "params" => params = Some(value),
        _ => {}
    });
    if walked.is_err() {
        return Err(refuse(RpcError::invalid_request(
            "expected a request object",
        )));
    }
    let id = id.map_or(Ok(Id::Notification), parse_id)?;
    let invalid = |error| Refusal {
        id: if id == Id::Notification {
            Id::null()
        } else {
            id.clone()
        },
        error: RpcError::invalid_request(error),
    };
    let method = method
        .and_then(|method| serde_json::from_str(method.get()).ok())
        .ok_or_else(|| invalid("expected a method name that is a string"))?;
    let params = parse_params(params).map_err(invalid)?;
    Ok(Request { id, method, params })
}

fn parse_id(id: &RawValue) -> Result<Id, Refusal> {
    match id.get().as_bytes() {
        [b'[' | b'{' | b't' | b'f', ..] => Err(refuse(RpcError::invalid_request(
            "expected an id that is a number or a string",
        ))),
        _ => Ok(Id::Json(id.get().into())),
    }
}

fn parse_params(params: Option<&RawValue>) -> Result<Params, &'static str> {
    let Some(params) = params else {
        return Ok(Params(None));
    };
    match params.get().as_bytes() {
        [b'[' | b'{', ..] => Ok(Params(Some(params.to_owned()))),
        b"null" => Ok(Params(None)),
        _ => Err("expected params that are an array or an object"),
    }
}

fn refuse(error: RpcError) -> Refusal {
    Refusal {
        id: Id::null(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_BATCH: usize = 3;

    fn id(json: &str) -> Id {
        Id::Json(json.into())
    }

    /// Tells what came of one request: id, method and params, or id and error code.
    fn outcome(parsed: Result<Request, Refusal>) -> (Id, Result<(String, String), i64>) {
        match parsed {
            Ok(request) => (
                request.id,
                Ok((request.method, request.params.json().to_owned())),
            ),
            Err(refusal) => (refusal.id, Err(refusal.error.code)),
        }
    }

    fn parse_one(message: &str) -> (Id, Result<(String, String), i64>) {
        match parse(message.as_bytes(), MAX_BATCH) {
            Ok(Incoming::Batch(_)) => panic!("{message} is no batch"),
            Ok(Incoming::Single(request)) => outcome(Ok(request)),
            Err(refusal) => outcome(Err(refusal)),
        }
    }

    #[test]
    fn reads_what_wallets_send() {
        for (message, expected_id, params) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}"#,
                id("1"),
                "[1]",
            ),
            (r#"{"id":"5","method":"m"}"#, id("\"5\""), "[]"),
            (
                r#"{"id":-0.50,"method":"m","params":null}"#,
                id("-0.50"),
                "[]",
            ),
            (r#"{"id":null,"method":"m","params":[]}"#, id("null"), "[]"),
            (
                r#"{"method":"m","params":{"a":1}}"#,
                Id::Notification,
                r#"{"a":1}"#,
            ),
            (
                "  {\"id\":1,\"method\":\"m\",\"params\":[ ]   }  \r",
                id("1"),
                "[ ]",
            ),
            (
                r#"{"authorization":{"x":[]},"id":1,"method":"\u006d"}"#,
                id("1"),
                "[]",
            ),
            (
                r#"{"id":2,"id":1,"method":"x","method":"m"}"#,
                id("1"),
                "[]",
            ),
            (
                "{\"id\":1,\"method\":\"m\",\"\u{e9}\":\"\u{e9}\"}",
                id("1"),
                "[]",
            ),
        ] {
            let expected = (expected_id, Ok(("m".to_owned(), params.to_owned())));
            assert_eq!(parse_one(message), expected, "{message}");
        }
    }

    #[test]
    fn refuses_what_is_no_request() {
        for (message, expected_id, code) in [
            ("", id("null"), -32700),
            ("{", id("null"), -32700),
            ("{} {}", id("null"), -32700),
            (r#"{"id":1,"method":"m",}"#, id("null"), -32700),
            ("{\"id\":\"\u{1}\"}", id("null"), -32700),
            ("1", id("null"), -32600),
            ("\"x\"", id("null"), -32600),
            ("null", id("null"), -32600),
            ("{}", id("null"), -32600),
            (r#"{"id":1}"#, id("1"), -32600),
            (r#"{"id":1,"method":5}"#, id("1"), -32600),
            (r#"{"id":1,"method":"\ud800"}"#, id("1"), -32600),
            (r#"{"id":1,"method":"m","\ud800":0}"#, id("null"), -32600),
            (r#"{"id":[1],"method":"m"}"#, id("null"), -32600),
            (r#"{"id":{},"method":"m"}"#, id("null"), -32600),
            (r#"{"id":true,"method":"m"}"#, id("null"), -32600),
            (r#"{"id":1,"method":"m","params":5}"#, id("1"), -32600),
            (r#"{"id":1,"method":"m","params":"x"}"#, id("1"), -32600),
            (r#"{"method":"m","params":"x"}"#, id("null"), -32600),
        ] {
            assert_eq!(parse_one(message), (expected_id, Err(code)), "{message}");
        }
        let error = parse(b"{\"id\":\"\xff\"}", MAX_BATCH).unwrap_err();
        assert_eq!(
            error,
            Refusal {
                id: Id::null(),
                error: RpcError::parse_error()
            }
        );
    }

    #[test]
    fn reads_batches_up_to_the_limit() {
        let Ok(Incoming::Batch(requests)) = parse(
            br#"[{"id":1,"method":"m"}, 5, [{"id":2,"method":"m"}]]"#,
            MAX_BATCH,
        ) else {
            panic!("a batch was expected");
        };
        let outcomes: Vec<_> = requests.into_iter().map(outcome).collect();
        let (first, refused) = (Ok(("m".to_owned(), "[]".to_owned())), Err(-32600));
        assert_eq!(
            outcomes,
            [
                (id("1"), first),
                (id("null"), refused.clone()),
                (id("null"), refused)
            ]
        );

        for (message, expected) in [
            ("[]", "batch is empty"),
            ("[1,2,3,4]", "expected a batch of at most 3 requests, got 4"),
        ] {
            let refusal = parse(message.as_bytes(), MAX_BATCH).unwrap_err();
            assert_eq!(refusal.id, Id::null());
            assert_eq!(
                (refusal.error.code, &*refusal.error.message),
                (-32600, expected)
            );
        }
    }

    #[test]
    fn survives_deep_nesting() {
        let depth = 500_000;
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let request = format!(r#"{{"id":1,"method":"m","params":{nested},"x":{nested}}}"#);
        assert_eq!(
            parse_one(&request),
            (id("1"), Ok(("m".to_owned(), nested.clone())))
        );
        assert!(matches!(
            parse(nested.as_bytes(), MAX_BATCH),
            Ok(Incoming::Batch(_))
        ));
        let unclosed = "[{\"id\":".repeat(depth);
        assert_eq!(parse_one(&unclosed), (id("null"), Err(-32700)));
    }
}
