//! A `WebSocket` as a stream of lines, so that a session need not know about it.
//!
//! Each message that comes in is read as one line, each line that is written goes out as one text
//! message. Pings are answered, and counted as empty messages are: they cost work and ask nothing.
//! Compression is not offered.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use futures_util::{Sink as _, Stream as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream, accept_async_with_config,
    tungstenite::{
        Error, Message,
        protocol::{
            CloseFrame, WebSocketConfig,
            frame::{
                Frame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

use crate::meter::Meter;

/// Bytes that are read at a time, and kept for an idle connection.
const READ_BUFFER_LEN: usize = 4 << 10;
/// Longest frame that is sent; longer lines are sent in several, so that little is buffered.
const MAX_FRAME_LEN: usize = 16 << 10;

/// A `WebSocket` as a stream of lines.
#[derive(Debug)]
pub(super) struct WebSocket<S> {
    socket: WebSocketStream<S>,
    meter: Arc<Meter>,
    /// What is left of the message that is being read, its line end apart.
    incoming: Option<Bytes>,
    /// Whether the last frame that was sent began a line that others must go on with.
    is_within_line: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Open,
    /// Nothing more is read, for a reason that is said when the connection is closed.
    Refused(CloseFrame),
    /// Closed by this side: what still comes is read and forgotten, so that the client's system
    /// hands it what was said last.
    Closed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Answers the client's upgrade request; messages have at most `max_len` bytes, and frames that
    /// are no request are counted.
    ///
    /// # Errors
    /// The client asks for anything else.
    pub(super) async fn accept(stream: S, max_len: usize, meter: Arc<Meter>) -> io::Result<Self> {
        let socket = accept_async_with_config(stream, Some(config(max_len))).await;
        socket
            .map(|socket| Self::over(socket, meter))
            .map_err(to_io)
    }

    fn over(socket: WebSocketStream<S>, meter: Arc<Meter>) -> Self {
        Self {
            socket,
            meter,
            incoming: None,
            is_within_line: false,
            state: State::Open,
        }
    }

    /// Waits for the next message; `None` when there will be no more. What cannot be read is an
    /// error of invalid data, told once.
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        while matches!(self.state, State::Open) {
            match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                Some(Ok(Message::Text(text))) => {
                    return Poll::Ready(Ok(Some(self.count(text.into()))));
                }
                Some(Ok(Message::Binary(bytes))) => {
                    return Poll::Ready(Ok(Some(self.count(bytes))));
                }
                // The library answers pings and closing.
                Some(Ok(_control)) => self.meter.count_frame(),
                Some(Err(error)) => {
                    let refusal = refusal(error)?;
                    let reason =
                        io::Error::new(io::ErrorKind::InvalidData, refusal.reason.as_str());
                    self.state = State::Refused(refusal);
                    return Poll::Ready(Err(reason));
                }
                None => return Poll::Ready(Ok(None)),
            }
        }
        Poll::Ready(Ok(None))
    }
}

impl<S> WebSocket<S> {
    fn count(&self, message: Bytes) -> Bytes {
        if message.trim_ascii_start().is_empty() {
            self.meter.count_frame();
        }
        message
    }
}

/// Bounds what a connection may take, for messages of at most `max_len` bytes.
fn config(max_len: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_LEN)
        .write_buffer_size(MAX_FRAME_LEN)
        .max_write_buffer_size(4 * MAX_FRAME_LEN)
        .max_message_size(Some(max_len))
        .max_frame_size(Some(max_len))
}

/// Tells what to say to a client whose messages cannot be read any more.
fn refusal(error: Error) -> io::Result<CloseFrame> {
    let (code, reason) = match error {
        Error::Capacity(_) => (CloseCode::Size, "message too long"),
        Error::Utf8(_) => (CloseCode::Invalid, "expected text in UTF-8"),
        Error::Protocol(_) => (CloseCode::Protocol, "not as RFC 6455 has it"),
        other => return Err(to_io(other)),
    };
    Ok(CloseFrame {
        code,
        reason: reason.into(),
    })
}

fn to_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if matches!(self.state, State::Closed) {
            return Pin::new(self.socket.get_mut()).poll_read(context, buffer);
        }
        let mut message = match self.incoming.take() {
            Some(rest) => rest,
            None => match ready!(self.poll_message(context))? {
                Some(message) => message,
                None => return Poll::Ready(Ok(())),
            },
        };
        let start = buffer.filled().len();
        let len = message.len().min(buffer.remaining());
        buffer.put_slice(&message.split_to(len));
        // A line end within a message is but space between the tokens of its JSON.
        let copied = buffer.filled_mut().iter_mut().skip(start);
        copied
            .filter(|byte| **byte == b'\n')
            .for_each(|byte| *byte = b' ');
        if message.has_remaining() || buffer.remaining() == 0 {
            self.incoming = Some(message);
        } else {
            buffer.put_slice(b"\n");
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    /// Takes bytes up to the end of a line, or of a frame.
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(context)).map_err(to_io)?;
        let bytes = bytes.get(..MAX_FRAME_LEN).unwrap_or(bytes);
        let line = bytes.iter().position(|byte| *byte == b'\n');
        let payload = line.and_then(|end| bytes.get(..end)).unwrap_or(bytes);
        let kind = match self.is_within_line {
            true => Data::Continue,
            false => Data::Text,
        };
        let payload_len = payload.len();
        let frame = Frame::message(
            Bytes::copy_from_slice(payload),
            OpCode::Data(kind),
            line.is_some(),
        );
        Pin::new(&mut self.socket)
            .start_send(Message::Frame(frame))
            .map_err(to_io)?;
        self.is_within_line = line.is_none();
        Poll::Ready(Ok(payload_len + usize::from(line.is_some())))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket)
            .poll_flush(context)
            .map_err(to_io)
    }

    /// Says that nothing more will come, and why if there is a reason.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let State::Refused(reason) = &self.state {
            let close = Message::Close(Some(reason.clone()));
            ready!(Pin::new(&mut self.socket).poll_ready(context)).map_err(to_io)?;
            Pin::new(&mut self.socket)
                .start_send(close)
                .map_err(to_io)?;
        }
        self.state = State::Closed;
        ready!(Pin::new(&mut self.socket).poll_close(context)).map_err(to_io)?;
        Pin::new(self.socket.get_mut()).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
