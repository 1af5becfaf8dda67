//! Requests and batches, compared with what `serde_json` makes of them.

use electrode_tests::Dice;
use serde_json::Value;

use super::CASES;
use crate::{Dialect, Id, Incoming, ProtocolVersion, Refusal, Request, encode_response, parse};

const MAX_BATCH: usize = 3;
const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;

const REQUESTS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1,"x"]}"#,
    r#"{"id":"a\"\u00e9","method":"server.ping","params":{"a":[{}]}}"#,
    r#"{"method":"m","params":null}"#,
    r#" { "id" : -1.5e3 , "method" : "m" } "#,
    r#"[{"id":1,"method":"m"},{"id":null,"method":"m","params":[]},{"method":"m"}]"#,
    r#"[{"id":1,"method":"m"},5,[]]"#,
    r#"[1,2,3,4]"#,
    "[]",
];

/// What is put in somewhere.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "-",
    "0",
    "1e400",
    "\\ud800",
    "\\u0069d",
    "\"id\":",
    "\"method\":",
    "\"params\":",
    "\"x\"",
    "[[]]",
    "\u{0}",
    "\u{e9}",
    " ",
    "\t",
    "{},",
    "\"id\":[1],",
];

/// Tells what the answer to a request must say of it: its id, and the code if it is refused.
#[derive(Debug, PartialEq)]
struct Verdict {
    id: Option<Value>,
    code: Option<i64>,
}

fn refused(code: i64) -> Verdict {
    Verdict {
        id: Some(Value::Null),
        code: Some(code),
    }
}

/// Judges a request as JSON-RPC has it. Source: <https://www.jsonrpc.org/specification>.
fn judge(request: &Value) -> Verdict {
    let Value::Object(members) = request else {
        return refused(INVALID_REQUEST);
    };
    let id = members.get("id");
    if !matches!(
        id,
        None | Some(Value::Null | Value::Number(_) | Value::String(_))
    ) {
        return refused(INVALID_REQUEST);
    }
    let has_method = members.get("method").is_some_and(Value::is_string);
    let has_params = matches!(
        members.get("params"),
        None | Some(Value::Null | Value::Array(_) | Value::Object(_))
    );
    if has_method && has_params {
        return Verdict {
            id: id.cloned(),
            code: None,
        };
    }
    Verdict {
        id: Some(id.cloned().unwrap_or_default()),
        code: Some(INVALID_REQUEST),
    }
}

/// Tells what was read of one request, by way of the answer to it.
fn verdict(message: &str, parsed: Result<Request, Refusal>) -> Verdict {
    let (id, code) = match parsed {
        Ok(request) => (request.id, None),
        Err(refusal) => (refusal.id, Some(refusal.error)),
    };
    let mut answer = Vec::new();
    let dialect = Dialect::new(ProtocolVersion::V1_6);
    let result = code.clone().map_or(Ok(crate::Answer::Null), Err);
    encode_response(&mut answer, &id, &result, dialect);
    let id = match id {
        Id::Notification => {
            assert_eq!(answer, b"", "a notification is not answered");
            None
        }
        Id::Json(text) => {
            assert!(*text == *"null" || message.contains(&*text), "{text}");
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            Some(answer["id"].clone())
        }
    };
    Verdict {
        id,
        code: code.map(|error| error.code),
    }
}

/// Compares what is made of a message with what `serde_json` makes of it; tells whether it was
/// JSON.
fn compare(message: &str) -> bool {
    let parsed = parse(message.as_bytes(), MAX_BATCH);
    let value: Value = match serde_json::from_str(message) {
        Ok(value) => value,
        // Numbers that are too large and halves of surrogates are JSON all the same.
        Err(_) if serde_json::from_str::<serde::de::IgnoredAny>(message).is_ok() => return true,
        Err(error) => {
            let refusal = parsed.expect_err("refused as JSON");
            assert_eq!(refusal.id, Id::null());
            assert_eq!(refusal.error.code, PARSE_ERROR, "{message}: {error}");
            return false;
        }
    };
    match (parsed, &value) {
        (Ok(Incoming::Batch(requests)), Value::Array(values)) => {
            assert!((1..=MAX_BATCH).contains(&values.len()), "{message}");
            assert_eq!(requests.len(), values.len());
            for (request, value) in requests.into_iter().zip(values) {
                assert_eq!(verdict(message, request), judge(value), "{message}");
            }
        }
        (Err(refusal), Value::Array(values)) => {
            assert!(values.is_empty() || values.len() > MAX_BATCH, "{message}");
            assert_eq!(verdict(message, Err(refusal)), refused(INVALID_REQUEST));
        }
        (Ok(Incoming::Single(request)), value) => {
            assert_eq!(verdict(message, Ok(request)), judge(value), "{message}");
        }
        (Err(refusal), value) => {
            assert_eq!(verdict(message, Err(refusal)), judge(value), "{message}");
        }
        (Ok(Incoming::Batch(_)), _) => panic!("{message} is no batch"),
    }
    true
}

#[test]
fn are_what_serde_json_takes_them_for() {
    let mut dice = Dice::from_env();
    let mut valid = 0;
    for _ in 0..CASES {
        let request = REQUESTS[dice.index(REQUESTS.len())];
        valid += u32::from(compare(&dice.damaged(request, PIECES)));
    }
    assert!(valid > CASES / 10 && valid < CASES * 9 / 10, "{valid}");
}

#[test]
fn that_are_no_text_are_refused() {
    let mut dice = Dice::from_env();
    let mut refused = 0;
    for _ in 0..CASES {
        let mut message = REQUESTS[dice.index(REQUESTS.len())].as_bytes().to_vec();
        let at = dice.index(message.len());
        message[at] = u8::try_from(dice.pick(0..256)).unwrap();
        match str::from_utf8(&message) {
            Ok(text) => drop(compare(text)),
            Err(_no_text) => {
                let refusal = parse(&message, MAX_BATCH).expect_err("no text");
                assert_eq!((refusal.id, refusal.error.code), (Id::null(), PARSE_ERROR));
                refused += 1;
            }
        }
    }
    assert!(refused > CASES / 4, "{refused}");
}
