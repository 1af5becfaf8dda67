//! Addresses to listen on: taken at the start, opened when there is something to serve.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use electrode_server::{Entrance, Service, Transport, serve_clients};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::{
    Failure,
    config::{self, Address},
    tls::Certificate,
};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Addresses that were taken, and wait for something to serve.
pub(crate) struct Listeners {
    service: Arc<Service>,
    closed: Vec<Reserved>,
    proxies: Vec<IpNet>,
    certificate: Certificate,
    names: Vec<(Transport, String)>,
}

/// An address that was taken for a service.
pub(crate) struct Reserved {
    transport: Transport,
    /// As the operator writes it.
    name: String,
    socket: TcpSocket,
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

    /// Gives what encrypted services need before they are opened.
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Gives what is served.
    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Opens what is closed, once there is a snapshot to answer from.
    pub(crate) fn open(&mut self) -> Result<(), Failure> {
        if !self.service.has_snapshot() {
            return Ok(());
        }
        for Reserved {
            transport,
            name,
            socket,
        } in self.closed.drain(..)
        {
            let listener = open(socket)?;
            if let Ok(address) = listener.local_addr() {
                tracing::info!(%transport, %address, "serving wallets");
            }
            let entrance = Entrance {
                transport,
                tls: self.certificate.tls(),
                proxies: self.proxies.clone(),
                name,
                services: self.names.clone(),
            };
            tokio::spawn(serve_clients(Arc::clone(&self.service), listener, entrance));
        }
        Ok(())
    }
}

/// Takes the addresses of all services, as [`reserve`] does.
pub(crate) async fn reserve_all(services: &[config::Service]) -> Result<Vec<Reserved>, Failure> {
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

/// Takes an address, so that nobody else gets it while the index is built; connections are
/// refused until [`open`].
pub(crate) async fn reserve(address: &Address) -> Result<TcpSocket, Failure> {
    let failed = |source| Failure::Listen {
        address: address.to_string(),
        source,
    };
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for candidate in candidates(address).await.map_err(failed)? {
        match bind(candidate) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// Starts to accept connections on an address that was taken.
pub(crate) fn open(socket: TcpSocket) -> Result<TcpListener, Failure> {
    let address = socket.local_addr();
    socket.listen(BACKLOG).map_err(|source| Failure::Listen {
        address: address.map_or_else(|_unknown| "a taken address".to_owned(), |at| at.to_string()),
        source,
    })
}

/// No host means every interface: IPv6 with IPv4 where the system has it, else IPv4.
async fn candidates(address: &Address) -> io::Result<Vec<SocketAddr>> {
    match &address.host {
        Some(host) => Ok(lookup_host((host.as_str(), address.port)).await?.collect()),
        None => {
            let every = [
                IpAddr::from(Ipv6Addr::UNSPECIFIED),
                IpAddr::from(Ipv4Addr::UNSPECIFIED),
            ];
            Ok(every.map(|ip| SocketAddr::new(ip, address.port)).to_vec())
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A port that a stopped server used a moment ago is free again.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
