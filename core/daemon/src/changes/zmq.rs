//! A ZeroMQ subscriber: the few lines of ZMTP 3.0 that hearing a node takes.
//!
//! Own code, because what a node publishes may be of any length, and only its first bytes matter
//! here: the rest is skipped as it arrives and never held.
//!
//! Source: <https://rfc.zeromq.org/spec/23/>, Bitcoin Core's `doc/zmq.md`.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncBufRead, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

use super::{Change, announced::Publisher};

/// Longest wait for a connection, handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest silence, after which the connection is made anew: it may be dead without telling.
const MAX_SILENCE: Duration = Duration::from_secs(3600);

/// Bytes of a frame that are looked at: more than any topic has, and enough of a `sequence` body.
const MAX_KEPT_BYTES: u64 = 64;

/// Where in a `sequence` body the kind of event stands: behind a hash.
const SEQUENCE_LABEL: usize = 32;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// `READY` with the one property that a subscriber must tell, as a command frame.
const READY: &[u8] = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB";

/// Why a publisher is not heard.
#[derive(Debug, thiserror::Error)]
#[error("ZeroMQ publisher at {endpoint}: {source}")]
pub(super) struct ZmqFailure {
    endpoint: String,
    source: io::Error,
}

/// A connection to a publisher.
#[derive(Debug)]
pub(super) struct Subscriber {
    endpoint: String,
    stream: BufReader<TcpStream>,
}

/// The beginning of a frame.
#[derive(Debug)]
struct Frame {
    flags: u8,
    start: Vec<u8>,
}

/// Connects to all publishers.
pub(super) async fn subscribe(publishers: &[Publisher]) -> Result<Vec<Subscriber>, ZmqFailure> {
    let mut subscribers = Vec::new();
    for publisher in publishers {
        subscribers.push(Subscriber::connect(publisher).await?);
    }
    Ok(subscribers)
}

impl Subscriber {
    async fn connect(publisher: &Publisher) -> Result<Self, ZmqFailure> {
        let endpoint = publisher.endpoint.to_string();
        let connected = timeout(CONNECT_TIMEOUT, handshake(publisher)).await;
        match connected.unwrap_or_else(|elapsed| Err(elapsed.into())) {
            Ok(stream) => Ok(Self { endpoint, stream }),
            Err(source) => Err(ZmqFailure { endpoint, source }),
        }
    }

    /// Waits for the next message that tells of a change.
    pub(super) async fn next(&mut self) -> Result<Change, ZmqFailure> {
        loop {
            let message = timeout(MAX_SILENCE, read_message(&mut self.stream)).await;
            let message = message.unwrap_or_else(|elapsed| Err(elapsed.into()));
            let [topic, body] = message.map_err(|source| ZmqFailure {
                endpoint: self.endpoint.clone(),
                source,
            })?;
            if let Some(change) = change(&topic, &body) {
                return Ok(change);
            }
        }
    }
}

/// Connects, introduces itself and subscribes.
async fn handshake(publisher: &Publisher) -> io::Result<BufReader<TcpStream>> {
    let endpoint = &publisher.endpoint;
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
    let mut stream = BufReader::new(stream);
    stream.write_all(&greeting()).await?;
    check_greeting(&mut stream).await?;
    stream.write_all(READY).await?;
    let ready = read_frame(&mut stream).await?;
    if ready.flags & COMMAND == 0 || !ready.start.starts_with(b"\x05READY") {
        return Err(protocol_error("expected READY, is this a publisher?"));
    }
    for topic in &publisher.topics {
        let len = u8::try_from(1 + topic.len()).map_err(io::Error::other)?;
        let subscription = [&[0, len, 1], topic.as_bytes()].concat();
        stream.write_all(&subscription).await?;
    }
    Ok(stream)
}

/// Shape: ff ‖ 8 bytes ‖ 7f ‖ version 3.0 ‖ mechanism (20) ‖ as-server 0 ‖ 31 zeros.
fn greeting() -> [u8; 64] {
    let mut greeting = [0; 64];
    greeting[0] = 0xff;
    greeting[9..12].copy_from_slice(&[0x7f, 3, 0]);
    greeting[12..16].copy_from_slice(b"NULL");
    greeting
}

async fn check_greeting(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut greeting = [0; 64];
    stream.read_exact(&mut greeting).await?;
    let [
        0xff,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        0x7f,
        version,
        _,
        mechanism @ ..,
    ] = &greeting
    else {
        return Err(protocol_error("expected a ZeroMQ greeting"));
    };
    if *version < 3 || !mechanism.starts_with(b"NULL\0") {
        return Err(protocol_error("expected ZMTP 3 without encryption"));
    }
    Ok(())
}

/// Reads the beginnings of the first two frames of the next message.
async fn read_message(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<[Vec<u8>; 2]> {
    let mut message: [Vec<u8>; 2] = Default::default();
    let mut position = 0;
    loop {
        let frame = read_frame(stream).await?;
        if frame.flags & COMMAND != 0 {
            continue;
        }
        if let Some(kept) = message.get_mut(position) {
            *kept = frame.start;
            position += 1;
        }
        if frame.flags & MORE == 0 {
            return Ok(message);
        }
    }
}

/// Shape: flags (1) ‖ length (1, or 8 BE if long) ‖ body.
async fn read_frame(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Frame> {
    let flags = stream.read_u8().await?;
    let len = if flags & LONG == 0 {
        u64::from(stream.read_u8().await?)
    } else {
        stream.read_u64().await?
    };
    let mut body = stream.take(len);
    let mut start = Vec::new();
    (&mut body)
        .take(MAX_KEPT_BYTES)
        .read_to_end(&mut start)
        .await?;
    tokio::io::copy_buf(&mut body, &mut tokio::io::sink()).await?;
    if body.limit() > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Frame { flags, start })
}

fn change(topic: &[u8], body: &[u8]) -> Option<Change> {
    match topic {
        b"hashblock" | b"rawblock" => Some(Change::Block),
        b"hashtx" | b"rawtx" => Some(Change::Mempool),
        b"sequence" => match body.get(SEQUENCE_LABEL)? {
            // Connected, disconnected.
            b'C' | b'D' => Some(Change::Block),
            // Added, removed.
            b'A' | b'R' => Some(Change::Mempool),
            _ => None,
        },
        _ => None,
    }
}

fn protocol_error(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Gives what a subscriber reads of a publisher that sends these bytes and ends.
    async fn read(bytes: &[u8]) -> io::Result<[Vec<u8>; 2]> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stream, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        accepted.unwrap().0.write_all(bytes).await.unwrap();
        read_message(&mut BufReader::new(stream.unwrap())).await
    }

    #[tokio::test]
    async fn skips_what_it_does_not_need() {
        let block = [&[3, 0, 0, 0, 0, 0, 1, 0x86, 0xa0], &[7; 100_000][..]].concat();
        let bytes = [
            b"\x04\x05\x04PING\x01\x08rawblock",
            &block[..],
            b"\0\x04\0\0\0\0",
        ]
        .concat();
        let [topic, body] = read(&bytes).await.unwrap();
        assert_eq!(
            (topic.as_slice(), body.as_slice()),
            (&b"rawblock"[..], &[7; 64][..])
        );
    }

    #[tokio::test]
    async fn reports_a_message_that_ends_early() {
        for bytes in [
            &b""[..],
            b"\0",
            b"\0\x05ab",
            b"\x01\x01a",
            b"\x02\xff\xff\xff\xff\xff\xff\xff\xffabc",
        ] {
            let error = read(bytes).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{bytes:?}");
        }
    }

    #[test]
    fn knows_what_messages_tell() {
        let sequence = |label| [&[0; 32][..], &[label]].concat();
        for (topic, body, expected) in [
            ("hashblock", vec![], Some(Change::Block)),
            ("rawblock", vec![], Some(Change::Block)),
            ("hashtx", vec![], Some(Change::Mempool)),
            ("rawtx", vec![], Some(Change::Mempool)),
            ("sequence", sequence(b'C'), Some(Change::Block)),
            ("sequence", sequence(b'D'), Some(Change::Block)),
            ("sequence", sequence(b'A'), Some(Change::Mempool)),
            ("sequence", sequence(b'R'), Some(Change::Mempool)),
            ("sequence", sequence(b'?'), None),
            ("sequence", vec![], None),
            ("other", vec![], None),
        ] {
            assert_eq!(
                change(topic.as_bytes(), &body),
                expected,
                "{topic} {body:?}"
            );
        }
    }

    #[tokio::test]
    async fn refuses_what_is_no_publisher() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let publisher = Publisher {
            endpoint: crate::endpoint::Endpoint {
                host: "127.0.0.1".to_owned(),
                port: listener.local_addr().unwrap().port(),
            },
            topics: vec!["sequence"],
        };
        let mut curve = greeting();
        curve[12..17].copy_from_slice(b"CURVE");
        let mut old = greeting();
        old[10] = 2;
        let not_ready = [&greeting()[..], b"\0\x01x"].concat();
        for (bytes, reason) in [
            (&[b'H'; 64][..], "greeting"),
            (&curve, "encryption"),
            (&old, "ZMTP 3"),
            (&not_ready, "READY"),
        ] {
            let (connected, ()) = tokio::join!(Subscriber::connect(&publisher), async {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(bytes).await.unwrap();
                // Held until the subscriber ends it.
                stream
                    .read_to_end(&mut Vec::new())
                    .await
                    .unwrap_or_default();
            });
            let failure = connected.unwrap_err().to_string();
            assert!(failure.contains(reason), "{failure}");
        }
    }
}
