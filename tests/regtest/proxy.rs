//! Behind a balancer that says for whom it speaks.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    io::{Read as _, Write as _},
    time::{Duration, Instant},
};

use electrode_tests::{Bitcoind, Branch, Electrode, LineClient, Settings, Wire, wait_until};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);
const LINE: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Starts a server that believes proxies of these networks.
fn believing(networks: &str) -> (Bitcoind, Electrode) {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let settings = Settings::of(&node)
        .set("serve.proxy_protocol_from", networks)
        .set("limits.handshake_timeout", "\"500ms\"");
    let mut server = Electrode::configured(&settings);
    server.start();
    server.wait_ready();
    (node, server)
}

/// Version 2 for port 4711 of an IPv6 address, with an extension as some balancers add.
fn binary() -> Vec<u8> {
    let client = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let server = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8];
    let rest = [&client[..], &server, &[0x12, 0x67, 1, 187], &[4, 0, 1, 9]].concat();
    let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[0x21, 0x21], &len, &rest].concat()
}

/// Version 2 of a proxy that speaks for itself, as for health checks.
fn local() -> Vec<u8> {
    [SIGNATURE, &[0x20, 0, 0, 0]].concat()
}

/// Gives the addresses of wallets that the operator sees.
fn peers(server: &Electrode) -> Vec<String> {
    let rows = server.operator().call("sessions", &json!([]));
    let wallets = rows.as_array().unwrap().iter().filter(|row| {
        let flags = row[1].as_str().unwrap();
        !flags.starts_with('R')
    });
    wallets
        .map(|row| row[2].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn takes_a_trusted_proxy_s_word_on_every_transport() {
    let (_node, server) = believing("[\"127.0.0.0/8\"]");
    for wire in Wire::ALL {
        for (header, peer) in [
            (LINE.to_vec(), "192.0.2.7:4711"),
            (binary(), "[2001:db8::7]:4711"),
            (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1:"),
            (local(), "127.0.0.1:"),
        ] {
            let mut stream = server.connect(wire);
            stream.write_all(&header).unwrap();
            let mut client = LineClient::over(wire.over(stream));
            client.call("server.version", &json!(["tests", "1.6"]));
            let seen = peers(&server);
            assert!(
                seen.len() == 1 && seen[0].starts_with(peer),
                "{wire:?}: expected {peer}, the operator sees {seen:?}"
            );
            drop(client);
            wait_until("the session is gone", PATIENCE, || {
                peers(&server).is_empty().then_some(())
            });
        }
    }
}

#[test]
fn insists_on_a_header_from_a_trusted_proxy() {
    let (_node, server) = believing("[\"127.0.0.1\"]");
    for beginning in [
        &b"{\"id\":1,\"method\":\"server.ping\"}\n"[..],
        b"PROXY TCP4 192.0.2.7 x 1 2\r\n",
        // Stalls.
        b"PROXY TCP4 192.0",
        &SIGNATURE[..7],
        &[SIGNATURE, &[0x21, 0x11, 0, 12, 1, 2]].concat(),
    ] {
        let start = Instant::now();
        let mut stream = server.connect(Wire::Tcp);
        stream.write_all(beginning).unwrap();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        assert_eq!(answer, b"", "{beginning:?}");
        assert!(start.elapsed() < PATIENCE);
    }
    assert!(
        server
            .logged()
            .contains("a proxy does not say who its client is")
    );
}

#[test]
fn is_quiet_about_health_checks() {
    let (_node, server) = believing("[\"127.0.0.1\"]");
    for wire in Wire::ALL {
        drop(server.connect(wire));
    }
    wait_until("they are gone", PATIENCE, || {
        (server.status()?["sessions"] == 0).then_some(())
    });
    assert!(!server.logged().contains("WARN"), "{}", server.logged());
}

#[test]
fn believes_nobody_else() {
    let (_node, server) = believing("[\"10.0.0.0/8\", \"fd00::/8\"]");
    for header in [LINE.to_vec(), binary()] {
        let mut stream = server.connect(Wire::Tcp);
        stream.write_all(&header).unwrap();
        stream.write_all(b"\n").unwrap();
        let mut client = LineClient::over(Box::new(stream));
        // It is a line that is no request, and the address stays what it is.
        assert_eq!(client.receive().unwrap()["error"]["code"], -32700);
        let seen = peers(&server);
        assert!(
            seen.iter().all(|peer| peer.starts_with("127.0.0.1:")),
            "{seen:?}"
        );
    }
}
