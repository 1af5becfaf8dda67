//! The status page, metrics, and what balancers and monitors ask, over HTTP.
//!
//! One request a connection, and little time for it: whoever holds connections open holds few of
//! them, not for long, and makes room for who asks.

mod host;
mod metrics;
mod pages;
mod status;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    Service,
    few::{Few, Place},
    sparingly::Sparingly,
};
pub use host::HttpHost;

/// Programs that watch the server, and people who look at its page.
const WATCHERS: Few = Few {
    whose: "programs that watch the server",
    max: 64,
    max_per_host: 32,
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
    let counter = Arc::new(Counter {
        pages: TowerToHyperService::new(pages::router(Arc::clone(&service))),
        service: Arc::clone(&service),
        notes: Sparingly::default(),
    });
    let talk = |stream, peer, place| answer(Arc::clone(&counter), stream, peer, place);
    WATCHERS.serve(&service, listener, talk).await;
}

/// Where requests are answered.
struct Counter {
    service: Arc<Service>,
    pages: TowerToHyperService<Router>,
    notes: Sparingly,
}

impl Counter {
    /// Refuses a request that is made by a name which may be a stranger's.
    fn refuse(&self, request: &Request<Incoming>, peer: SocketAddr) -> Option<Response> {
        let host = host::unlisted(request, &self.service.http_hosts())?;
        if self.notes.is_due(Instant::now()) {
            let peer = self.service.for_log(peer);
            tracing::info!(
                %peer,
                host,
                "refused a page: serve.http_hosts does not list the name it was asked for by"
            );
        }
        let told = "expected a Host header with an IP address, localhost, or a name of \
                    serve.http_hosts: add the one you use there, or * for any\n";
        Some((StatusCode::MISDIRECTED_REQUEST, told).into_response())
    }
}

async fn answer(counter: Arc<Counter>, stream: TcpStream, peer: SocketAddr, place: Arc<Place>) {
    let answer = service_fn(|request| {
        // A whole request is worth its place.
        place.keep();
        let refused = counter.refuse(&request, peer);
        let pages = counter.pages.clone();
        async move {
            match refused {
                Some(refused) => Ok(refused),
                None => pages.call(request).await,
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .keep_alive(false)
        .max_buf_size(MAX_HEADER_LEN)
        .serve_connection(TokioIo::new(stream), answer);
    match timeout(CONNECTION_TIMEOUT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an HTTP connection was lost"),
        Err(_elapsed) => tracing::debug!("an HTTP connection took too long"),
    }
}
