//! The status page, metrics, and what balancers and monitors ask, over HTTP.
//!
//! One request a connection, and little time for it: whoever holds connections open holds few of
//! them, and not for long.

mod metrics;
mod pages;
mod status;

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{Service, endurance::Endurance};

/// Connections at once; further ones wait.
const MAX_CONNECTIONS: usize = 64;

/// Longest time that a request may take to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time from the connection to the end of the answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);

/// Most bytes that are read ahead of a connection: the longest request line and headers.
const MAX_HEADER_LEN: usize = 16 << 10;

/// Serves `/metrics`, `/live`, `/ready`, `/status.json`, `/history.json` and `/status` until the
/// service stops.
pub async fn serve_http(service: Arc<Service>, listener: TcpListener) {
    let mut stopping = service.stopping();
    let router = pages::router(service);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut endurance = Endurance::new("programs that watch the server");
    loop {
        let accepted = tokio::select! {
            () = stopping.wait() => return,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                tokio::spawn(answer(router.clone(), stream, place));
            }
            Err(error) => endurance.endure(error).await,
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, _peer) = listener.accept().await?;
    Ok((stream, place))
}

async fn answer(router: Router, stream: TcpStream, place: OwnedSemaphorePermit) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .keep_alive(false)
        .max_buf_size(MAX_HEADER_LEN)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match timeout(CONNECTION_TIMEOUT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an HTTP connection was lost"),
        Err(_elapsed) => tracing::debug!("an HTTP connection took too long"),
    }
    drop(place);
}
