//! The status page, metrics, and what balancers and monitors ask, over HTTP.
//!
//! One request a connection, and little time for it: whoever holds connections open holds few of
//! them, and not for long.

mod metrics;
mod pages;
mod status;

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{Service, few::Few};

/// Programs that watch the server, and people who look at its page.
const WATCHERS: Few = Few {
    whose: "programs that watch the server",
    max: 64,
};

/// Longest time that a request may take to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time from the connection to the end of the answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);

/// Most bytes that are read ahead of a connection: the longest request line and headers.
const MAX_HEADER_LEN: usize = 16 << 10;

/// Serves `/metrics`, `/live`, `/ready`, `/status.json`, `/history.json` and `/status` until the
/// service stops.
pub async fn serve_http(service: Arc<Service>, listener: TcpListener) {
    let router = pages::router(Arc::clone(&service));
    let talk = |stream, _peer| answer(router.clone(), stream);
    WATCHERS.serve(&service, listener, talk).await;
}

async fn answer(router: Router, stream: TcpStream) {
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
}
