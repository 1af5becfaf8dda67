//! Addresses to listen on: taken at the start, opened when there is something to serve.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr},
    sync::Arc,
};

use electrode_server::{Entrance, Service, Transport, serve_clients};
use ipnet::IpNet;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

use crate::{
    Failure,
    config::{self, Address, ServeSection},
    tls::Certificate,
};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Every address that a server listens on, taken before anything else is done.
pub(crate) struct Reservations {
    /// For wallets.
    pub(crate) services: Vec<Reserved>,
    /// For operators.
    pub(crate) rpc: Vec<Reserved>,
    /// For the status page and what watches the server.
    pub(crate) http: Option<Reserved>,
}

/// An address that was taken, and on which connections are refused until it is opened.
///
/// It is bound to a socket that does not listen yet: a wallet or a balancer that comes too early is
/// told at once that nobody is there, and goes elsewhere.
pub(crate) struct Reserved {
    transport: Transport,
    /// As the operator writes it.
    name: String,
    socket: Socket,
}

/// Wallets' addresses, and what it takes to open them.
pub(crate) struct Listeners {
    service: Arc<Service>,
    closed: Vec<Reserved>,
    proxies: Vec<IpNet>,
    certificate: Certificate,
    names: Vec<(Transport, String)>,
}

impl Listeners {
    /// Puts together what listening takes; nothing is opened yet.
    pub(crate) fn new(
        service: Arc<Service>,
        closed: Vec<Reserved>,
        proxies: Vec<IpNet>,
        certificate: Certificate,
    ) -> Self {
        let names = closed.iter();
        let names = names.map(|reserved| (reserved.transport, reserved.name.clone()));
        Self {
            names: names.collect(),
            service,
            closed,
            proxies,
            certificate,
        }
    }

    /// Gives what is served.
    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Opens what is closed; does nothing when all is open. An address that was taken can be opened:
    /// if the system will not have it all the same, the others are, and the next call tries again.
    pub(crate) fn open(&mut self) {
        for reserved in std::mem::take(&mut self.closed) {
            match open(&reserved.socket) {
                Ok(listener) => self.serve(&reserved, listener),
                Err(error) => {
                    tracing::error!(service = reserved.name, %error, "cannot listen now");
                    self.closed.push(reserved);
                }
            }
        }
    }

    fn serve(&self, reserved: &Reserved, listener: TcpListener) {
        let transport = reserved.transport;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%transport, %address, "serving wallets");
        }
        let entrance = Entrance {
            transport,
            tls: self.certificate.tls(),
            proxies: self.proxies.clone(),
            name: reserved.name.clone(),
            services: self.names.clone(),
        };
        tokio::spawn(serve_clients(Arc::clone(&self.service), listener, entrance));
    }
}

impl Reserved {
    /// Gives the service, or the address, as the operator writes it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Starts to accept connections.
    pub(crate) fn open(&self) -> Result<TcpListener, Failure> {
        open(&self.socket).map_err(|source| Failure::Listen {
            address: self.name.clone(),
            source,
        })
    }
}

/// Takes every address of a configuration.
///
/// # Errors
/// One of them cannot be had, now or later.
pub(crate) async fn reserve_all(serve: &ServeSection) -> Result<Reservations, Failure> {
    Ok(Reservations {
        services: reserve_each(&serve.services).await?,
        rpc: reserve_each(&serve.rpc).await?,
        http: match &serve.http {
            Some(address) => Some(Reserved {
                transport: Transport::Rpc,
                name: address.to_string(),
                socket: reserve(address).await?,
            }),
            None => None,
        },
    })
}

async fn reserve_each(services: &[config::Service]) -> Result<Vec<Reserved>, Failure> {
    let mut reserved = Vec::new();
    for service in services {
        reserved.push(Reserved {
            transport: service.transport,
            name: service.to_string(),
            socket: reserve(&service.address).await?,
        });
    }
    Ok(reserved)
}

async fn reserve(address: &Address) -> Result<Socket, Failure> {
    let failed = |source| Failure::Listen {
        address: address.to_string(),
        source,
    };
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (candidate, families) in candidates(address).await.map_err(failed)? {
        match take(candidate, families) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// Which addresses reach an IPv6 socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Families {
    /// Those of IPv4 too.
    Both,
    /// Its own.
    One,
}

/// No host means every interface: IPv6 with IPv4 where the system has it, else IPv4. A host that
/// is named means itself and nothing else, `[::]` too: beside it `0.0.0.0` can be named.
async fn candidates(address: &Address) -> io::Result<Vec<(SocketAddr, Families)>> {
    let port = address.port;
    match &address.host {
        Some(host) => {
            let found = lookup_host((host.as_str(), port)).await?;
            Ok(found.map(|address| (address, Families::One)).collect())
        }
        None => {
            let every = [
                IpAddr::from(Ipv6Addr::UNSPECIFIED),
                IpAddr::from(Ipv4Addr::UNSPECIFIED),
            ];
            let every = every.map(|ip| (SocketAddr::new(ip, port), Families::Both));
            Ok(every.to_vec())
        }
    }
}

/// Takes an address so that nobody else gets it, and connections are refused.
///
/// To go on where a server has just ended, an address must be bound with `SO_REUSEADDR`, but Linux
/// lets everybody bind it then who has set that as well, which nearly every server does. It does not
/// once the socket has listened and the option is off again. A socket that listens no more keeps
/// its address; elsewhere than on Linux it cannot be told so, and goes on listening.
fn take(address: SocketAddr, families: Families) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(families == Families::One)?;
    }
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(1)?;
    if socket.shutdown(Shutdown::Read).is_ok() {
        socket.set_reuse_address(false)?;
    }
    Ok(socket)
}

/// Accepts connections on an address that was taken. Those that have ended keep nobody from binding
/// it the next time.
fn open(socket: &Socket) -> io::Result<TcpListener> {
    socket.set_reuse_address(true)?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.try_clone()?.into())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener as Std, TcpStream};

    use super::*;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// Gives a port that is free: services always name theirs.
    fn free_port() -> u16 {
        let found = Std::bind(local(0)).unwrap();
        found.local_addr().unwrap().port()
    }

    /// The library sets `SO_REUSEADDR`, as other servers do.
    #[tokio::test]
    async fn keeps_an_address_that_nobody_can_connect_to_yet() {
        let port = free_port();
        let taken = take(local(port), Families::One).unwrap();
        let refused = |address: SocketAddr| TcpStream::connect(address).unwrap_err().kind();
        assert_eq!(refused(local(port)), io::ErrorKind::ConnectionRefused);
        for ip in [[127, 0, 0, 1], [0, 0, 0, 0]] {
            let stolen = Std::bind((IpAddr::from(ip), port)).unwrap_err();
            assert_eq!(stolen.kind(), io::ErrorKind::AddrInUse);
        }
        let listener = open(&taken).unwrap();
        let (client, accepted) = tokio::join!(
            tokio::net::TcpStream::connect(local(port)),
            listener.accept()
        );
        client.unwrap();
        accepted.unwrap();
    }

    /// Connections that a server has closed linger for a minute.
    #[tokio::test]
    async fn takes_an_address_again_that_was_just_served() {
        let port = free_port();
        let taken = take(local(port), Families::One).unwrap();
        let listener = open(&taken).unwrap();
        let (client, accepted) = tokio::join!(
            tokio::net::TcpStream::connect(local(port)),
            listener.accept()
        );
        // The server hangs up first.
        drop((accepted, listener, taken));
        let mut end = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut client.unwrap(), &mut end)
            .await
            .unwrap();
        let plain = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        plain.bind(&local(port).into()).unwrap_err();
        let again = take(local(port), Families::One).unwrap();
        Std::bind(local(port)).unwrap_err();
        open(&again).unwrap();
    }

    #[test]
    fn listens_on_both_families_by_name() {
        let port = free_port();
        let _four = take(SocketAddr::from(([0, 0, 0, 0], port)), Families::One).unwrap();
        let every: IpAddr = Ipv6Addr::UNSPECIFIED.into();
        let both = take(SocketAddr::new(every, port), Families::Both).unwrap_err();
        assert_eq!(both.kind(), io::ErrorKind::AddrInUse);
        take(SocketAddr::new(every, port), Families::One).unwrap();
    }
}
