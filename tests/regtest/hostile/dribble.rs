//! Slow loris: clients that say one byte now and then, so that something always seems to come.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use electrode_tests::{Electrode, Stream, Wire, tcp_to, tls_over, wait_until};

use crate::{
    PATIENCE,
    abuser::is_silence,
    assert_unharmed,
    frames::{UPGRADE, upgraded},
    serving,
};

/// What is waited between two bytes.
const PAUSE: Duration = Duration::from_millis(50);
/// Fewer bytes would mean that the server did not wait at all.
const FEW: usize = 5;

/// How far a client gets before it dribbles.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It has connected.
    Connected(Wire),
    /// It speaks TLS.
    Encrypted(Wire),
    /// It is a session.
    Session(Wire),
    /// It is an operator.
    Operator,
}

impl Stage {
    const ALL: [Self; 9] = [
        Self::Connected(Wire::Ssl),
        Self::Connected(Wire::Ws),
        Self::Connected(Wire::Wss),
        Self::Encrypted(Wire::Wss),
        Self::Session(Wire::Tcp),
        Self::Session(Wire::Ssl),
        Self::Session(Wire::Ws),
        Self::Session(Wire::Wss),
        Self::Operator,
    ];

    fn connect(self, server: &Electrode) -> TcpStream {
        match self {
            Self::Connected(wire) | Self::Encrypted(wire) | Self::Session(wire) => {
                server.connect(wire)
            }
            Self::Operator => tcp_to(([127, 0, 0, 1], server.rpc_port())),
        }
    }

    fn reach(self, tcp: TcpStream) -> Box<dyn Stream> {
        match self {
            Self::Connected(_) | Self::Session(Wire::Tcp) | Self::Operator => Box::new(tcp),
            Self::Encrypted(_) | Self::Session(Wire::Ssl) => {
                Box::new(tls_over(tcp, rustls::ALL_VERSIONS).unwrap())
            }
            Self::Session(wire) => upgraded(tcp, wire, UPGRADE).0,
        }
    }

    /// What it says bit by bit and never to the end.
    fn says(self) -> Vec<u8> {
        let endless = b"x".repeat(10_000);
        match self {
            Self::Connected(Wire::Ssl | Wire::Wss) => [
                b"\x16\x03\x01\x3f\xff\x01\x00\x3f\xfb\x03\x03",
                &endless[..],
            ]
            .concat(),
            Self::Connected(_) | Self::Encrypted(_) => {
                [b"GET / HTTP/1.1\r\nHost: ", &endless[..]].concat()
            }
            Self::Session(Wire::Tcp | Wire::Ssl) | Self::Operator => {
                [b"{\"id\":\"", &endless[..]].concat()
            }
            Self::Session(_) => [b"\x81\xfe\x7f\xff\0\0\0\0", &endless[..]].concat(),
        }
    }
}

#[test]
fn hangs_up_on_clients_that_dribble() {
    let (_node, mut server) = serving(|settings| {
        settings
            .set("limits.handshake_timeout", "\"1s\"")
            .set("limits.session_timeout", "\"1s\"")
    });
    thread::scope(|scope| {
        for stage in Stage::ALL {
            let tcp = stage.connect(&server);
            scope.spawn(move || {
                let said = dribble(stage, tcp);
                assert!(said >= FEW, "{stage:?}: hung up on after {said} bytes");
            });
        }
    });
    wait_until("no connection is left", PATIENCE, || {
        (server.status()?["sessions"] == 0).then_some(())
    });
    assert_unharmed(&mut server);
}

/// Says one byte after the other until the server hangs up; tells how many that were.
fn dribble(stage: Stage, tcp: TcpStream) -> usize {
    let socket = tcp.try_clone().unwrap();
    let mut stream = stage.reach(tcp);
    // To wait for an answer is how the time passes between two bytes.
    socket.set_read_timeout(Some(PAUSE)).unwrap();
    let start = Instant::now();
    for (index, byte) in stage.says().into_iter().enumerate() {
        assert!(start.elapsed() < PATIENCE, "{stage:?} is not hung up on");
        if stream
            .write_all(&[byte])
            .and_then(|()| stream.flush())
            .is_err()
        {
            return index;
        }
        match stream.read(&mut [0; 1000]) {
            Err(error) if is_silence(&error) => {}
            // A farewell, the end, or a reset.
            _ => return index,
        }
    }
    panic!("{stage:?} had its say");
}
