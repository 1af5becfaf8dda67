//! The admin RPC: a listener of its own, open from the start, also during the first sync.
//!
//! What commands look like on the wire, only `electrode-protocol` knows.

mod bans;
mod commands;
mod conversation;
mod groups;
mod info;
mod query;
mod sessions;

pub(crate) use sessions::table as session_table;

use std::{io, sync::Arc};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use crate::{Connection, Service, Transport, endurance::Endurance};

/// Connections of operators at once; further ones wait.
const MAX_CONNECTIONS: usize = 32;

/// Serves operators until the service stops.
///
/// Where others than this machine can reach the listener, the service must have been given a
/// token ([`Service::set_admin_token`]) first.
pub async fn serve_admin(service: Arc<Service>, listener: TcpListener) {
    let mut stopping = service.stopping();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut endurance = Endurance::new("operators");
    loop {
        let accepted = tokio::select! {
            () = stopping.wait() => return,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, connection, place)) => {
                let service = Arc::clone(&service);
                tokio::spawn(async move {
                    conversation::run(service, stream, connection).await;
                    drop(place);
                });
            }
            Err(error) => endurance.endure(error).await,
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, Connection, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, Connection::new(Transport::Rpc, peer), place))
}
