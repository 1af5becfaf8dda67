//! HTTP as far as the tests need it: one request, one answer, then the connection ends.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

/// How long a program may think about an answer; a long poll is shorter.
const READ_LIMIT: Duration = Duration::from_secs(120);

/// The answer to an HTTP request.
#[derive(Debug)]
pub struct Response {
    /// Its code.
    pub status: u16,
    /// What comes behind its headers.
    pub body: String,
}

/// Gets a page of a server on this machine.
pub(crate) fn get(port: u16, path: &str) -> io::Result<Response> {
    exchange(
        port,
        &format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"),
    )
}

/// Posts JSON with a whole `Authorization` header.
pub(crate) fn post(port: u16, authorization: &str, body: &str) -> io::Result<Response> {
    exchange(
        port,
        &format!(
            "POST / HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len(),
        ),
    )
}

/// Calls a JSON-RPC method over HTTP and gives the result, or the error as the program gave it.
///
/// `auth` is `user:password`.
pub(crate) fn json_rpc(
    port: u16,
    auth: &str,
    method: &str,
    params: &Value,
) -> io::Result<Result<Value, Value>> {
    json_rpc_at(port, "/", auth, method, params)
}

/// The same, of a part of the program that has a path of its own.
pub(crate) fn json_rpc_at(
    port: u16,
    path: &str,
    auth: &str,
    method: &str,
    params: &Value,
) -> io::Result<Result<Value, Value>> {
    let body = json!({ "id": 0, "method": method, "params": params }).to_string();
    let response = exchange(
        port,
        &format!(
            "POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Basic {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            base64(auth.as_bytes()),
            body.len(),
        ),
    )?;
    let mut answer: Value = serde_json::from_str(&response.body)
        .map_err(|_not_json| io::Error::other(format!("HTTP status {}", response.status)))?;
    Ok(match answer["error"].take() {
        Value::Null => Ok(answer["result"].take()),
        error => Err(error),
    })
}

/// HTTP/1.0 keeps answers simple: no chunks, and the connection's end is the body's.
fn exchange(port: u16, request: &str) -> io::Result<Response> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(READ_LIMIT))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    parse(&answer).ok_or_else(|| io::Error::other("not an HTTP answer"))
}

fn parse(answer: &str) -> Option<Response> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Response {
        status,
        body: body.to_owned(),
    })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let word = chunk
            .iter()
            .fold(0, |word, byte| word << 8 | usize::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        (0..4).map(move |at| match at {
            at if at > chunk.len() => '=',
            at => char::from(DIGITS[word >> (18 - 6 * at) & 63]),
        })
    });
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_base64_with_padding() {
        for (plain, coded) in [("", ""), ("M", "TQ=="), ("Ma", "TWE="), ("Man", "TWFu")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
