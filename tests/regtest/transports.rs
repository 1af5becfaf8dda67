//! The same server over TCP, TLS, `WebSocket` and `WebSocket` over TLS.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use electrode_tests::{
    Bitcoind, Branch, Electrode, LineClient, Lock, Settings, Wire, tls_over, wait_until,
};
use electrum_client::{Client, ConfigBuilder, ElectrumApi as _};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);
const FEE: u64 = 10_000;
const ALICE: Lock = Lock::Segwit(7001);

/// Starts a server on a chain of one block; the node must outlive it.
fn small_server(settings: impl FnOnce(Settings) -> Settings) -> (Bitcoind, Electrode) {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::configured(&settings(Settings::of(&node)));
    server.start();
    server.wait_ready();
    (node, server)
}

#[test]
fn serves_the_same_over_every_transport() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 20);
    let server = Electrode::serve(&node);
    let mut clients = Wire::ALL.map(|wire| server.client_over(wire));

    // An answer of several frames, and a pipeline.
    let headers = clients
        .each_mut()
        .map(|client| client.call("blockchain.block.headers", &json!([0, 2016])));
    assert!(headers[0].to_string().len() > 17_000);
    assert!(headers.iter().all(|answer| *answer == headers[0]));
    for client in &mut clients {
        let requests = (0..500).map(|n| ("blockchain.block.header", json!([n % 100])));
        assert!(client.call_each(requests).iter().all(Result::is_ok));
        client
            .send("[{\"id\":\"a\",\"method\":\"server.ping\"},{\"id\":\"b\",\"method\":\"x\"}]\n");
        let batch = client.receive().unwrap();
        assert_eq!(batch.as_array().unwrap().len(), 2, "{batch}");
    }

    // Notifications.
    for client in &mut clients {
        client.call("blockchain.headers.subscribe", &json!([]));
        let subscribed = json!([ALICE.script_hash()]);
        client.call("blockchain.scripthash.subscribe", &subscribed);
    }
    let block = chain.next(&ALICE.script(), [&coins[0].forward(ALICE, FEE)]);
    node.submit(&block);
    let notices = clients
        .each_mut()
        .map(|client| [client.notice(), client.notice()]);
    assert_eq!(notices[0][0]["params"][0]["height"], chain.height);
    assert_eq!(notices[0][1]["params"][0], ALICE.script_hash());
    assert!(notices.iter().all(|notice| *notice == notices[0]));
}

#[test]
fn tells_the_last_word_before_it_hangs_up() {
    let (_node, server) = small_server(|settings| settings);
    for wire in Wire::ALL {
        let mut client = LineClient::over(wire.over(server.connect(wire)));
        // What is in flight when the server hangs up must not take the answer away.
        client.send(
            "{\"id\":1,\"method\":\"server.version\",\"params\":[\"\",\"0.1\"]}\n".to_owned()
                + &"{\"id\":2,\"method\":\"server.ping\"}\n".repeat(100),
        );
        let refusal = client.receive().unwrap();
        assert_eq!(refusal["error"]["code"], 1, "{wire:?}: {refusal}");
        assert_eq!(client.receive(), None, "{wire:?}");
    }
}

#[test]
fn answers_who_has_closed_its_half() {
    let (_node, server) = small_server(|settings| settings);
    let mut stream = server.connect(Wire::Tcp);
    stream
        .write_all(b"{\"id\":1,\"method\":\"server.ping\"}\n")
        .unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.ends_with("\"result\":null}\n") || answer.contains("\"id\":1"),
        "{answer}"
    );
}

#[test]
fn serves_the_electrum_client_crate_over_tls() {
    let (_node, server) = small_server(|settings| settings);
    let url = format!("ssl://127.0.0.1:{}", server.port_of(Wire::Ssl));
    let config = ConfigBuilder::new().validate_domain(false).build();
    let client = Client::from_config(&url, config).unwrap();
    assert_eq!(client.block_headers_subscribe().unwrap().height, 1);
    client.ping().unwrap();
}

#[test]
fn speaks_tls_1_2_and_1_3() {
    let (_node, server) = small_server(|settings| settings);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let stream = tls_over(server.connect(Wire::Ssl), &[version]).unwrap();
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
        LineClient::over(Box::new(stream)).call("server.ping", &json!([]));
    }
}

#[test]
fn refuses_a_message_that_is_too_long() {
    let (_node, server) = small_server(|settings| settings);
    for wire in [Wire::Ws, Wire::Wss] {
        let mut client = server.client_over(wire);
        // The server need not take all of it before it says why it does not.
        client.offer(format!(
            "{{\"id\":1,\"x\":\"{}\"}}\n",
            "x".repeat(10_000_000)
        ));
        assert_eq!(client.receive(), None, "{wire:?}");
    }
    let mut client = server.client_over(Wire::Ssl);
    client.send(format!(
        "{{\"id\":1,\"x\":\"{}\"}}\n",
        "x".repeat(10_000_000)
    ));
    assert_eq!(client.receive().unwrap()["error"]["code"], -32600);
    client.call("server.ping", &json!([]));
}

/// Ways to begin that never become a session, by the port they are tried on.
const STALLS: &[(Wire, &[u8])] = &[
    (Wire::Ssl, b""),
    (Wire::Ssl, b"\x16\x03\x01\x02\x00\x01\x00"),
    (Wire::Ws, b""),
    (Wire::Ws, b"GET / HTTP/1.1\r\nHost: localhost\r\n"),
    (Wire::Wss, b""),
];

#[test]
fn hangs_up_on_handshakes_that_stall() {
    let (_node, server) =
        small_server(|settings| settings.set("limits.handshake_timeout", "\"500ms\""));
    let start = Instant::now();
    let mut stalled: Vec<TcpStream> = Vec::new();
    for (wire, beginning) in STALLS {
        for _ in 0..20 {
            let mut stream = server.connect(*wire);
            stream.write_all(beginning).unwrap();
            stalled.push(stream);
        }
    }
    // TLS, and then nothing.
    let mut encrypted = tls_over(server.connect(Wire::Wss), rustls::ALL_VERSIONS).unwrap();
    encrypted.write_all(b"GET / HTTP/1.1\r\n").unwrap();

    // They hold up nobody.
    for wire in Wire::ALL {
        server.client_over(wire).call("server.ping", &json!([]));
    }
    for stream in &mut stalled {
        // A connection that is dropped with bytes unread is reset.
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest));
    }
    drop(encrypted.read(&mut [0; 100]));
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    wait_until("no connection is left", PATIENCE, || {
        (server.status()?["sessions"] == 0).then_some(())
    });
}

#[test]
fn is_not_disturbed_by_the_wrong_protocol() {
    let (_node, server) = small_server(|settings| settings);
    let mut polite = Wire::ALL.map(|wire| server.client_over(wire));
    let ping = b"{\"id\":1,\"method\":\"server.ping\"}\n".repeat(10);
    for wire in [Wire::Ssl, Wire::Wss, Wire::Ws] {
        let mut stream = server.connect(wire);
        // The server may hang up before all is said.
        drop(stream.write_all(&ping));
        drop(stream.shutdown(Shutdown::Write));
        drop(stream.read_to_end(&mut Vec::new()));
    }
    for wire in [Wire::Tcp, Wire::Ws] {
        tls_over(server.connect(wire), rustls::ALL_VERSIONS).unwrap_err();
    }
    for wire in [Wire::Tcp, Wire::Ssl] {
        let web_socket = if wire == Wire::Tcp {
            Wire::Ws
        } else {
            Wire::Wss
        };
        web_socket.try_over(server.connect(wire)).unwrap_err();
    }
    for client in &mut polite {
        client.call("server.ping", &json!([]));
    }
}

/// Who comes to the wrong port, and the words of the log about it.
#[test]
fn says_which_port_a_client_wants_that_speaks_something_else() {
    let (_node, server) = small_server(|settings| settings);
    let service = |wire: Wire| format!("{}://127.0.0.1:{}", wire.as_str(), server.port_of(wire));
    let ping = b"{\"id\":1,\"method\":\"server.ping\"}\n";
    let http = [b"POST / HTTP/1.1\r\n\r\n", &ping[..]].concat();
    let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    for (wire, said, tongue, wanted) in [
        (Wire::Tcp, &tls[..], "TLS", Wire::Ssl),
        (Wire::Ws, tls, "TLS", Wire::Wss),
        (Wire::Ssl, ping, "plain text", Wire::Tcp),
        (Wire::Wss, ping, "plain text", Wire::Tcp),
        (Wire::Ws, ping, "plain text", Wire::Tcp),
        (Wire::Tcp, &http, "HTTP", Wire::Ws),
        (Wire::Ssl, &http, "HTTP", Wire::Ws),
        (Wire::Wss, &http, "HTTP", Wire::Ws),
    ] {
        let mut stream = server.connect(wire);
        stream.write_all(said).unwrap();
        let mut answer = Vec::new();
        // A reset is an end, too.
        drop(stream.read_to_end(&mut answer));
        assert_eq!(answer, b"", "{wire:?}, {tongue}");
        let told = format!(
            "a client speaks {tongue} to {}: it wants {}",
            service(wire),
            service(wanted)
        );
        wait_until(&told, PATIENCE, || {
            server.logged().contains(&told).then_some(())
        });
    }
    // Within the TLS of the port.
    let mut stream = tls_over(server.connect(Wire::Ssl), rustls::ALL_VERSIONS).unwrap();
    stream.write_all(&http).unwrap();
    drop(stream.read_to_end(&mut Vec::new()));
    let told = format!(
        "HTTP to {}: it wants {}",
        service(Wire::Ssl),
        service(Wire::Wss)
    );
    wait_until(&told, PATIENCE, || {
        server.logged().contains(&told).then_some(())
    });

    let metrics = server.metrics();
    let counted =
        |family, reason| metrics[&format!("electrode_{family}_total{{reason=\"{reason}\"}}")];
    assert_eq!(counted("sessions_closed", "tls"), 1.0);
    assert_eq!(counted("sessions_closed", "http"), 2.0);
    assert_eq!(counted("connections_refused", "tls"), 1.0);
    assert_eq!(counted("connections_refused", "http"), 2.0);
    assert_eq!(counted("connections_refused", "plain"), 3.0);
    assert_eq!(counted("connections_refused", "handshake"), 0.0);
}

#[test]
fn says_so_a_few_times_only() {
    let (_node, server) = small_server(|settings| settings);
    for _ in 0..50 {
        tls_over(server.connect(Wire::Tcp), rustls::ALL_VERSIONS).unwrap_err();
    }
    wait_until("all are counted", PATIENCE, || {
        let closed = server.metrics()["electrode_sessions_closed_total{reason=\"tls\"}"];
        (closed == 50.0).then_some(())
    });
    assert_eq!(server.logged().matches("a client speaks TLS").count(), 3);
}
