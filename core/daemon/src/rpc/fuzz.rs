//! Answers of a node, whole and damaged: what is taken is what `serde_json` reads in them.

use electrode_coin::Txid;
use electrode_tests::Dice;
use serde::de::IgnoredAny;

use super::*;

const CASES: u32 = 250_000;

const ANSWERS: &[&str] = &[
    r#"{"result":7,"error":null,"id":0}"#,
    r#"{"jsonrpc":"2.0","result":["00ff",{"a":[1.5e3,true]}],"id":0}"#,
    r#"{"result":null,"error":{"code":-5,"message":"no such \u00e9"},"id":"x"}"#,
    r#" {"id":0,"more":[{}],"result":"ab"} "#,
];

const BATCHES: &[&str] = &[
    r#"[{"id":1,"error":{"code":-5,"message":"no"}},{"id":0,"result":"00ff"}]"#,
    r#"[{"id":0,"result":[],"error":null},{"id":1,"result":{"id":7}}]"#,
    r#"{"result":null,"error":{"code":-32600,"message":"no batches here"},"id":null}"#,
];

/// What is put in somewhere.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"null",
    b"-",
    b"0",
    b"1e400",
    b"\\ud800",
    b"\"id\":0",
    b"\"error\":",
    b"\"result\":1",
    b"\xff",
    b"\0",
    b" ",
    b"[[[[",
    b"0000000000",
];

/// Changes, removes and doubles a few pieces.
fn damaged(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..dice.pick(0..4) {
        let at = dice.index(bytes.len() + 1);
        let end = bytes.len().min(at + dice.index(4));
        let piece = match dice.pick(0..3) {
            0 => Vec::new(),
            1 => bytes[at..end].repeat(2),
            _ => PIECES[dice.index(PIECES.len())].to_vec(),
        };
        bytes.splice(at..end, piece);
    }
    bytes
}

/// Reads something that was taken, to the last corner. `None` where a number is too large or a text
/// is none in a corner that nobody looks into: such an answer may be taken.
fn whole(body: &[u8]) -> Option<Value> {
    let whole = serde_json::from_slice(body).ok();
    assert!(whole.is_some() || serde_json::from_slice::<IgnoredAny>(body).is_ok());
    whole
}

#[test]
fn takes_nothing_for_a_result_but_results() {
    let mut dice = Dice::from_env();
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..CASES {
        let body = damaged(ANSWERS[dice.index(ANSWERS.len())].as_bytes(), &mut dice);
        match result::<Value>("m", &body) {
            Ok(value) => {
                taken += 1;
                if let Some(mut whole) = whole(&body) {
                    assert_eq!(whole["error"].take(), Value::Null);
                    assert_eq!(value, whole["result"].take());
                }
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
        // What is read of a result is foreign too.
        let _read_or_refused = result::<Vec<FromText<Txid>>>("m", &body);
        let _read_or_refused = result::<FromText<HexBytes>>("m", &body);
    }
    assert!(
        taken > CASES / 8 && refused > CASES / 8,
        "{taken}, {refused}"
    );
}

#[test]
fn takes_a_batch_only_with_the_ids_asked_for() {
    let mut dice = Dice::from_env();
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..CASES {
        let body = damaged(BATCHES[dice.index(BATCHES.len())].as_bytes(), &mut dice);
        let Ok(values) = results::<Value>("m", &body, 2) else {
            refused += 1;
            continue;
        };
        assert_eq!(values.len(), 2);
        taken += 1;
        let Some(Value::Array(answers)) = whole(&body) else {
            continue;
        };
        for (id, value) in values.into_iter().enumerate() {
            let mut answers = answers.iter();
            let answer = answers.find(|answer| answer["id"] == id).unwrap();
            match value {
                Ok(value) => assert_eq!(Some(&value), answer.get("result").or(Some(&Value::Null))),
                Err(failure) => assert_eq!(answer["error"]["code"], failure.code),
            }
        }
    }
    assert!(
        taken > CASES / 8 && refused > CASES / 8,
        "{taken}, {refused}"
    );
}
