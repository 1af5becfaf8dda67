//! Bytes on a socket: every form a request can have, and what is no request.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use electrode_tests::{Bitcoind, Branch, Electrode, LineClient};
use serde_json::{Value, json};

const PING: &str = "{\"id\":\"after\",\"method\":\"server.ping\"}\n";

/// Starts a server on a chain of one block; the node must outlive it.
fn small_server() -> (Bitcoind, Electrode) {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    (node, server)
}

/// Sends a line, receives its answers and checks that no more come.
fn exchange(client: &mut LineClient, line: impl AsRef<[u8]>, count: usize) -> Vec<Value> {
    client.send(line);
    let answers = (0..count).map(|_| client.receive().unwrap()).collect();
    client.send(PING);
    assert_eq!(
        client.receive(),
        Some(pong(&json!("after"))),
        "after {answers:?}"
    );
    answers
}

fn pong(id: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": null })
}

#[test]
fn understands_a_request_in_every_form() {
    let (_node, server) = small_server();
    let mut client = server.client();
    for (line, id) in [
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.ping\",\"params\":[]}\n",
            json!(1),
        ),
        ("{\"id\":0,\"method\":\"server.ping\"}\n", json!(0)),
        (
            "{\"method\":\"server.ping\",\"params\":{},\"id\":\"5\"}\n",
            json!("5"),
        ),
        ("{\"id\":2,\"method\":\"server.ping\"}\r\n", json!(2)),
        (
            "  { \"id\" : 3 , \"method\" : \"server.ping\" }  \n",
            json!(3),
        ),
        (
            "{\"id\":4,\"method\":\"server.ping\",\"params\":[],\"authorization\":\"x\"}\n",
            json!(4),
        ),
        (
            "{\"id\":\"\\u00e9\\n\",\"method\":\"server.p\\u0069ng\"}\n",
            json!("é\n"),
        ),
    ] {
        assert_eq!(exchange(&mut client, line, 1), [pong(&id)], "{line}");
    }
    // Electrum hides how long its messages are.
    let padded = format!(
        "{{\"id\":6,\"method\":\"server.ping\",\"params\":[]{:1000}}}\n",
        ""
    );
    assert_eq!(exchange(&mut client, padded, 1), [pong(&json!(6))]);
    // A request without an id wants no answer.
    exchange(
        &mut client,
        "{\"method\":\"server.ping\",\"params\":[]}\n",
        0,
    );

    let named = json!({ "id": 7, "method": "blockchain.block.header", "params": { "height": 1 } });
    let placed = json!({ "id": 7, "method": "blockchain.block.header", "params": [1] });
    let answer = exchange(&mut client, format!("{named}\n"), 1);
    assert!(answer[0]["result"].is_string());
    assert_eq!(answer, exchange(&mut client, format!("{placed}\n"), 1));
}

#[test]
fn answers_batches_as_one() {
    let (_node, server) = small_server();
    let mut client = server.client();
    let batch = json!([
        { "id": 1, "method": "server.ping" },
        { "id": "two", "method": "no.such.method" },
        { "method": "server.ping" },
        { "id": 3, "method": "blockchain.block.header", "params": [0] },
        "no request",
    ]);
    let answers = exchange(&mut client, format!("{batch}\n"), 1);
    let parts = answers[0].as_array().unwrap();
    assert_eq!(parts.len(), 4, "{parts:?}");
    let part = |id: Value| parts.iter().find(|part| part["id"] == id).unwrap();
    assert_eq!(*part(json!(1)), pong(&json!(1)));
    assert_eq!(part(json!("two"))["error"]["code"], -32601);
    assert!(part(json!(3))["result"].is_string());
    assert_eq!(part(Value::Null)["error"]["code"], -32600);

    let only_notices = "[{\"method\":\"server.ping\"},{\"method\":\"server.ping\"}]\n";
    exchange(&mut client, only_notices, 0);
    assert_eq!(exchange(&mut client, "[]\n", 1)[0]["error"]["code"], -32600);
}

#[test]
fn keeps_up_with_pipelines_and_with_single_bytes() {
    let (_node, server) = small_server();
    let mut client = server.client();
    let heights = (0..2000).map(|number| number % 2);
    let requests = heights
        .clone()
        .map(|height| ("blockchain.block.header", json!([height])));
    let headers = [0, 1].map(|height| client.call("blockchain.block.header", &json!([height])));
    for (height, answer) in heights.zip(client.call_each(requests)) {
        assert_eq!(answer.unwrap(), headers[height]);
    }

    for byte in PING.as_bytes() {
        client.send([*byte]);
    }
    assert_eq!(client.receive().unwrap(), pong(&json!("after")));

    // A client that leaves in the middle of a request disturbs nobody.
    server.client().send("{\"id\":1,\"meth");
    exchange(&mut client, "", 0);
}

#[test]
fn tells_what_is_wrong_with_a_request() {
    let (_node, server) = small_server();
    let mut client = server.client();
    for (line, id, code) in [
        (
            "{\"id\":1,\"method\":\"no.such.method\"}\n",
            json!(1),
            -32601,
        ),
        (
            "{\"id\":2,\"method\":\"server.ping\",\"params\":[1]}\n",
            json!(2),
            -32602,
        ),
        (
            "{\"id\":3,\"method\":\"blockchain.block.header\",\"params\":{\"x\":1}}\n",
            json!(3),
            -32602,
        ),
        (
            "{\"id\":4,\"method\":\"blockchain.block.header\"}\n",
            json!(4),
            -32602,
        ),
        (
            "{\"id\":5,\"method\":\"blockchain.block.header\",\"params\":[-1]}\n",
            json!(5),
            1,
        ),
        (
            "{\"id\":6,\"method\":\"blockchain.block.header\",\"params\":[2]}\n",
            json!(6),
            1,
        ),
        (
            "{\"id\":7,\"method\":\"blockchain.scripthash.subscribe\",\"params\":[\"ab\"]}\n",
            json!(7),
            1,
        ),
        (
            "{\"id\":8,\"method\":\"blockchain.transaction.get\",\"params\":[\"xyz\"]}\n",
            json!(8),
            1,
        ),
        ("{\"id\":9}\n", json!(9), -32600),
        ("{\"id\":10,\"method\":5}\n", json!(10), -32600),
        (
            "{\"id\":11,\"method\":\"server.ping\",\"params\":5}\n",
            json!(11),
            -32600,
        ),
        ("5\n", Value::Null, -32600),
        (
            "{\"id\":12,\"method\":\"server.ping\"\n",
            Value::Null,
            -32700,
        ),
        ("GET / HTTP/1.1\r\n", Value::Null, -32700),
    ] {
        let answers = exchange(&mut client, line, 1);
        assert_eq!(answers[0]["id"], id, "{line}: {answers:?}");
        assert_eq!(answers[0]["error"]["code"], code, "{line}: {answers:?}");
        assert!(
            answers[0]["error"]["message"].is_string(),
            "{line}: {answers:?}"
        );
    }
    let unknown = client.try_call("no.such.method", &json!([])).unwrap_err();
    assert_eq!(unknown["message"], "unknown method \"no.such.method\"");
}

#[test]
fn survives_what_is_no_text_at_all() {
    let (_node, server) = small_server();
    let mut client = server.client();
    let deep = [vec![b'['; 100_000], vec![b'\n']].concat();
    let tls_hello = [&[0x16, 3, 1, 2, 0, 1, 0][..], &[0xff; 200], b"\n"].concat();
    for junk in [deep, tls_hello] {
        let answers = exchange(&mut client, &junk, 1);
        assert_eq!(answers[0]["error"]["code"], -32700, "{answers:?}");
    }
}

#[test]
fn skips_a_line_that_is_too_long() {
    let (_node, server) = small_server();
    let mut client = server.client();
    let long = format!(
        "{{\"id\":1,\"method\":\"server.ping\"{}}}\n",
        " ".repeat(3_000_000)
    );
    client.send(long);
    client.send(PING);
    let refusals: Vec<Value> =
        std::iter::from_fn(|| client.receive().filter(|answer| answer["id"] != "after")).collect();
    assert!(
        refusals
            .iter()
            .all(|answer| answer["error"]["code"] == -32600),
        "{refusals:?}"
    );
    // What follows is understood again.
    exchange(&mut client, "", 0);
}

#[test]
fn negotiates_the_version() {
    let (_node, server) = small_server();
    for (params, version) in [
        (json!(["tests", "1.4"]), "1.4"),
        (json!(["electrum/4.8.4", ["1.4", "1.6"]]), "1.6"),
        (json!(["", ["1.4", "1.7"]]), "1.6"),
        (
            json!({ "client_name": "Sparrow", "protocol_version": ["1.3", "1.4.2"] }),
            "1.4.2",
        ),
        (json!(["electron/4.0", "1.4.3"]), "1.4.3"),
        (json!(["", "1.6", "padding", 7]), "1.6"),
        (json!(["tests"]), "1.4"),
        (json!([]), "1.4"),
    ] {
        let mut client = server.stranger();
        let answer = client.call("server.version", &params);
        assert!(
            answer[0].as_str().is_some_and(|name| !name.is_empty()),
            "{answer}"
        );
        assert_eq!(answer[1], version, "{params}");
        let again = client.try_call("server.version", &params).unwrap_err();
        assert_eq!(
            again,
            json!({ "code": 1, "message": "server.version already sent" })
        );
        client.call("server.ping", &json!([]));
    }
}

#[test]
fn hangs_up_on_a_version_it_does_not_speak() {
    let (_node, server) = small_server();
    for version in [
        json!("1.3"),
        json!(["1.7", "1.8"]),
        json!("new"),
        json!(["0.9", "1.2"]),
    ] {
        let mut client = server.stranger();
        let error = client
            .try_call("server.version", &json!(["", version]))
            .unwrap_err();
        assert_eq!(error["code"], 1);
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with("unsupported protocol version: "),
            "{message}"
        );
        assert_eq!(client.receive(), None, "{version}");
    }
}

/// What stands behind a refused `server.version` in the same packet, or in the same batch.
#[test]
fn answers_nothing_behind_a_version_it_does_not_speak() {
    let (_node, server) = small_server();
    let version = r#"{"id":2,"method":"server.version","params":["","1.3"]}"#;
    let ping = |id| format!(r#"{{"id":{id},"method":"server.ping"}}"#);
    for (sent, answered) in [
        (
            format!("{}\n{version}\n{}\n", ping(1), ping(3)),
            vec![json!(1), json!(2)],
        ),
        (
            format!("[{},{version},{}]\n{}\n", ping(1), ping(3), ping(4)),
            vec![json!([1, 2])],
        ),
    ] {
        let mut client = server.stranger();
        client.send(&sent);
        let id = |answer: Value| match answer.as_array() {
            Some(answers) => answers.iter().map(|answer| answer["id"].clone()).collect(),
            None => answer["id"].clone(),
        };
        let ids: Vec<Value> = std::iter::from_fn(|| client.receive()).map(id).collect();
        assert_eq!(ids, answered, "{sent}");
    }
}

#[test]
fn serves_the_oldest_version_to_who_names_none() {
    let (_node, server) = small_server();
    let headers = server
        .stranger()
        .call("blockchain.block.headers", &json!([0, 2]));
    assert!(headers["hex"].is_string(), "{headers}");
    server.stranger().call("blockchain.relayfee", &json!([]));
}
