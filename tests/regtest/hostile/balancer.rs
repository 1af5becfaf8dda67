//! What a proxy may say in place of its header.

use std::io::Write as _;

use electrode_tests::{Dice, Electrode, LineClient, Wire};
use serde_json::json;

use crate::{
    assert_unharmed,
    lines::{bytes, damaged},
    rude::hang_on,
    serving,
};

const CONNECTIONS: usize = 500;
const LINE: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n";
/// The same in version 2.
const BINARY: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\x12\x67\x01\xbb";

#[test]
fn outlives_headers_that_are_none() {
    let (_node, mut server) = serving(|settings| {
        settings
            .set("serve.proxy_protocol_from", "[\"127.0.0.1\"]")
            .set("limits.handshake_timeout", "\"2s\"")
    });
    let mut dice = Dice::from_env();
    for wire in Wire::ALL {
        for _ in 0..CONNECTIONS {
            let said = match dice.pick(0..4) {
                0 => bytes(&mut dice, 700),
                1 => damaged(LINE, &mut dice),
                2 => damaged(BINARY, &mut dice),
                _ => [BINARY, LINE].concat(),
            };
            let mut stream = server.connect(wire);
            // The server may hang up before all is said.
            let _said_all = stream.write_all(&said).is_ok();
            hang_on(stream);
        }
        assert_serves(&server, wire);
    }
    assert_unharmed(&mut server);
}

/// Checks that a proxy that does it right is served.
fn assert_serves(server: &Electrode, wire: Wire) {
    for header in [LINE, BINARY] {
        let mut stream = server.connect(wire);
        stream.write_all(header).unwrap();
        let mut client = LineClient::over(wire.over(stream));
        client.call("server.ping", &json!([]));
    }
}
