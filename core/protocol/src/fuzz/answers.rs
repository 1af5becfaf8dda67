//! What a server answers, as a client reads it, compared with what `serde_json` makes of it.

use electrode_tests::Dice;
use serde_json::Value;

use super::CASES;
use crate::{Client, Params, Received};

const LINES: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":0,"result":{"a":[1.50,"\u00e9",{}],"b":null}}"#,
    r#"{"id":0,"result":null,"error":{"code":1,"message":"m"}}"#,
    r#"{"method":"a.subscribe","params":["x",null]}"#,
    r#"{"id":null,"error":{"code":-32700,"message":"invalid JSON"}}"#,
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
    "0",
    "1e400",
    "\\ud800",
    "\"id\":0,",
    "\"id\":1,",
    "\"method\":",
    "\"error\":",
    "\"result\":1,",
    "\"x\"",
    "\u{9b}",
    "\u{0}",
    " ",
    "{},",
];

/// Reads a line that comes while one request is open; tells whether anything was made of it.
fn compare(line: &str) -> bool {
    let mut client = Client::default();
    let (id, _request) = client.request("m", &Params::from_words([]));
    let received = client.receive(line.as_bytes());
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    let Ok(received) = received else {
        return false;
    };
    assert!(is_json, "{line}");
    // Numbers that are too large and halves of surrogates are JSON all the same.
    let Ok(value) = serde_json::from_str::<Value>(line) else {
        return true;
    };
    match received {
        Received::Answer { to, result } => {
            assert_eq!((to, &value["id"]), (id, &Value::from(0)), "{line}");
            assert_eq!(result.is_err(), !value["error"].is_null(), "{line}");
            if let Ok(json) = result {
                let shown = [json.to_string(), json.pretty().to_string()];
                let shown = shown.map(|text| serde_json::from_str::<Value>(&text).unwrap());
                assert!(
                    shown.iter().all(|shown| *shown == value["result"]),
                    "{line}"
                );
            }
            let again = client.receive(line.as_bytes());
            assert!(again.is_err(), "answered twice: {line}");
        }
        Received::Notice(notice) => assert_eq!(value["method"], notice.method, "{line}"),
        Received::Complaint(_) => {
            assert!(value["id"].is_null() && !value["error"].is_null(), "{line}");
        }
    }
    true
}

#[test]
fn are_what_serde_json_takes_them_for() {
    let mut dice = Dice::from_env();
    let mut read = 0;
    for _ in 0..CASES {
        let line = LINES[dice.index(LINES.len())];
        read += u32::from(compare(&dice.damaged(line, PIECES)));
    }
    assert!(read > CASES / 10 && read < CASES * 9 / 10, "{read}");
}
