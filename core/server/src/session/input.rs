//! From a connection to bytes, and from bytes to messages.

use std::{collections::VecDeque, future::poll_fn, io, task::Poll};

use electrode_protocol::{Id, Incoming, LineDecoder, Refusal, RpcError, parse};
use tokio::io::AsyncRead;

use crate::{
    Limits, Transport,
    chunk::poll_chunk,
    meter::{Meter, Reading},
    tally::Ended,
    tongue::Tongue,
};

/// What makes messages of the bytes of a session.
pub(super) struct Input {
    transport: Transport,
    decoder: LineDecoder,
    max_batch: usize,
    /// Whether the client has said anything yet.
    has_spoken: bool,
}

/// What bytes were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    /// Whether a line came to its end, be it an empty one.
    pub(super) has_line: bool,
    pub(super) messages: usize,
    /// Why they are no lines at all, if that is so.
    pub(super) foreign: Option<Ended>,
}

impl Input {
    pub(super) fn new(transport: Transport, limits: &Limits) -> Self {
        Self {
            transport,
            decoder: LineDecoder::new(limits.max_recv),
            max_batch: limits.max_batch,
            has_spoken: false,
        }
    }

    /// Adds the messages in some bytes to those that wait.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        waiting: &mut VecDeque<Result<Incoming, Refusal>>,
    ) -> Taken {
        let is_first = !std::mem::replace(&mut self.has_spoken, true);
        if let Some(foreign) = self.foreign(bytes).filter(|_| is_first) {
            return Taken {
                foreign: Some(foreign),
                ..Taken::default()
            };
        }
        let before = waiting.len();
        decode(&mut self.decoder, waiting, self.max_batch, bytes);
        Taken {
            has_line: bytes.contains(&b'\n'),
            messages: waiting.len() - before,
            foreign: None,
        }
    }

    /// Tells why a session that begins so is none.
    fn foreign(&self, first: &[u8]) -> Option<Ended> {
        match Tongue::of(first)? {
            _ if self.transport.is_web_socket() => None,
            Tongue::Tls => Some(Ended::Tls),
            Tongue::Http => Some(Ended::Http),
            Tongue::Lines => None,
        }
    }
}

/// What came from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Bytes of lines.
    Bytes,
    /// Only what the transport keeps for itself.
    Nothing,
    /// The end.
    End,
}

/// Waits for bytes of lines, which `take` gets, or until anything else has come since `known` was
/// read from the meter. Dropping the future loses nothing.
pub(super) async fn listen(
    source: &mut (impl AsyncRead + Unpin),
    meter: &Meter,
    known: Reading,
    mut take: impl FnMut(&[u8]),
) -> io::Result<Heard> {
    poll_fn(|context| match poll_chunk(source, context, &mut take) {
        Poll::Ready(read) => Poll::Ready(read.map(|len| match len {
            0 => Heard::End,
            _ => Heard::Bytes,
        })),
        Poll::Pending if meter.read() != known => Poll::Ready(Ok(Heard::Nothing)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Cuts bytes into messages; a line that is too long is answered with an error.
pub(crate) fn decode(
    decoder: &mut LineDecoder,
    waiting: &mut VecDeque<Result<Incoming, Refusal>>,
    max_batch: usize,
    mut bytes: &[u8],
) {
    while let Some(line) = decoder.next_line(&mut bytes) {
        match line {
            Ok(line) if line.iter().all(u8::is_ascii_whitespace) => {}
            Ok(line) => waiting.push_back(parse(&line, max_batch)),
            Err(too_long) => waiting.push_back(Err(Refusal {
                id: Id::null(),
                error: RpcError::request_too_large(too_long.max_line),
            })),
        }
    }
}
