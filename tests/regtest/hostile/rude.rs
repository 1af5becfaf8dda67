//! Connections that go wrong below the lines: handshakes, HTTP, frames.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use electrode_tests::{Dice, Electrode, Wire, tcp_to};

use crate::{
    abuser::is_silence,
    frames::{UPGRADE, some_frames},
    lines::{byte, bytes, damaged, line},
};

/// The beginning of TLS as a client says it, as far as the length of its hello.
const HELLO: &[u8] = b"\x16\x03\x01\x00\xf0\x01\x00\x00\xec\x03\x03";

/// What browsers and scanners say to any port they find.
const HTTP: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 99999999999\r\n\r\n\x1f\x8b",
    b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"OPTIONS * HTTP/1.0\r\n\r\n",
];

/// Connects, says something that is no line, and leaves. Tells whether the server is known to have
/// read it: it hung up by itself.
pub(crate) fn be_rude(server: &Electrode, wire: Wire, dice: &mut Dice) -> bool {
    let said = match (wire, dice.pick(0..5)) {
        (_, 0) => bytes(dice, 2000),
        (Wire::Tcp, _) | (_, 1) => damaged(HTTP[dice.index(HTTP.len())], dice),
        (Wire::Ws, 2) => damaged(UPGRADE, dice),
        (Wire::Ws, _) => [UPGRADE, &some_frames(dice)].concat(),
        (_, 2) => damaged(&[HELLO, &bytes(dice, 300)].concat(), dice),
        (_, _) => [HELLO, &bytes(dice, 300)].concat(),
    };
    leave(server.connect(wire), &said, dice)
}

/// Does the same below TLS: HTTP and frames that are no good.
pub(crate) fn be_rude_within(server: &Electrode, wire: Wire, dice: &mut Dice) {
    let said = match dice.pick(0..3) {
        0 => damaged(HTTP[dice.index(HTTP.len())], dice),
        1 => damaged(UPGRADE, dice),
        _ => [UPGRADE, &some_frames(dice)].concat(),
    };
    let mut stream = electrode_tests::tls_over(server.connect(wire), rustls::ALL_VERSIONS).unwrap();
    // The server may hang up before all is said.
    let _said_all = stream.write_all(&said).is_ok();
    stream.conn.send_close_notify();
    let _said_all = stream.flush().is_ok();
    match stream.read_to_end(&mut Vec::new()) {
        Err(error) if is_silence(&error) => panic!("{wire:?}: the server does not hang up"),
        _ended => {}
    }
}

/// Says something wrong to the ports of operators and of programs that watch the server.
pub(crate) fn be_rude_to_operators(server: &Electrode, dice: &mut Dice) -> bool {
    let said = match dice.pick(0..3) {
        0 => bytes(dice, 2000),
        1 => line(dice),
        _ => damaged(HTTP[dice.index(HTTP.len())], dice),
    };
    let port = [server.http_port(), server.rpc_port()][dice.index(2)];
    leave(tcp_to(([127, 0, 0, 1], port)), &said, dice)
}

/// Says something and goes away, at once or once the server has hung up.
fn leave(mut stream: TcpStream, said: &[u8], dice: &mut Dice) -> bool {
    // The server may hang up before all is said.
    let _said_all = stream.write_all(said).is_ok();
    if byte(dice) < 64 {
        return false;
    }
    hang_on(stream);
    true
}

/// Says that nothing more will come, and waits until the server hangs up too.
pub(crate) fn hang_on(mut stream: TcpStream) {
    let _is_open = stream.shutdown(Shutdown::Write).is_ok();
    match stream.read_to_end(&mut Vec::new()) {
        Err(error) if is_silence(&error) => panic!("the server does not hang up"),
        _ended => {}
    }
}
