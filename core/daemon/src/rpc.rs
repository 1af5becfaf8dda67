//! JSON-RPC as Bitcoin Core speaks it: requests and batches out, results and errors in.

use std::{fmt, marker::PhantomData, str::FromStr};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Visitor},
};
use serde_json::{Value, value::RawValue};

use crate::{
    DaemonError,
    error::{RPC_IN_WARMUP, RPC_INVALID_ADDRESS_OR_KEY},
};

/// A value that JSON holds as text. Parsed from where the text stands in the body: not copied.
pub(crate) struct FromText<T>(pub(crate) T);

/// Bytes that JSON holds as hexadecimal digits.
pub(crate) struct HexBytes(pub(crate) Vec<u8>);

/// What a node said instead of giving a result.
#[derive(Debug, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: i64,
    #[serde(default)]
    message: String,
}

#[derive(Serialize)]
struct Request<'a> {
    jsonrpc: &'a str,
    id: usize,
    method: &'a str,
    params: &'a Value,
}

/// Shape: `{"result": …, "error": null | {"code", "message"}, "id": …}`; in JSON-RPC 2.0 one of
/// result and error is absent.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Failure>,
    id: Option<Value>,
}

/// Writes one request.
pub(crate) fn request(method: &str, params: &Value) -> Bytes {
    encode(&numbered(method, 0, params))
}

/// Writes one request for each of `params`, as one batch.
pub(crate) fn batch(method: &str, params: &[Value]) -> Bytes {
    let requests = params.iter().enumerate();
    let requests: Vec<_> = requests
        .map(|(id, params)| numbered(method, id, params))
        .collect();
    encode(&requests)
}

/// Reads the result of one request.
pub(crate) fn result<T: DeserializeOwned>(method: &str, body: &[u8]) -> Result<T, DaemonError> {
    let answer = serde_json::from_slice(body).map_err(malformed(method))?;
    Ok(decode(method, answer)??)
}

/// Reads the results of a batch of `count` requests, in the order of the requests.
pub(crate) fn results<T: DeserializeOwned>(
    method: &str,
    body: &[u8],
    count: usize,
) -> Result<Vec<Result<T, Failure>>, DaemonError> {
    // A node that dislikes the batch as a whole answers with one error.
    if body.trim_ascii_start().starts_with(b"{") {
        result::<()>(method, body)?;
    }
    let mut answers: Vec<Answer<'_>> = serde_json::from_slice(body).map_err(malformed(method))?;
    answers.sort_by_key(|answer| answer.id.as_ref().and_then(Value::as_u64));
    let ids = answers.iter().map(|answer| answer.id.as_ref()?.as_u64());
    if !ids.eq((0..).take(count).map(Some)) {
        return Err(malformed(method)("its ids are not those of the batch"));
    }
    let results = answers
        .into_iter()
        .map(|answer| match decode(method, answer)? {
            Err(failure) if failure.code == RPC_IN_WARMUP => Err(failure.into()),
            result => Ok(result),
        });
    results.collect()
}

/// Makes the error for an answer whose form is wrong.
pub(crate) fn malformed<E: fmt::Display>(
    method: &str,
) -> impl FnOnce(E) -> DaemonError + use<'_, E> {
    move |reason| DaemonError::Malformed {
        method: method.to_owned(),
        reason: reason.to_string(),
    }
}

impl Failure {
    pub(crate) fn new(code: i64, message: String) -> Self {
        Self { code, message }
    }

    /// Gives `None` if the node merely does not have the thing asked for.
    pub(crate) fn unless_missing(self) -> Result<(), DaemonError> {
        if self.code == RPC_INVALID_ADDRESS_OR_KEY {
            return Ok(());
        }
        Err(self.into())
    }
}

impl From<Failure> for DaemonError {
    fn from(Failure { code, message }: Failure) -> Self {
        Self::Rpc { code, message }
    }
}

impl FromStr for HexBytes {
    type Err = &'static str;

    fn from_str(digits: &str) -> Result<Self, Self::Err> {
        let bytes = crate::hex::decode(digits);
        bytes
            .map(Self)
            .ok_or("expected an even number of hexadecimal digits")
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for FromText<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(TextVisitor(PhantomData))
            .map(Self)
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text of hexadecimal digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

fn numbered<'a>(method: &'a str, id: usize, params: &'a Value) -> Request<'a> {
    Request {
        jsonrpc: "1.0",
        id,
        method,
        params,
    }
}

fn encode(request: &impl Serialize) -> Bytes {
    let text = serde_json::to_vec(request);
    text.expect("a request is plain JSON: no map in it has keys that are not text")
        .into()
}

fn decode<T: DeserializeOwned>(
    method: &str,
    answer: Answer<'_>,
) -> Result<Result<T, Failure>, DaemonError> {
    if let Some(failure) = answer.error {
        return Ok(Err(failure));
    }
    let result = answer.result.map_or("null", RawValue::get);
    let value = serde_json::from_str(result).map_err(malformed(method))?;
    Ok(Ok(value))
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use electrode_coin::Txid;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_results_of_every_form() {
        for (body, expected) in [
            (r#"{"result":7,"error":null,"id":0}"#, Some(7)),
            (r#"{"jsonrpc":"2.0","result":7,"id":0}"#, Some(7)),
            (r#" {"id":"x","more":[{}],"result":7} "#, Some(7)),
            (r#"{"result":null,"error":null,"id":0}"#, None),
        ] {
            let result: Option<u32> = result("m", body.as_bytes()).unwrap();
            assert_eq!(result, expected, "{body}");
        }
    }

    #[test]
    fn refuses_answers_of_another_form() {
        for body in [
            "",
            "[]",
            "{",
            "7",
            r#"{"result":"x"}"#,
            r#"{"error":"text"}"#,
            "\u{feff}{}",
        ] {
            let error = result::<u32>("getit", body.as_bytes()).unwrap_err();
            assert!(
                matches!(error, DaemonError::Malformed { .. }),
                "{body}: {error}"
            );
        }
        let bottomless = "[".repeat(1_000_000);
        assert!(result::<Value>("getit", bottomless.as_bytes()).is_err());
    }

    #[test]
    fn gives_the_error_of_the_node() {
        let body = br#"{"result":null,"error":{"code":-25,"message":"bad-txns"},"id":0}"#;
        let error = result::<u32>("m", body).unwrap_err();
        assert_eq!(error.rpc(), Some((-25, "bad-txns")));
        let error = results::<u32>("m", body, 1).unwrap_err();
        assert_eq!(error.rpc(), Some((-25, "bad-txns")));
    }

    #[test]
    fn puts_the_results_of_a_batch_in_order() {
        let body = br#"[{"id":1,"error":{"code":-5,"message":"no"}},{"id":0,"result":"00ff"}]"#;
        let results = results::<FromText<HexBytes>>("m", body, 2).unwrap();
        let [Ok(FromText(HexBytes(bytes))), Err(failure)] = results.as_slice() else {
            panic!("expected a result and a failure");
        };
        assert_eq!((bytes.as_slice(), failure.code), (&[0, 0xff][..], -5));
    }

    #[test]
    fn refuses_a_batch_that_is_not_the_one_asked_for() {
        for body in [
            r#"[{"id":0,"result":1}]"#,
            r#"[{"id":0,"result":1},{"id":0,"result":1}]"#,
            r#"[{"id":0,"result":1},{"id":2,"result":1}]"#,
            r#"[{"id":0,"result":1},{"result":1}]"#,
            r#"{"id":0,"result":null}"#,
        ] {
            let error = results::<u32>("m", body.as_bytes(), 2).unwrap_err();
            assert!(
                matches!(error, DaemonError::Malformed { .. }),
                "{body}: {error}"
            );
        }
    }

    #[test]
    fn retries_a_batch_when_the_node_is_warming_up() {
        let body = br#"[{"id":0,"error":{"code":-28,"message":"Loading"}}]"#;
        assert!(results::<u32>("m", body, 1).unwrap_err().is_retryable());
    }

    #[test]
    fn parses_texts() {
        let body = format!(r#"{{"result":["{}"]}}"#, "ab".repeat(32));
        let txids: Vec<FromText<Txid>> = result("m", body.as_bytes()).unwrap();
        assert_eq!(txids[0].0, Txid([0xab; 32]));
        assert!(result::<FromText<Txid>>("m", br#"{"result":"ab"}"#).is_err());
        assert!(result::<FromText<Txid>>("m", br#"{"result":1}"#).is_err());
    }

    #[test]
    fn writes_requests() {
        let requests: Value =
            serde_json::from_slice(&batch("m", &[json!([1]), json!([])])).unwrap();
        assert_eq!(
            requests,
            json!([
                {"jsonrpc": "1.0", "id": 0, "method": "m", "params": [1]},
                {"jsonrpc": "1.0", "id": 1, "method": "m", "params": []},
            ])
        );
    }
}
