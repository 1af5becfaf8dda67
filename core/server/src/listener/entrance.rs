//! What stands between a port and a session: PROXY header, TLS, `WebSocket`.

use std::{io, net::SocketAddr, sync::Arc};

use ipnet::IpNet;
use tokio::net::TcpStream;

use super::{proxy, websocket::WebSocket};
use crate::{
    Connection, Service, Tls, Transport,
    door::{NotServed, Seat},
    session,
    tally::Refused,
    tls::TlsStream,
};

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
        let timeout = service.limits().handshake_timeout;
        let opened = tokio::select! {
            () = stopping.wait() => return,
            opened = tokio::time::timeout(timeout, self.open(&service, stream, connection)) => opened,
        };
        let refused = match opened {
            Ok(Ok(Some(guest))) => return guest.serve(service).await,
            Ok(Ok(None)) => return,
            Ok(Err(refused)) => refused,
            Err(_elapsed) => NotServed {
                reason: Refused::HandshakeTimeout,
                why: format!("expected its first line within {timeout:?}"),
            },
        };
        service.refuse(&connection, refused);
    }

    /// Goes through all that comes before the first line; `None` if the connection ends before
    /// anything is said.
    async fn open(
        &self,
        service: &Arc<Service>,
        mut stream: TcpStream,
        mut connection: Connection,
    ) -> Result<Option<Guest>, NotServed> {
        if self.is_proxy(&connection) {
            let Some(client) = read_client(service, &mut stream, connection).await? else {
                return Ok(None);
            };
            connection = client;
        }
        let seat = service.take_seat(connection.peer.ip())?;
        let max_recv = service.limits().max_recv;
        let shaken = self.shake_hands(stream, max_recv).await;
        Ok(Some(Guest {
            connection,
            stream: shaken.map_err(|error| refused(Refused::Handshake, &error))?,
            _seat: seat,
        }))
    }

    async fn shake_hands(&self, stream: TcpStream, max_recv: usize) -> io::Result<Opened> {
        let is_web_socket = self.transport.is_web_socket();
        Ok(if self.transport.is_encrypted() {
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
        })
    }

    fn is_proxy(&self, connection: &Connection) -> bool {
        let ip = connection.peer.ip();
        self.proxies.iter().any(|network| network.contains(&ip))
    }
}

/// Asks a proxy who the client is; `None` if it says nothing and hangs up, as health checks do.
async fn read_client(
    service: &Service,
    stream: &mut TcpStream,
    proxy: Connection,
) -> Result<Option<Connection>, NotServed> {
    match proxy::read_header(stream).await {
        Ok(None) => Ok(None),
        Ok(Some(None)) => Ok(Some(proxy)),
        Ok(Some(Some(client))) => Ok(Some(Connection::new(proxy.transport, client))),
        Err(error) => {
            // Only those in serve.proxy_protocol_from can have this logged.
            let proxy = service.for_log(proxy.peer);
            tracing::warn!(%proxy, %error, "a proxy does not say who its client is");
            Err(refused(Refused::Proxy, &error))
        }
    }
}

fn refused(reason: Refused, error: &io::Error) -> NotServed {
    NotServed {
        reason,
        why: error.to_string(),
    }
}

/// A client whose first line comes next.
struct Guest {
    connection: Connection,
    stream: Opened,
    _seat: Seat,
}

impl Guest {
    /// Serves the session. It has a box of its own, which is no larger than its transport needs.
    async fn serve(self, service: Arc<Service>) {
        let connection = self.connection;
        match self.stream {
            Opened::Plain(stream) => Box::pin(session::run(service, stream, connection)).await,
            Opened::Tls(stream) => Box::pin(session::run(service, stream, connection)).await,
            Opened::Web(stream) => Box::pin(session::run(service, stream, connection)).await,
            Opened::WebTls(stream) => Box::pin(session::run(service, stream, connection)).await,
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
