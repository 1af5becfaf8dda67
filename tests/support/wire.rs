//! The ways to connect to a server, each as a stream of lines.

use std::{
    fmt::Debug,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme,
    StreamOwned, SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tungstenite::{Message, WebSocket, protocol::WebSocketConfig};

/// How long an answer or a notification may take before the test fails.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Longer than any answer.
const MAX_MESSAGE_LEN: usize = 64 << 20;

/// A way to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Lines over TCP.
    Tcp,
    /// Lines over TLS.
    Ssl,
    /// Messages of a `WebSocket`.
    Ws,
    /// The same over TLS.
    Wss,
}

/// A connection.
pub trait Stream: Read + Write + Debug + Send {}

impl<T: Read + Write + Debug + Send> Stream for T {}

/// A connection over TLS.
pub type TlsStream = StreamOwned<ClientConnection, TcpStream>;

impl Wire {
    /// Every way there is.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Ssl, Self::Ws, Self::Wss];

    /// Gives its name in front of the `://` of a service.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ssl => "ssl",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// Tells whether its lines are messages of a `WebSocket`.
    #[must_use]
    pub fn is_web_socket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// Shakes hands on a connection to a port that is served this way; what is written then is
    /// lines, and so is what is read.
    ///
    /// # Errors
    /// The server does not take part in it.
    pub fn try_over(self, tcp: TcpStream) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp => Box::new(tcp),
            Self::Ssl => Box::new(tls_over(tcp, rustls::ALL_VERSIONS)?),
            Self::Ws => Box::new(WebSocketLines::over(tcp)?),
            Self::Wss => Box::new(WebSocketLines::over(tls_over(tcp, rustls::ALL_VERSIONS)?)?),
        })
    }

    /// Does the same where it must work.
    #[must_use]
    pub fn over(self, tcp: TcpStream) -> Box<dyn Stream> {
        self.try_over(tcp)
            .unwrap_or_else(|error| panic!("{}: {error}", self.as_str()))
    }
}

/// Connects to an address without saying anything.
#[must_use]
pub fn tcp_to(address: impl Into<SocketAddr>) -> TcpStream {
    let stream = TcpStream::connect(address.into()).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(ANSWER_LIMIT)).unwrap();
    stream.set_write_timeout(Some(ANSWER_LIMIT)).unwrap();
    stream
}

/// Shakes hands over TLS with a server whose certificate may be any.
///
/// # Errors
/// The server does not take part in it.
pub fn tls_over(
    mut tcp: TcpStream,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<TlsStream> {
    let mut session = session(versions);
    while session.is_handshaking() {
        session.complete_io(&mut tcp)?;
    }
    Ok(StreamOwned::new(session, tcp))
}

fn session(versions: &[&'static SupportedProtocolVersion]) -> ClientConnection {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

/// Gives the certificate that the server has shown, as a file holds it without its armour.
#[must_use]
pub fn certificate(stream: &TlsStream) -> Vec<u8> {
    stream.conn.peer_certificates().unwrap()[0].to_vec()
}

/// Takes every certificate whose key the server has, as a wallet does the first time.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if end_entity.is_empty() {
            return Err(CertificateError::BadEncoding.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A `WebSocket` whose messages are written and read as lines.
#[derive(Debug)]
struct WebSocketLines<S> {
    socket: WebSocket<S>,
    written: Vec<u8>,
    received: io::Cursor<Vec<u8>>,
}

impl<S: Read + Write> WebSocketLines<S> {
    fn over(stream: S) -> io::Result<Self> {
        let config = WebSocketConfig::default()
            .read_buffer_size(16 << 10)
            .max_message_size(Some(MAX_MESSAGE_LEN))
            .max_frame_size(Some(MAX_MESSAGE_LEN));
        let request = "ws://localhost/";
        let (socket, _response) =
            tungstenite::client::client_with_config(request, stream, Some(config))
                .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self {
            socket,
            written: Vec::new(),
            received: io::Cursor::default(),
        })
    }
}

impl<S: Read + Write> Read for WebSocketLines<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.received.read(buffer)? {
                0 => {}
                len => return Ok(len),
            }
            let mut line = match self.socket.read() {
                Ok(Message::Text(text)) => text.as_bytes().to_vec(),
                Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                Ok(Message::Close(_)) | Err(tungstenite::Error::ConnectionClosed) => return Ok(0),
                Ok(other) => panic!("expected text, came {other:?}"),
                Err(tungstenite::Error::Io(error)) => return Err(error),
                Err(other) => return Err(io::Error::other(other)),
            };
            line.push(b'\n');
            self.received = io::Cursor::new(line);
        }
    }
}

impl<S: Read + Write> Write for WebSocketLines<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte != b'\n' {
                self.written.push(*byte);
                continue;
            }
            let line = std::mem::take(&mut self.written);
            let message = match String::from_utf8(line) {
                Ok(text) => Message::text(text),
                Err(no_text) => Message::binary(no_text.into_bytes()),
            };
            self.socket.write(message).map_err(io::Error::other)?;
        }
        self.flush()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush().map_err(io::Error::other)
    }
}
