//! The status page and what balancers and monitors ask, over HTTP.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse},
    routing::get,
};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::{Service, Stage};

/// The page: it asks for `/status.json` by itself and needs nothing from outside.
const PAGE: &str = include_str!("http/status.html");

/// What `/status.json` tells.
#[derive(Serialize)]
struct Status {
    server: String,
    version: &'static str,
    coin: String,
    net: String,
    genesis_hash: String,
    serving: bool,
    stage: String,
    height: Option<u32>,
    target: Option<u32>,
    tip_hash: Option<String>,
    transactions: u64,
    daemon: String,
    sessions: usize,
    subscriptions: usize,
    requests: u64,
    errors: u64,
    broadcasts: u64,
    mempool_transactions: usize,
    fee_histogram: Vec<(f64, u64)>,
}

/// Serves `/live`, `/ready`, `/status.json` and `/status` until the service stops.
pub async fn serve_http(service: Arc<Service>, listener: TcpListener) {
    let mut stopping = service.stopping();
    let router = Router::new()
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready))
        .route("/status.json", get(status))
        .route("/status", get(|| async { Html(PAGE) }))
        .route(
            "/",
            get(|| async { (StatusCode::SEE_OTHER, [(header::LOCATION, "/status")]) }),
        )
        .with_state(service);
    let served = axum::serve(listener, router).with_graceful_shutdown(async move {
        stopping.wait().await;
    });
    if let Err(error) = served.await {
        tracing::error!(%error, "the status page is gone");
    }
}

async fn ready(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let stage = *service.stage().borrow();
    match hindrance(&service, stage) {
        None => (StatusCode::OK, format!("{stage}\n")),
        Some(hindrance) => (StatusCode::SERVICE_UNAVAILABLE, format!("{hindrance}\n")),
    }
}

/// Tells what keeps the server from being ready, if anything does: its plugin, or its stage.
fn hindrance(service: &Service, stage: Stage) -> Option<String> {
    let broken = service.coin.health().err();
    let broken = broken.map(|error| error.to_string());
    let stalled = || Some(format!("waiting for {}", service.coin.stalled()?));
    let busy = || (stage != Stage::Serving).then(|| stage.to_string());
    broken.or_else(stalled).or_else(busy)
}

async fn status(State(service): State<Arc<Service>>) -> impl IntoResponse {
    (
        [(header::CACHE_CONTROL, "no-store")],
        Json(status_of(&service)),
    )
}

fn status_of(service: &Service) -> Status {
    let descriptor = service.coin.descriptor();
    let stage = *service.stage().borrow();
    let hindrance = hindrance(service, stage);
    let snapshot = service.snapshot();
    let tip = snapshot.as_ref().map(|snapshot| snapshot.tip());
    let building = match stage {
        Stage::Indexing { height, target } => Some((height.0, target.0)),
        _ => None,
    };
    let traffic = service.registry.total();
    let counters = &service.counters;
    let mempool = snapshot.as_ref().map(|snapshot| &snapshot.mempool);
    Status {
        server: service.config.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        coin: descriptor.coin.to_string(),
        net: descriptor.net.to_string(),
        genesis_hash: descriptor.genesis_hash.to_string(),
        serving: hindrance.is_none(),
        stage: hindrance.unwrap_or_else(|| stage.to_string()),
        height: building
            .map(|(height, _)| height)
            .or(tip.map(|tip| tip.height.0)),
        target: building.map(|(_, target)| target),
        tip_hash: tip.map(|tip| tip.hash.to_string()),
        transactions: snapshot
            .as_ref()
            .map_or(0, |snapshot| snapshot.index.tx_count().0),
        daemon: service.daemon.current_url(),
        sessions: counters.sessions.load(Ordering::Relaxed),
        subscriptions: service.subscriptions.count(),
        requests: traffic.requests,
        errors: traffic.errors,
        broadcasts: counters.broadcasts.load(Ordering::Relaxed),
        mempool_transactions: mempool.map_or(0, electrode_mempool::MempoolView::len),
        fee_histogram: mempool
            .map(electrode_mempool::MempoolView::fee_histogram)
            .unwrap_or_default(),
    }
}
