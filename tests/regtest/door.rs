//! Who is not served, who is no longer, and how that is counted.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use electrode_tests::{Bitcoind, Branch, Electrode, LineClient, Settings, Wire, wait_until};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);
/// How long a client may take to accept some of what is sent to it, where nothing else is set.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// A server before which this machine stands as a proxy: clients say who they are.
fn guarded(limits: &[(&str, &str)]) -> (Bitcoind, Electrode) {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::behind_proxy(&node, limits);
    (node, server)
}

fn connect(server: &Electrode, wire: Wire, ip: &str) -> TcpStream {
    let mut stream = server.connect(wire);
    let header = format!("PROXY TCP4 {ip} 127.0.0.1 40000 50001\r\n");
    stream.write_all(header.as_bytes()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn client(server: &Electrode, ip: &str) -> LineClient {
    LineClient::over(Box::new(connect(server, Wire::Tcp, ip)))
}

/// Waits until the server hangs up, whatever it says before.
fn wait_end(mut stream: TcpStream) {
    let mut said = Vec::new();
    // A reset is an end, too.
    drop(stream.read_to_end(&mut said));
}

/// Waits until a reason was counted so often.
fn wait_counted(server: &Electrode, family: &str, reason: &str, times: f64) {
    let name = format!("electrode_{family}_total{{reason=\"{reason}\"}}");
    wait_until(&format!("{name} is {times}"), PATIENCE, || {
        (server.metrics().get(&name) == Some(&times)).then_some(())
    });
}

#[test]
fn counts_why_connections_are_refused() {
    let (_node, server) = guarded(&[
        ("max_sessions_per_ip", "1"),
        ("handshake_timeout", "\"3s\""),
    ]);
    let told = server.operator().call("ban", &json!(["203.0.113.0/24"]));
    assert_eq!(told, json!("banned 203.0.113.0/24"));
    assert_eq!(server.metrics()["electrode_bans"], 1.0);
    // Before a word of TLS is spoken.
    wait_end(connect(&server, Wire::Ssl, "203.0.113.5"));
    wait_counted(&server, "connections_refused", "banned", 1.0);

    let mut only = client(&server, "198.51.100.5");
    only.call("server.ping", &json!([]));
    wait_end(connect(&server, Wire::Wss, "198.51.100.5"));
    wait_counted(&server, "connections_refused", "per_ip", 1.0);
    only.call("server.ping", &json!([]));

    let mut garbage = server.connect(Wire::Tcp);
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    wait_end(garbage);
    wait_counted(&server, "connections_refused", "proxy", 1.0);

    for (wire, ip) in [(Wire::Ssl, "198.51.100.6"), (Wire::Ws, "198.51.100.7")] {
        let mut wrong = connect(&server, wire, ip);
        wrong.write_all(b"neither TLS nor HTTP\r\n\r\n").unwrap();
        wait_end(wrong);
    }
    wait_counted(&server, "connections_refused", "handshake", 2.0);
    wait_end(connect(&server, Wire::Ssl, "198.51.100.6"));
    wait_counted(&server, "connections_refused", "handshake_timeout", 1.0);

    // Their seats are free again.
    client(&server, "198.51.100.6").call("server.ping", &json!([]));
    let status = server.status().unwrap();
    assert_eq!(status["connections_refused"], 6);
    assert_eq!(status["bans"], 1);
}

#[test]
fn counts_why_sessions_end() {
    let (_node, server) = guarded(&[
        ("cost_soft_limit", "80"),
        ("cost_hard_limit", "80"),
        ("drop_client", "\"bot\""),
        ("max_recv", "1000"),
    ]);
    let ends = |reason| wait_counted(&server, "sessions_closed", reason, 1.0);
    drop(client(&server, "203.0.113.1"));
    ends("done");

    let mut costly = client(&server, "203.0.114.1");
    costly.try_call("no.such.method", &json!([])).unwrap_err();
    costly.try_call("server.ping", &json!([])).unwrap_err();
    assert_eq!(costly.receive(), None);
    ends("cost");
    assert_eq!(server.status().unwrap()["sessions_too_costly"], 1);

    let mut bot = client(&server, "203.0.115.1");
    let version = bot.try_call("server.version", &json!(["bot/1", "1.4"]));
    assert!(version.is_err());
    assert_eq!(bot.receive(), None);
    ends("client");

    let over = |wire: Wire, ip| LineClient::over(wire.over(connect(&server, wire, ip)));
    let mut long = over(Wire::Ws, "203.0.116.1");
    long.offer(format!("{{\"x\":\"{}\"}}\n", "x".repeat(10_000)));
    assert_eq!(long.receive(), None);
    ends("unreadable");

    let mut ended = client(&server, "203.0.117.1");
    ended.call("server.ping", &json!([]));
    let told = server.operator().call("disconnect", &json!(["all"]));
    assert_eq!(told, json!(["disconnected all sessions"]));
    assert_eq!(ended.receive(), None);
    ends("operator");

    let mut banned = client(&server, "203.0.118.1");
    banned.call("server.ping", &json!([]));
    server.operator().call("ban", &json!(["203.0.118.1"]));
    assert_eq!(banned.receive(), None);
    ends("banned");
}

#[test]
fn counts_sessions_that_say_nothing_and_those_that_wait() {
    let (_node, server) = guarded(&[("session_timeout", "\"300ms\""), ("max_sessions", "1")]);
    let mut silent = client(&server, "203.0.113.1");
    assert_eq!(silent.receive(), None);
    wait_counted(&server, "sessions_closed", "silent", 1.0);
    assert!(server.metrics()["electrode_sessions_full_total"] >= 1.0);
}

/// A server with a client that hears of new blocks, has asked for more than fits any buffer, and
/// reads nothing.
struct Stuffed {
    node: Bitcoind,
    chain: Branch,
    server: Electrode,
    _client: LineClient,
}

impl Stuffed {
    fn with(limit: &str, value: &str) -> Self {
        let node = Bitcoind::start();
        let (chain, _coins) = Branch::funded(&node, 1);
        let mut server = Electrode::configured(&Settings::of(&node).set(limit, value));
        server.start();
        server.wait_ready();
        let mut client = server.client();
        client.call("blockchain.headers.subscribe", &json!([]));
        let headers = "{\"id\":1,\"method\":\"blockchain.block.headers\",\"params\":[0,100]}\n";
        // 16 KB an answer: 24 MB, where the system keeps 10 at most.
        client.send(headers.repeat(1500));
        Self {
            node,
            chain,
            server,
            _client: client,
        }
    }

    /// Waits until the client is given up, and checks that nobody waited for [`SEND_TIMEOUT`].
    fn wait_given_up(&mut self, mut meanwhile: impl FnMut(&mut Branch, &Bitcoind)) {
        let start = Instant::now();
        wait_until("the client is given up", PATIENCE, || {
            meanwhile(&mut self.chain, &self.node);
            let metrics = self.server.metrics();
            let slow = metrics.get("electrode_sessions_closed_total{reason=\"slow\"}");
            (slow == Some(&1.0)).then_some(())
        });
        assert!(start.elapsed() < SEND_TIMEOUT, "{:?}", start.elapsed());
    }
}

#[test]
fn gives_up_clients_that_do_not_take_their_notices() {
    let mut stuffed = Stuffed::with("limits.max_queued_notices", "1");
    stuffed.wait_given_up(|chain, node| chain.mine(node, []));
}

#[test]
fn gives_up_clients_that_do_not_take_their_answers() {
    let mut stuffed = Stuffed::with("limits.send_timeout", "\"300ms\"");
    stuffed.wait_given_up(|_, _| {});
}
