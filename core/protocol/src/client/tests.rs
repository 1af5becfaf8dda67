use super::*;
use crate::{Id, Incoming, parse};

fn params(text: &str) -> Params {
    Params::from_json(text).unwrap()
}

/// Tells what a line says, in short.
fn heard(client: &mut Client, line: &str) -> String {
    match client.receive(line.as_bytes()) {
        Ok(Received::Answer { to, result }) => match result {
            Ok(json) => format!("{} = {json}", to.0),
            Err(error) => format!("{} ! {error}", to.0),
        },
        Ok(Received::Notice(notice)) => notice.to_string(),
        Ok(Received::Complaint(error)) => format!("! {error}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn writes_requests_that_a_server_reads() {
    let mut client = Client::default();
    for (number, method, arguments) in [
        (0, "server.ping", "[]"),
        (1, "blockchain.block.header", r#"{"height":1}"#),
        (2, "a \"quoted\"\nname", r#"["x\n"]"#),
    ] {
        let (id, line) = client.request(method, &params(arguments));
        assert_eq!(id, RequestId(number));
        let line = line.strip_suffix(b"\n").unwrap();
        assert!(!line.contains(&b'\n'));
        let Ok(Incoming::Single(request)) = parse(line, 1) else {
            panic!("expected a request: {}", String::from_utf8_lossy(line));
        };
        assert_eq!(request.id, Id::Json(number.to_string().into()));
        assert_eq!(request.method, method);
        assert_eq!(request.params.json(), arguments);
    }
}

#[test]
fn matches_answers_with_requests() {
    let mut client = Client::default();
    for _ in 0..4 {
        client.request("m", &params("[]"));
    }
    for (line, said) in [
        // As ElectrumX, Fulcrum and servers of JSON-RPC 1.0 write it.
        (r#"{"jsonrpc": "2.0", "result": [1], "id": 1}"#, "1 = [1]"),
        (r#"{"id":0,"jsonrpc":"2.0","result":null}"#, "0 = null"),
        (
            r#"{"result":null,"error":{"code":1,"message":"no"},"id":3}"#,
            "3 ! no (code 1)",
        ),
        (r#"{"result":"x","error":null,"id":2}"#, "2 = \"x\""),
        // Answered already, never asked, no number.
        (
            r#"{"result":1,"id":1}"#,
            "expected an answer to an open request, came one to id 1",
        ),
        (
            r#"{"result":1,"id":4}"#,
            "expected an answer to an open request, came one to id 4",
        ),
        (
            r#"{"result":1,"id":-1}"#,
            "expected an answer to an open request, came one to id -1",
        ),
        (
            r#"{"result":1,"id":"0"}"#,
            r#"expected an answer to an open request, came one to id \"0\""#,
        ),
    ] {
        assert_eq!(heard(&mut client, line), said, "{line}");
    }
}

#[test]
fn tells_notices_and_complaints_from_answers() {
    let mut client = Client::default();
    client.request("m", &params("[]"));
    for (line, said) in [
        (
            r#"{"jsonrpc":"2.0","method":"a.subscribe","params":[1, "x"]}"#,
            r#"{"method":"a.subscribe","params":[1,"x"]}"#,
        ),
        (
            r#"{"id":null,"method":"a\n\u009b"}"#,
            r#"{"method":"a\n\u009b","params":null}"#,
        ),
        (
            r#"{"id":null,"error":{"code":-32700,"message":"invalid JSON"}}"#,
            "! invalid JSON (code -32700)",
        ),
        (r#"{"error":{"message":"x"}}"#, "! x"),
        // Whatever else an error is, it is told.
        (r#"{"id":null,"error":"no\u001b[2J"}"#, "! \"no\\u001b[2J\""),
        (
            r#"{"id":null,"error":{"code":1,"message":"a\u001b[2J\u009b\nb"}}"#,
            "! a\\u001b[2J\\u009b\nb (code 1)",
        ),
        (
            r#"{"id":null,"error":{"code":"1","message":{"a" : 1}}}"#,
            "! {\"code\":\"1\",\"message\":{\"a\":1}}",
        ),
    ] {
        assert_eq!(heard(&mut client, line), said, "{line}");
    }
    assert_eq!(heard(&mut client, r#"{"id":0,"result":1}"#), "0 = 1");
}

#[test]
fn refuses_what_is_no_message() {
    let mut client = Client::default();
    client.request("m", &params("[]"));
    for line in [
        "",
        "x",
        "1",
        "[]",
        "{}",
        "{",
        "HTTP/1.1 400 Bad Request",
        r#"{"id":0}"#,
        r#"{"id":0} {}"#,
        r#"{"id":null,"result":1}"#,
        r#"{"result":1}"#,
        r#"{"method":5}"#,
        "\u{1b}[2J",
    ] {
        let said = heard(&mut client, line);
        assert!(
            said.starts_with("expected an answer or a notification"),
            "{line}: {said}"
        );
        assert!(!said.contains('\u{1b}'), "{said}");
    }
    let long = "x".repeat(1_000_000);
    assert!(heard(&mut client, &long).len() < 200);
    client
        .receive(b"{\"id\":0,\"result\":\"\xff\"}")
        .unwrap_err();
    // None of them has answered the request.
    assert_eq!(heard(&mut client, r#"{"id":0,"result":1}"#), "0 = 1");
}

#[test]
fn knows_what_is_told_from_then_on() {
    for (method, is) in [
        ("blockchain.headers.subscribe", true),
        ("blockchain.scripthash.subscribe", true),
        ("server.peers.subscribe", false),
        ("blockchain.scripthash.unsubscribe", false),
        ("server.ping", false),
    ] {
        assert_eq!(is_subscription(method), is, "{method}");
    }
}
