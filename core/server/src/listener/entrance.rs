//! What stands between a port and a session: PROXY header, TLS, `WebSocket`.

use std::{io, net::SocketAddr, sync::Arc, time::Instant};

use ipnet::IpNet;
use tokio::net::TcpStream;

use super::{proxy, websocket::WebSocket};
use crate::{
    Connection, Service, Tls, Transport,
    door::{NotServed, Seat},
    meter::{Meter, Metered},
    session,
    sparingly::Sparingly,
    tally::{Ended, Refused},
    tls::TlsStream,
    tongue::Tongue,
};

/// Bytes that tell what a client speaks.
const FIRST_BYTES: usize = 8;

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
    /// The service as the operator writes it, such as `tcp://:50001`.
    pub name: String,
    /// All services for wallets, as the operator writes them: the log names the right one when a
    /// client comes to the wrong one.
    pub services: Vec<(Transport, String)>,
}

/// An entrance with what is remembered of those who came.
#[derive(Debug)]
pub(super) struct Gate {
    entrance: Entrance,
    hints: Sparingly,
}

impl Gate {
    pub(super) fn new(entrance: Entrance) -> Self {
        Self {
            entrance,
            hints: Sparingly::default(),
        }
    }

    /// Makes a session of a connection, and serves it to its end.
    pub(super) async fn admit(&self, service: Arc<Service>, stream: TcpStream, peer: SocketAddr) {
        let connection = Connection::new(self.entrance.transport, peer);
        let mut stopping = service.stopping();
        let timeout = service.limits().handshake_timeout;
        let opened = tokio::select! {
            () = stopping.wait() => return,
            opened = tokio::time::timeout(timeout, self.open(&service, stream, connection)) => opened,
        };
        let refused = match opened {
            Ok(Ok(Some(guest))) => return self.serve(service, guest).await,
            Ok(Ok(None)) => return,
            Ok(Err(refused)) => refused,
            Err(_elapsed) => NotServed {
                reason: Refused::HandshakeTimeout,
                why: format!("expected its first line within {timeout:?}"),
            },
        };
        service.refuse(&connection, refused);
    }

    async fn serve(&self, service: Arc<Service>, guest: Guest) {
        let connection = guest.connection;
        let spoken = match guest.serve(Arc::clone(&service)).await {
            Some(Ended::Tls) => Tongue::Tls,
            Some(Ended::Http) => Tongue::Http,
            _ => return,
        };
        // What was read came out of the port's own TLS, if it speaks any.
        let wanted = match (spoken, connection.transport.is_encrypted()) {
            (Tongue::Http, true) => Transport::Wss,
            (Tongue::Http, false) => Transport::Ws,
            _ => Transport::Ssl,
        };
        self.hint(&service, &connection, spoken, wanted);
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
        if let Some((tongue, reason)) = self.foreign_tongue(&stream).await {
            let wanted = wanted(self.entrance.transport, tongue);
            self.hint(service, &connection, tongue, wanted);
            let why = format!("it speaks {tongue}");
            return Err(NotServed { reason, why });
        }
        let max_recv = service.limits().max_recv;
        let meter = Arc::new(Meter::default());
        let shaken = self.shake_hands(stream, max_recv, &meter).await;
        Ok(Some(Guest {
            connection,
            stream: shaken.map_err(|error| refused(Refused::Handshake, &error))?,
            meter,
            _seat: seat,
        }))
    }

    /// Waits for the first bytes where they are no lines, and tells what they are if they are not
    /// what they should be. Lines are looked at by the session: it need not wait for them.
    async fn foreign_tongue(&self, stream: &TcpStream) -> Option<(Tongue, Refused)> {
        let expected = match self.entrance.transport {
            Transport::Ssl | Transport::Wss => Tongue::Tls,
            Transport::Ws => Tongue::Http,
            Transport::Tcp | Transport::Rpc => return None,
        };
        let mut first = [0; FIRST_BYTES];
        let len = stream.peek(&mut first).await.ok()?;
        let tongue = Tongue::of(first.get(..len)?).filter(|tongue| *tongue != expected)?;
        let reason = match tongue {
            Tongue::Tls => Refused::Tls,
            Tongue::Http => Refused::Http,
            Tongue::Lines => Refused::Plain,
        };
        Some((tongue, reason))
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
        max_recv: usize,
        meter: &Arc<Meter>,
    ) -> io::Result<Opened> {
        let stream = Metered::new(stream, Arc::clone(meter));
        let transport = self.entrance.transport;
        let meter = Arc::clone(meter);
        Ok(if transport.is_encrypted() {
            let tls = self.entrance.tls.as_ref();
            let tls = tls.ok_or_else(|| io::Error::other("expected a certificate, came none"))?;
            let stream = tls.accept(stream).await?;
            if transport.is_web_socket() {
                Opened::WebTls(WebSocket::accept(stream, max_recv, meter).await?)
            } else {
                Opened::Tls(stream)
            }
        } else if transport.is_web_socket() {
            Opened::Web(WebSocket::accept(stream, max_recv, meter).await?)
        } else {
            Opened::Plain(stream)
        })
    }

    fn is_proxy(&self, connection: &Connection) -> bool {
        let ip = connection.peer.ip();
        let mut proxies = self.entrance.proxies.iter();
        proxies.any(|network| network.contains(&ip))
    }

    /// Says in the log where a client belongs that came here: the operator is asked about it.
    fn hint(&self, service: &Service, connection: &Connection, tongue: Tongue, wanted: Transport) {
        if !self.hints.is_due(Instant::now()) {
            return;
        }
        let services = self.entrance.services.iter();
        let services: Vec<_> = services
            .filter(|(transport, _)| *transport == wanted)
            .map(|(_, name)| name.as_str())
            .collect();
        let peer = service.for_log(connection.peer);
        let name = &self.entrance.name;
        match services.is_empty() {
            false => {
                let services = services.join(" or ");
                tracing::info!(%peer, "a client speaks {tongue} to {name}: it wants {services}");
            }
            true => tracing::info!(
                %peer,
                "a client speaks {tongue} to {name}: it wants {wanted}://, and serve.services has none"
            ),
        }
    }
}

/// Tells which transport a client wants whose first bytes are none of the port's.
fn wanted(transport: Transport, tongue: Tongue) -> Transport {
    match (transport, tongue) {
        (Transport::Ws, Tongue::Tls) => Transport::Wss,
        (_, Tongue::Tls) => Transport::Ssl,
        (_, Tongue::Http) => Transport::Ws,
        (_, Tongue::Lines) => Transport::Tcp,
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
    meter: Arc<Meter>,
    _seat: Seat,
}

impl Guest {
    /// Serves the session. It has a box of its own, which is no larger than its transport needs.
    async fn serve(self, service: Arc<Service>) -> Option<Ended> {
        let Self {
            connection,
            stream,
            meter,
            _seat,
        } = self;
        match stream {
            Opened::Plain(stream) => {
                Box::pin(session::run(service, stream, meter, connection)).await
            }
            Opened::Tls(stream) => Box::pin(session::run(service, stream, meter, connection)).await,
            Opened::Web(stream) => Box::pin(session::run(service, stream, meter, connection)).await,
            Opened::WebTls(stream) => {
                Box::pin(session::run(service, stream, meter, connection)).await
            }
        }
    }
}

/// A connection on which the first line comes next.
enum Opened {
    Plain(Metered<TcpStream>),
    Tls(TlsStream),
    Web(WebSocket<Metered<TcpStream>>),
    WebTls(WebSocket<TlsStream>),
}
