//! What `/status.json` tells.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::SystemTime};

use electrode_mempool::MempoolView;
use electrode_protocol::CacheInfo;
use serde::Serialize;

use crate::{Service, Stage, process, tally::Ended};

/// The state of the server, for its page and for programs.
#[derive(Serialize)]
pub(super) struct Status {
    server: String,
    version: &'static str,
    coin: String,
    net: String,
    genesis_hash: String,
    serving: bool,
    stage: String,
    height: Option<u32>,
    target: Option<u32>,
    /// Blocks a second, while the index is built.
    rate: Option<f64>,
    /// Seconds until it is built, should the rate stay.
    eta: Option<f64>,
    tip_hash: Option<String>,
    transactions: u64,
    daemon: String,
    daemon_answers: bool,
    daemon_height: Option<u32>,
    sessions: usize,
    sessions_by_transport: BTreeMap<&'static str, usize>,
    connections_refused: u64,
    sessions_too_costly: u64,
    bans: usize,
    subscriptions: usize,
    requests: u64,
    errors: u64,
    broadcasts: u64,
    received_bytes: u64,
    sent_bytes: u64,
    mempool_transactions: usize,
    fee_histogram: Vec<(f64, u64)>,
    caches: BTreeMap<String, CacheInfo>,
    peers: usize,
    uptime: u64,
    rss: u64,
}

pub(super) fn status_of(service: &Service) -> Status {
    let descriptor = service.coin.descriptor();
    let hindrance = service.hindrance();
    let snapshot = service.snapshot();
    let mempool = snapshot.as_ref().map(|snapshot| &snapshot.mempool);
    let traffic = service.registry.total();
    let progress = Progress::of(service);
    Status {
        server: service.config.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        coin: descriptor.coin.to_string(),
        net: descriptor.net.to_string(),
        genesis_hash: descriptor.genesis_hash.to_string(),
        serving: hindrance.is_none(),
        stage: hindrance.unwrap_or_else(|| Stage::Serving.to_string()),
        height: service.height().map(|height| height.0),
        target: progress.target,
        rate: progress.rate,
        eta: progress.eta,
        tip_hash: snapshot
            .as_ref()
            .map(|snapshot| snapshot.tip().hash.to_string()),
        transactions: snapshot
            .as_ref()
            .map_or(0, |snapshot| snapshot.index.tx_count().0),
        daemon: service.daemon.current_url(),
        daemon_answers: service.daemon.answers(),
        daemon_height: service.daemon_height().map(|height| height.0),
        sessions: service.registry.count(),
        sessions_by_transport: service.registry.by_transport(),
        connections_refused: service.counters.refused.sum(),
        sessions_too_costly: service.counters.ended.of(Ended::Cost),
        bans: service.bans.list(SystemTime::now()).len(),
        subscriptions: service.subscriptions.count(),
        requests: traffic.requests,
        errors: traffic.errors,
        broadcasts: service.counters.broadcasts.load(Ordering::Relaxed),
        received_bytes: traffic.received_bytes,
        sent_bytes: traffic.sent_bytes,
        mempool_transactions: mempool.map_or(0, MempoolView::len),
        fee_histogram: mempool.map(MempoolView::fee_histogram).unwrap_or_default(),
        caches: service.caches(),
        peers: 0,
        uptime: service.started.uptime_secs(),
        rss: process::rss(),
    }
}

/// How far the index is built.
#[derive(Default)]
struct Progress {
    target: Option<u32>,
    rate: Option<f64>,
    eta: Option<f64>,
}

impl Progress {
    fn of(service: &Service) -> Self {
        let Stage::Indexing { height, target } = service.stage() else {
            return Self::default();
        };
        let rate = service.history.blocks_per_second();
        let left = f64::from(target.0.saturating_sub(height.0));
        Self {
            target: Some(target.0),
            rate,
            eta: rate.filter(|rate| *rate > 0.0).map(|rate| left / rate),
        }
    }
}
