//! Listeners: from a port to sessions.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::net::{TcpListener, TcpStream};

use crate::{Connection, Service, Transport, session};

/// How long a listener waits when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Accepts connections until the service stops.
pub async fn serve_tcp(service: Arc<Service>, listener: TcpListener) {
    let mut stopping = service.stopping();
    loop {
        tokio::select! {
            () = stopping.wait() => return,
            accepted = accept(&service, &listener) => start(&service, accepted).await,
        }
    }
}

async fn accept(service: &Service, listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let max = service.limits().max_sessions;
    if service.counters.sessions.load(Ordering::Relaxed) >= max {
        tracing::warn!(max, "as many sessions as are allowed: new ones wait");
        service
            .sessions_below(max.saturating_mul(95).div_ceil(100))
            .await;
    }
    listener.accept().await
}

async fn start(service: &Arc<Service>, accepted: io::Result<(TcpStream, SocketAddr)>) {
    match accepted {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, %error, "answers may be delayed");
            }
            service.counters.sessions.fetch_add(1, Ordering::Relaxed);
            let connection = Connection::new(Transport::Tcp, peer);
            tokio::spawn(session::run(Arc::clone(service), stream, connection));
        }
        // A client that went away costs nothing; out of file descriptors, trying at once again
        // would only burn time.
        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}
