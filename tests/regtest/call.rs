//! `electrode call`: a client of any Electrum server, over every transport.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::{Child, Command, Output, Stdio},
    thread,
};

use bitcoin::hashes::{Hash as _, sha256};
use electrode_tests::{
    Bitcoind, Branch, Electrode, Lock, Settings, Wire, certificate, electrode_program, interrupt,
    tls_over,
};
use serde_json::{Value, json};

const FEE: u64 = 10_000;
const ALICE: Lock = Lock::Segwit(8001);

/// Usage, no such server, and an answer that says no.
const USAGE: i32 = 64;
const UNUSABLE: i32 = 69;
const NO: i32 = 1;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(electrode_program());
    command.arg("call").args(args).env_clear();
    command
}

fn call(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// Calls, and gives what is printed as JSON.
fn answer(args: &[&str]) -> Value {
    let output = call(args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Calls in vain: with this exit code, nothing on standard output, and this on the other.
fn refused(args: &[&str], code: i32, said: &str) {
    let output = call(args);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {complaint}");
    assert!(complaint.contains(said), "{args:?}: {complaint}");
    assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
}

fn place(server: &Electrode, wire: Wire) -> String {
    format!("{}://127.0.0.1:{}", wire.as_str(), server.port_of(wire))
}

/// A call that stays open; ended when dropped.
struct Listening {
    child: Child,
    lines: io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Listening {
    fn start(args: &[&str]) -> Self {
        let mut child = command(args).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    /// Waits for its end, at which nothing more may be printed.
    fn end(mut self) -> Option<i32> {
        assert!(self.lines.next().is_none());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        self.child.wait().unwrap();
    }
}

#[test]
fn asks_over_every_transport() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    let server = Electrode::serve(&node);
    let header = server.client().call("blockchain.block.header", &json!([1]));

    let places = Wire::ALL.map(|wire| place(&server, wire));
    for place in &places {
        assert_eq!(answer(&[place, "blockchain.block.header", "1"]), header);
        let named = ["--params", "{\"height\": 1}"];
        assert_eq!(
            answer(&[place, "blockchain.block.header", named[0], named[1]]),
            header
        );
        // Longer than what is read at a time, and than a frame.
        let headers = answer(&[place, "blockchain.block.headers", "0", "102"]);
        assert_eq!(headers["count"], 102);
        assert_eq!(
            answer(&[place, "server.version", "me", "\"1.4\""])[1],
            "1.4"
        );
    }
    let plain = format!("127.0.0.1:{}", server.port());
    assert_eq!(answer(&[&plain, "blockchain.block.header", "1"]), header);

    // What is told from then on.
    let script_hash = ALICE.script_hash();
    let subscribe = |place| {
        Listening::start(&[
            place,
            "blockchain.scripthash.subscribe",
            &script_hash,
            "--count",
            "2",
        ])
    };
    let mut listening = places.each_ref().map(|place| subscribe(place));
    for one in &mut listening {
        assert_eq!(one.next(), Value::Null, "the first status");
    }
    let payment = coins[0].forward(ALICE, FEE);
    node.send(&payment);
    let first = listening.each_mut().map(Listening::next);
    chain.mine(&node, [&payment]);
    let second = listening.each_mut().map(Listening::next);
    for notice in first.iter().chain(&second) {
        assert_eq!(notice["method"], "blockchain.scripthash.subscribe");
        assert_eq!(notice["params"][0], script_hash);
    }
    assert!(first.iter().all(|notice| *notice == first[0]));
    assert!(second.iter().all(|notice| *notice == second[0]));
    assert_ne!(first[0], second[0]);
    for one in listening {
        assert_eq!(one.end(), Some(0));
    }
}

#[test]
fn listens_until_told_to_stop() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    let place = place(&server, Wire::Tcp);
    let subscribe = "blockchain.headers.subscribe";

    let output = call(&[&place, subscribe, "--timeout", "1s"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["height"],
        1
    );
    // Lists peers once, whatever its name.
    assert_eq!(answer(&[&place, "server.peers.subscribe"]), json!([]));

    let output = call(&[&place, subscribe, "--timeout", "1s", "--count", "3"]);
    assert_eq!(output.status.code(), Some(UNUSABLE));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.contains("expected 3 notifications within 1s, came 0"),
        "{complaint}"
    );

    let mut interrupted = Listening::start(&[&place, subscribe]);
    interrupted.next();
    interrupt(interrupted.child.id()).unwrap();
    assert_eq!(interrupted.end(), Some(0));

    let mut forsaken = Listening::start(&[&place, subscribe]);
    forsaken.next();
    drop(server);
    assert_eq!(forsaken.end(), Some(UNUSABLE));
}

#[test]
fn says_no_where_the_server_does() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    for wire in Wire::ALL {
        let place = place(&server, wire);
        let said = "electrode: height 1,000 out of range (code 1)";
        refused(&[&place, "blockchain.block.header", "1000"], NO, said);
        refused(&[&place, "no.such.method"], NO, "unknown method");
        let said = "expected an answer of at most 100 bytes";
        refused(
            &[&place, "server.features", "--max-bytes", "100"],
            UNUSABLE,
            said,
        );
    }
}

#[test]
fn introduces_itself_unless_told_not_to() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::configured(
        &Settings::of(&node)
            .set("limits.drop_client_unknown", true)
            .set("limits.drop_client", "\"strangers\""),
    );
    server.start();
    server.wait_ready();
    let place = place(&server, Wire::Tcp);
    assert_eq!(answer(&[&place, "server.ping"]), Value::Null);
    refused(
        &[&place, "server.ping", "--bare"],
        NO,
        "use server.version to identify client",
    );
    // Once, not before itself.
    assert_eq!(answer(&[&place, "server.version", "me"])[1], "1.4");
    refused(
        &[&place, "server.version", "strangers"],
        NO,
        "unsupported client",
    );
    let output = call(&[&place, "server.ping", "--verbose"]);
    let described = String::from_utf8(output.stderr).unwrap();
    assert!(
        described.contains(&format!("connected to 127.0.0.1:{}", server.port())),
        "{described}"
    );
    assert!(described.contains("is [\"Electrode"), "{described}");
}

#[test]
fn shows_and_pins_certificates() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    let stream = tls_over(server.connect(Wire::Ssl), rustls::ALL_VERSIONS).unwrap();
    let fingerprint = sha256::Hash::hash(&certificate(&stream)).to_string();
    let other = "0".repeat(64);
    for wire in [Wire::Ssl, Wire::Wss] {
        let place = place(&server, wire);
        let output = call(&[&place, "server.ping", "-v"]);
        let described = String::from_utf8(output.stderr).unwrap();
        let expected = format!("TLS 1.3, certificate (SHA-256) {fingerprint}");
        assert!(described.contains(&expected), "{described}");
        assert_eq!(
            answer(&[&place, "server.ping", "--pin", &fingerprint]),
            Value::Null
        );
        let said = format!("expected the certificate {other} of {place}, came {fingerprint}");
        refused(&[&place, "server.ping", "--pin", &other], UNUSABLE, &said);
    }
    for wire in [Wire::Tcp, Wire::Ws] {
        let place = place(&server, wire);
        let said = "expected ssl:// or wss:// with --pin";
        refused(&[&place, "server.ping", "--pin", &fingerprint], USAGE, said);
    }
}

#[test]
fn says_what_is_wrong_with_the_command_line() {
    for (args, said) in [
        (
            &["localhost", "server.ping"][..],
            "expected a port, as in host:port",
        ),
        (
            &["http://localhost:1", "server.ping"],
            "expected tcp, ssl, ws or wss in front of ://",
        ),
        (&["localhost:1"], "<METHOD>"),
        (
            &["localhost:1", "m", "--params", "1"],
            "expected arguments that are a JSON array",
        ),
        (
            &["localhost:1", "m", "1", "--params", "[]"],
            "cannot be used with",
        ),
        (
            &["localhost:1", "m", "--pin", "00"],
            "64 hexadecimal digits",
        ),
        (
            &["localhost:1", "m", "--timeout", "5"],
            "expected a duration",
        ),
        (&["localhost:1", "m", "--count", "0"], "0 is not in 1.."),
        (
            &["localhost:1", "m", "--max-bytes", "many"],
            "expected a size",
        ),
        (&["localhost:1", "m", "--config", "x"], "leave --config out"),
    ] {
        refused(args, USAGE, said);
    }
}

/// Stands where a server is expected, and does this with the one client that comes.
fn impostor(serve: impl FnOnce(std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    address
}

#[test]
fn tells_a_server_from_what_is_none() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    // Accepted by the system, answered by nobody.
    refused(
        &[&address, "m", "--bare", "--timeout", "200ms"],
        UNUSABLE,
        "an answer within 200ms",
    );
    drop(nobody);
    refused(
        &[&address, "m"],
        UNUSABLE,
        &format!("cannot connect to tcp://{address}"),
    );
    refused(
        &["no-such-host.invalid:1", "m"],
        UNUSABLE,
        "cannot connect to tcp://no-such-host",
    );

    let web = impostor(|mut client| {
        client
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        drop(client.read_to_end(&mut Vec::new()));
    });
    refused(&[&web, "m"], UNUSABLE, "is this an Electrum server?");
    let web = impostor(|mut client| {
        client
            .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        drop(client.read_to_end(&mut Vec::new()));
    });
    refused(
        &[&format!("ws://{web}"), "m"],
        UNUSABLE,
        "cannot speak WebSocket with ws://",
    );
    let silent = impostor(drop);
    refused(&[&silent, "m"], UNUSABLE, "closed the connection");
    let plain = impostor(|mut client| {
        client.write_all(b"{\"id\":null}\n").unwrap();
        drop(client.read_to_end(&mut Vec::new()));
    });
    refused(
        &[&format!("ssl://{plain}"), "m"],
        UNUSABLE,
        "cannot speak TLS with ssl://",
    );

    // Without an end of line, for ever.
    let endless = impostor(|mut client| while client.write_all(&[b'x'; 1 << 16]).is_ok() {});
    let said = "expected an answer of at most 1000000 bytes";
    refused(&[&endless, "m", "--max-bytes", "1MB"], UNUSABLE, said);
    // What nobody has subscribed to is not printed.
    let chatty = impostor(|mut client| {
        let lines = "{\"method\":\"x\",\"params\":[]}\n{\"id\":0,\"result\":5}\n";
        client.write_all(lines.as_bytes()).unwrap();
        drop(client.read_to_end(&mut Vec::new()));
    });
    assert_eq!(answer(&[&chatty, "m", "--bare"]), json!(5));
    let unasked = impostor(|mut client| {
        client
            .write_all(b"{\"id\":5,\"result\":\"\\u009b\"}\n")
            .unwrap();
        drop(client.read_to_end(&mut Vec::new()));
    });
    refused(&[&unasked, "m"], UNUSABLE, "came one to id 5");
}

#[test]
fn ends_quietly_when_nobody_reads_what_it_prints() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(electrode_program());
    let ended = command.arg("coins").stdout(writer).stderr(Stdio::piped());
    let ended = ended.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((ended.status.code(), &*ended.stderr), (Some(0), &b""[..]));
}
