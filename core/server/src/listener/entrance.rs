//! What stands between a port and a session: PROXY header, TLS, `WebSocket`.

use std::{io, net::SocketAddr, sync::Arc};

use ipnet::IpNet;
use tokio::net::TcpStream;

use super::{proxy, websocket::WebSocket};
use crate::{Connection, Service, Tls, Transport, session, tls::TlsStream};

/// What a connection to a port goes through before it is a session.
#[derive(Clone, Debug)]
pub struct Entrance {
    /// How clients are connected.
    pub transport: Transport,
    /// The certificate of encrypted transports; without one they serve nobody.
    pub tls: Option<Arc<Tls>>,
    /// Networks of proxies: connections from there begin with a PROXY header, whose word is taken
    /// for who the client is.
    pub proxies: Vec<IpNet>,
}

impl Entrance {
    /// Makes a session of a connection, and serves it to its end.
    pub(super) async fn admit(&self, service: Arc<Service>, stream: TcpStream, peer: SocketAddr) {
        let connection = Connection::new(self.transport, peer);
        let mut stopping = service.stopping();
        let limits = service.limits();
        let (max_recv, timeout) = (limits.max_recv, limits.handshake_timeout);
        drop(limits);
        let opened = self.open(stream, connection, max_recv);
        let opened = tokio::select! {
            () = stopping.wait() => return,
            opened = tokio::time::timeout(timeout, opened) => opened,
        };
        let transport = self.transport;
        let peer = service.for_log(peer);
        match opened {
            Ok(Ok(Some((connection, stream)))) => stream.serve(service, connection).await,
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::debug!(%peer, %transport, %error, "not a session"),
            Err(_elapsed) => tracing::debug!(%peer, %transport, "not a session in time"),
        }
    }

    /// Goes through all that comes before the first line; `None` if the connection ends before
    /// anything is said.
    async fn open(
        &self,
        mut stream: TcpStream,
        mut connection: Connection,
        max_recv: usize,
    ) -> io::Result<Option<(Connection, Opened)>> {
        if self.is_proxy(&connection) {
            let Some(client) = read_client(&mut stream, connection).await? else {
                return Ok(None);
            };
            connection = client;
        }
        let is_web_socket = self.transport.is_web_socket();
        let opened = if self.transport.is_encrypted() {
            let tls = self.tls.as_ref();
            let tls = tls.ok_or_else(|| io::Error::other("expected a certificate, came none"))?;
            let stream = tls.accept(stream).await?;
            if is_web_socket {
                Opened::WebTls(WebSocket::accept(stream, max_recv).await?)
            } else {
                Opened::Tls(stream)
            }
        } else if is_web_socket {
            Opened::Web(WebSocket::accept(stream, max_recv).await?)
        } else {
            Opened::Plain(stream)
        };
        Ok(Some((connection, opened)))
    }

    fn is_proxy(&self, connection: &Connection) -> bool {
        let ip = connection.peer.ip();
        self.proxies.iter().any(|network| network.contains(&ip))
    }
}

/// Asks a proxy who the client is; `None` if it says nothing and hangs up, as health checks do.
async fn read_client(stream: &mut TcpStream, proxy: Connection) -> io::Result<Option<Connection>> {
    match proxy::read_header(stream).await {
        Ok(None) => Ok(None),
        Ok(Some(None)) => Ok(Some(proxy)),
        Ok(Some(Some(client))) => Ok(Some(Connection::new(proxy.transport, client))),
        Err(error) => {
            // Only those in serve.proxy_protocol_from can have this logged.
            tracing::warn!(proxy = %proxy.peer, %error, "a proxy does not say who its client is");
            Err(error)
        }
    }
}

/// A connection on which the first line comes next.
enum Opened {
    Plain(TcpStream),
    Tls(TlsStream),
    Web(WebSocket<TcpStream>),
    WebTls(WebSocket<TlsStream>),
}

impl Opened {
    /// Serves the session. It has a box of its own, which is no larger than its transport needs.
    async fn serve(self, service: Arc<Service>, connection: Connection) {
        match self {
            Self::Plain(stream) => Box::pin(session::run(service, stream, connection)).await,
            Self::Tls(stream) => Box::pin(session::run(service, stream, connection)).await,
            Self::Web(stream) => Box::pin(session::run(service, stream, connection)).await,
            Self::WebTls(stream) => Box::pin(session::run(service, stream, connection)).await,
        }
    }
}
