//! Listeners: from a port to sessions.

mod entrance;
mod proxy;
mod websocket;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use tokio::net::{TcpListener, TcpStream};

use crate::{Service, endurance::Endurance};
pub use entrance::Entrance;
use entrance::Gate;

/// Accepts connections until the service stops.
pub async fn serve_clients(service: Arc<Service>, listener: TcpListener, entrance: Entrance) {
    let mut stopping = service.stopping();
    let gate = Arc::new(Gate::new(entrance));
    let mut endurance = Endurance::new("wallets");
    loop {
        tokio::select! {
            () = stopping.wait() => return,
            accepted = accept(&service, &listener) => match accepted {
                Ok((stream, peer)) => start(&service, &gate, stream, peer),
                Err(error) => endurance.endure(error).await,
            }
        }
    }
}

async fn accept(service: &Service, listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let max = service.limits().max_sessions;
    if service.counters.sessions.load(Ordering::Relaxed) >= max {
        service.counters.full.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(max, "as many sessions as are allowed: new ones wait");
        service
            .sessions_below(max.saturating_mul(95).div_ceil(100))
            .await;
        let sessions = service.counters.sessions.load(Ordering::Relaxed);
        tracing::info!(sessions, "new sessions are taken again");
    }
    listener.accept().await
}

/// Lets a connection in, in a task of its own: one that stalls holds up nobody.
fn start(service: &Arc<Service>, gate: &Arc<Gate>, stream: TcpStream, peer: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(peer = %service.for_log(peer), %error, "answers may be delayed");
    }
    let (service, gate) = (Arc::clone(service), Arc::clone(gate));
    let place = service.take_place();
    tokio::spawn(async move {
        gate.admit(service, stream, peer).await;
        drop(place);
    });
}
