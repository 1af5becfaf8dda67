//! A connection to a server as lines that are sent and come.

use std::{borrow::Cow, io, net::SocketAddr};

use electrode_protocol::LineDecoder;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message,
        error::{CapacityError, ProtocolError},
        protocol::WebSocketConfig,
    },
};

use super::{
    CallArgs, CallError,
    place::Place,
    tls::{self, Seen},
};

/// Bytes that are read at a time.
const READ_BUFFER_LEN: usize = 64 << 10;

/// A connection of bytes, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection of lines.
pub(super) struct Wire {
    lines: Lines,
    /// The server's address.
    pub(super) peer: SocketAddr,
    /// What TLS has shown of the server.
    pub(super) seen: Option<Seen>,
}

enum Lines {
    Bytes {
        stream: BufReader<Box<dyn Stream>>,
        decoder: LineDecoder,
    },
    Messages {
        socket: Box<WebSocketStream<Box<dyn Stream>>>,
        max_bytes: usize,
    },
}

impl Wire {
    /// Connects, and shakes hands as the transport has it.
    pub(super) async fn connect(args: &CallArgs) -> Result<Self, CallError> {
        let server = &args.server;
        let (tcp, peer) = tcp_to(server).await.map_err(|source| CallError::Connect {
            server: server.to_string(),
            source,
        })?;
        let (stream, seen): (Box<dyn Stream>, _) = match server.transport.is_encrypted() {
            true => {
                let (stream, seen) = tls::over(tcp, server, args.pin).await?;
                (Box::new(stream), Some(seen))
            }
            false => (Box::new(tcp), None),
        };
        let lines = Lines::over(stream, server, args.max_bytes.0).await?;
        Ok(Self { lines, peer, seen })
    }

    /// Sends a line, its end included. Where nobody is there any more, what was said last is still
    /// to be read, and then the end.
    pub(super) async fn send(&mut self, line: Vec<u8>) -> Result<(), CallError> {
        let sent = match &mut self.lines {
            Lines::Bytes { stream, .. } => match stream.write_all(&line).await {
                Ok(()) => stream.flush().await,
                failed => failed,
            },
            Lines::Messages { socket, .. } => {
                let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
                socket.send(Message::text(text)).await.map_err(to_io)
            }
        };
        sent.or_else(|error| match is_end(&error) {
            true => Ok(()),
            false => Err(CallError::Broken(error)),
        })
    }

    /// Waits for the next line that is not empty, without its end; `None` when there will be no
    /// more. Nothing is lost where the waiting is given up.
    pub(super) async fn next_line(&mut self) -> Result<Option<Vec<u8>>, CallError> {
        loop {
            let line = match &mut self.lines {
                Lines::Bytes { stream, decoder } => next_of_bytes(stream, decoder).await?,
                Lines::Messages { socket, max_bytes } => next_message(socket, *max_bytes).await?,
            };
            if line
                .as_ref()
                .is_none_or(|line| !line.trim_ascii().is_empty())
            {
                return Ok(line);
            }
        }
    }
}

impl Lines {
    async fn over(
        stream: Box<dyn Stream>,
        server: &Place,
        max_bytes: usize,
    ) -> Result<Self, CallError> {
        if !server.transport.is_web_socket() {
            return Ok(Self::Bytes {
                stream: BufReader::with_capacity(READ_BUFFER_LEN, stream),
                decoder: LineDecoder::new(max_bytes),
            });
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_LEN)
            .max_message_size(Some(max_bytes))
            .max_frame_size(Some(max_bytes));
        let shaken = client_async_with_config(server.to_string(), stream, Some(config)).await;
        let (socket, _response) = shaken.map_err(|error| CallError::Handshake {
            server: server.to_string(),
            protocol: "WebSocket",
            source: to_io(error),
        })?;
        Ok(Self::Messages {
            socket: Box::new(socket),
            max_bytes,
        })
    }
}

async fn tcp_to(server: &Place) -> io::Result<(TcpStream, SocketAddr)> {
    let tcp = TcpStream::connect((&*server.host, server.port)).await?;
    tcp.set_nodelay(true)?;
    let peer = tcp.peer_addr()?;
    Ok((tcp, peer))
}

async fn next_of_bytes(
    stream: &mut BufReader<Box<dyn Stream>>,
    decoder: &mut LineDecoder,
) -> Result<Option<Vec<u8>>, CallError> {
    loop {
        let mut chunk = match stream.fill_buf().await {
            Err(error) if is_end(&error) => return Ok(None),
            chunk => chunk?,
        };
        if chunk.is_empty() {
            return Ok(None);
        }
        let len = chunk.len();
        let line = decoder.next_line(&mut chunk);
        let line = line.map(|line| line.map(Cow::into_owned));
        let taken = len - chunk.len();
        stream.consume(taken);
        if let Some(line) = line {
            return Ok(Some(line?));
        }
    }
}

async fn next_message(
    socket: &mut WebSocketStream<Box<dyn Stream>>,
    max_bytes: usize,
) -> Result<Option<Vec<u8>>, CallError> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(Some(text.as_bytes().to_vec())),
            Some(Ok(Message::Binary(bytes))) => return Ok(Some(bytes.to_vec())),
            // The library answers pings and closing.
            Some(Ok(_control)) => {}
            None => return Ok(None),
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                return Err(CallError::TooLong { max_bytes });
            }
            Some(Err(error)) => match to_io(error) {
                end if is_end(&end) => return Ok(None),
                error => return Err(CallError::Broken(error)),
            },
        }
    }
}

/// Tells whether an error means no more than that the other side has gone.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}

fn to_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            io::ErrorKind::UnexpectedEof.into()
        }
        other => io::Error::other(other),
    }
}
