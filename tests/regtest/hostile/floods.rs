//! Floods that ask for nothing: what only the transport sees, empty lines, lines without an end.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use electrode_tests::{Electrode, Stream, Wire, wait_until};

use crate::{
    PATIENCE, assert_unharmed,
    frames::{FINAL, TEXT, UPGRADE, frame, upgraded},
    serving,
};

/// What a session may cost, where a byte costs a 5000th and a frame a tenth.
const HARD_LIMIT: f64 = 1000.0;
/// Bytes that cost so much, and what may be under way when the session ends.
const BYTES: f64 = HARD_LIMIT * 5000.0 + 1e6;
/// Bytes of frames of 6 bytes that cost so much, likewise.
const FRAME_BYTES: f64 = HARD_LIMIT * 10.0 * 6.0 + 1e6;

/// How long a server takes nothing that does not want to.
const QUIET: Duration = Duration::from_secs(1);

const PING: u8 = FINAL | 9;
const CONTINUATION: u8 = 0;

/// What is said before a flood, over and over in it, and how much of it may be heard.
struct Flood {
    what: &'static str,
    before: Vec<u8>,
    again: Vec<u8>,
    heard: f64,
}

fn floods(wire: Wire) -> Vec<Flood> {
    let flood = |what, before: &[u8], again: &[u8], heard| Flood {
        what,
        before: before.to_vec(),
        again: again.to_vec(),
        heard,
    };
    if wire.is_web_socket() {
        let begun = frame(TEXT, b"");
        vec![
            flood("empty pings", b"", &frame(PING, b""), FRAME_BYTES),
            flood("long pings", b"", &frame(PING, &[b'x'; 125]), BYTES),
            flood(
                "empty messages",
                b"",
                &frame(FINAL | TEXT, b""),
                FRAME_BYTES,
            ),
            flood("empty parts", &begun, &frame(CONTINUATION, b""), BYTES),
        ]
    } else {
        vec![
            flood("empty lines", b"", b"\n", BYTES),
            flood("lines of blanks", b"", b"   \r\n", BYTES),
            flood("half a line", b"{\"id\":\"", b"x", BYTES),
        ]
    }
}

#[test]
fn ends_floods_that_ask_for_nothing() {
    let (_node, mut server) = serving(|settings| {
        settings
            .set("limits.cost_soft_limit", HARD_LIMIT)
            .set("limits.cost_hard_limit", HARD_LIMIT)
    });
    let mut ended = 0.0;
    for wire in Wire::ALL {
        for flood in floods(wire) {
            let before = received(&server);
            pour(&server, wire, &flood);
            ended += 1.0;
            wait_until("the session has ended", PATIENCE, || {
                let closed = server.metrics()["electrode_sessions_closed_total{reason=\"cost\"}"];
                (closed == ended).then_some(())
            });
            let heard = received(&server) - before;
            let Flood {
                what, heard: limit, ..
            } = flood;
            assert!(heard < limit, "{wire:?}, {what}: {heard} bytes were heard");
            assert!(
                heard > 10_000.0,
                "{wire:?}, {what}: only {heard} bytes were counted"
            );
        }
    }
    assert_unharmed(&mut server);
}

/// Above the soft limit a flood is read with pauses, so that it costs the server no time, and whatever
/// was asked before is answered. The pauses are longer than the test.
#[test]
fn reads_floods_slowly_before_it_ends_them() {
    let (_node, mut server) = serving(|settings| {
        settings
            .set("limits.cost_soft_limit", 100)
            .set("limits.cost_hard_limit", 10_000)
            .set("limits.request_sleep", "\"10000s\"")
    });
    for wire in [Wire::Tcp, Wire::Ws] {
        let before = received(&server);
        let tcp = server.connect(wire);
        tcp.set_write_timeout(Some(QUIET)).unwrap();
        let (mut stream, line): (Box<dyn Stream>, _) = match wire {
            Wire::Ws => (upgraded(tcp, wire, UPGRADE).0, frame(PING, b"")),
            _ => (Box::new(tcp), b"\n".to_vec()),
        };
        let bytes = line.repeat(50_000);
        let start = Instant::now();
        while stream.write_all(&bytes).is_ok() {
            assert!(start.elapsed() < PATIENCE, "{wire:?}: all is read");
        }
        let heard = received(&server) - before;
        assert!(heard > 1000.0, "{wire:?}: only {heard} bytes were heard");
        assert!(heard < 3e6, "{wire:?}: {heard} bytes were heard");
        assert_eq!(server.status().unwrap()["sessions_too_costly"], 0);
    }
    assert_unharmed(&mut server);
}

fn received(server: &Electrode) -> f64 {
    server.metrics()["electrode_received_bytes_total"]
}

/// Sends a flood until the server has had enough of it.
fn pour(server: &Electrode, wire: Wire, flood: &Flood) {
    let mut stream = match wire.is_web_socket() {
        true => upgraded(server.connect(wire), wire, UPGRADE).0,
        false => wire.over(server.connect(wire)),
    };
    stream.write_all(&flood.before).unwrap();
    let bytes = flood.again.repeat(50_000 / flood.again.len());
    let start = Instant::now();
    while stream.write_all(&bytes).is_ok() {
        assert!(
            start.elapsed() < PATIENCE,
            "{wire:?}, {}: is not ended",
            flood.what
        );
    }
}
