//! Frames of a `WebSocket` made by hand, as no library makes them.

use std::{
    io::{Read, Write as _},
    net::TcpStream,
};

use electrode_tests::{Dice, Stream, Wire, tls_over};

use crate::{
    assert_unharmed,
    lines::{byte, bytes},
    serving,
};

/// A request to go on as a `WebSocket`, with the key that RFC 6455 has as its example.
pub(crate) const UPGRADE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The same, by a client that would compress what it sends.
const UPGRADE_WITH_DEFLATE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-webkit-deflate-frame\r\n\r\n";

/// The answer to that key. Source: RFC 6455, section 1.3.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub(crate) const FINAL: u8 = 0x80;
const RSV1: u8 = 0x40;
pub(crate) const TEXT: u8 = 1;
const MASKED: u8 = 0x80;
/// Says that the length follows in two bytes, or in eight.
const LONG: u8 = 126;
const LONGER: u8 = 127;

/// Close codes. Source: RFC 6455, section 7.4.1.
const PROTOCOL: u16 = 1002;
const NO_TEXT: u16 = 1007;
const TOO_LONG: u16 = 1009;

/// Frames, some of which are none.
pub(crate) fn some_frames(dice: &mut Dice) -> Vec<u8> {
    let mut frames = Vec::new();
    for _ in 0..=dice.pick(0..8) {
        let payload = bytes(dice, 200);
        let (first, masked) = match dice.pick(0..4) {
            0 => (byte(dice), byte(dice)),
            1 => (FINAL | TEXT, MASKED),
            // Fragments that never end.
            _ => ([TEXT, 0][dice.index(2)], MASKED),
        };
        let len = u8::try_from(payload.len().min(125)).unwrap();
        let len = [len, LONG, LONGER][dice.index(20).saturating_sub(17)];
        frames.extend([first, masked | len]);
        frames.extend(bytes(dice, 9));
        frames.extend(payload);
    }
    frames
}

/// A frame as a client has to make it, its mask being zero.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len();
    let len = match len {
        0..126 => vec![MASKED | u8::try_from(len).unwrap()],
        126..0x1_0000 => {
            let len = u16::try_from(len).unwrap().to_be_bytes();
            [&[MASKED | LONG][..], &len].concat()
        }
        _ => {
            let len = u64::try_from(len).unwrap().to_be_bytes();
            [&[MASKED | LONGER][..], &len].concat()
        }
    };
    [&[first][..], &len, &[0; 4], payload].concat()
}

/// What must not be read, and the code that the server hangs up with.
fn refused() -> Vec<(&'static str, Vec<u8>, u16)> {
    let fragments = |first: u8| {
        let more = frame(0, &[b'x'; 60_000]).repeat(20);
        [frame(first, b"x"), more].concat()
    };
    vec![
        ("compressed", frame(FINAL | RSV1 | TEXT, &bomb()), PROTOCOL),
        ("RSV2", frame(FINAL | 0x20 | TEXT, b"{}"), PROTOCOL),
        ("RSV3", frame(FINAL | 0x10 | TEXT, b"{}"), PROTOCOL),
        (
            "not masked",
            [&[FINAL | TEXT, 2][..], b"{}"].concat(),
            PROTOCOL,
        ),
        ("unknown kind", frame(FINAL | 3, b"{}"), PROTOCOL),
        ("unknown control", frame(FINAL | 0xb, b""), PROTOCOL),
        ("goes on with nothing", frame(FINAL, b"{}"), PROTOCOL),
        ("a ping in parts", frame(9, b"?"), PROTOCOL),
        ("a long ping", frame(FINAL | 9, &[b'?'; 126]), PROTOCOL),
        ("begins twice", frame(TEXT, b"{").repeat(2), PROTOCOL),
        ("close of one byte", frame(FINAL | 8, b"x"), PROTOCOL),
        ("no text", frame(FINAL | TEXT, b"\xff\xfe"), NO_TEXT),
        ("fragments without end", fragments(TEXT), TOO_LONG),
        (
            "a terabyte announced",
            [
                &[FINAL | TEXT, MASKED | LONGER, 0, 0, 1, 0, 0, 0, 0, 0][..],
                &[0; 4],
            ]
            .concat(),
            TOO_LONG,
        ),
        (
            "more than there are bytes",
            [&[FINAL | TEXT, MASKED | LONGER][..], &[0x7f; 8], &[0; 4]].concat(),
            TOO_LONG,
        ),
    ]
}

/// What deflate makes of 1 MiB of zeros: 1 KB, of which most are zeros too.
fn bomb() -> Vec<u8> {
    let start = [
        0xec, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xc2, 0xa0, 0xf5, 0x4f, 0x6d, 0x08, 0x5f, 0xa0,
    ];
    [&start[..], &[0; 1016], &[0x3e, 0x03]].concat()
}

#[test]
fn refuses_frames_that_are_wrong() {
    let (_node, mut server) = serving(|settings| settings);
    for wire in [Wire::Ws, Wire::Wss] {
        for (what, frames, code) in refused() {
            let (mut stream, _) = upgraded(server.connect(wire), wire, UPGRADE);
            // The server may hang up before it has taken all.
            let _took_all = stream.write_all(&frames).is_ok();
            let close = read_frame(&mut stream);
            assert_eq!(close.first, FINAL | 8, "{wire:?}, {what}: {close:?}");
            assert_eq!(close.payload[..2], code.to_be_bytes(), "{wire:?}, {what}");
            let mut rest = Vec::new();
            let _ended_well = stream.read_to_end(&mut rest).is_ok();
            assert_eq!(rest, b"", "{wire:?}, {what}");
        }
    }
    assert_unharmed(&mut server);
}

#[test]
fn negotiates_no_compression() {
    let (_node, server) = serving(|settings| settings);
    for wire in [Wire::Ws, Wire::Wss] {
        let (mut stream, head) = upgraded(server.connect(wire), wire, UPGRADE_WITH_DEFLATE);
        assert!(head.contains(ACCEPT), "{head}");
        assert!(!head.to_lowercase().contains("extensions"), "{head}");
        // In three fragments, with a ping between them.
        let ping = frame(FINAL | 9, b"?");
        let asked = [
            frame(TEXT, b"{\"id\":7,"),
            ping,
            frame(0, b"\"method\":"),
            frame(FINAL, b"\"server.ping\"}"),
        ];
        stream.write_all(&asked.concat()).unwrap();
        let (pong, answer) = (read_frame(&mut stream), read_frame(&mut stream));
        assert_eq!((pong.first, &pong.payload[..]), (FINAL | 10, &b"?"[..]));
        assert_eq!(answer.first, FINAL | TEXT);
        let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
        assert_eq!(answer["id"], 7, "{answer}");
    }
}

/// Asks to go on as a `WebSocket`, over TLS if that is what the port speaks; gives the head of the
/// answer too.
pub(crate) fn upgraded(tcp: TcpStream, wire: Wire, request: &[u8]) -> (Box<dyn Stream>, String) {
    let mut stream: Box<dyn Stream> = match wire {
        Wire::Wss => Box::new(tls_over(tcp, rustls::ALL_VERSIONS).unwrap()),
        _ => Box::new(tcp),
    };
    stream.write_all(request).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    (stream, String::from_utf8(head).unwrap())
}

/// A short frame of the server.
#[derive(Debug)]
struct Frame {
    first: u8,
    payload: Vec<u8>,
}

fn read_frame(stream: &mut impl Read) -> Frame {
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    let [first, len] = head;
    assert!(len < LONG, "short and without a mask");
    let mut payload = vec![0; usize::from(len)];
    stream.read_exact(&mut payload).unwrap();
    Frame { first, payload }
}
