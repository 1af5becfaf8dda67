//! The summary of a running server.

use std::{collections::BTreeMap, process, sync::atomic::Ordering, time::Instant};

use electrode_protocol::{ServerInfo, SessionsInfo, formatted_time};

use crate::{Service, Stage, numbers::as_u64, process as system};

/// Sums the server up.
pub(super) fn server_info(service: &Service) -> ServerInfo {
    let descriptor = service.coin.descriptor();
    let snapshot = service.snapshot();
    let tip = snapshot.as_ref().map(|snapshot| snapshot.tip());
    let (tx_count, mempool_txs) = snapshot.map_or((0, 0), |snapshot| {
        (snapshot.index.tx_count().0, as_u64(snapshot.mempool.len()))
    });
    let counts = request_counts(service);
    ServerInfo {
        version: service.config.name.clone(),
        coin: descriptor.coin.to_string(),
        net: descriptor.net.to_string(),
        stage: service
            .hindrance()
            .unwrap_or_else(|| Stage::Serving.to_string()),
        daemon: service.daemon.current_url(),
        daemon_answers: service.daemon.answers(),
        daemon_height: service.daemon_height().map(|height| height.0),
        db_height: service.height().map(|height| height.0),
        tip: tip.map(|tip| tip.hash.to_string()),
        tx_count,
        mempool_txs,
        groups: as_u64(
            service
                .costs
                .groups(Instant::now(), &service.limits().costs)
                .len(),
        ),
        caches: service.caches(),
        peers: 0,
        pid: process::id(),
        rss: system::rss(),
        request_total: counts.values().sum(),
        request_counts: counts,
        sessions: sessions_info(service),
        txs_sent: service.counters.broadcasts.load(Ordering::Relaxed),
        uptime: formatted_time(service.started.uptime_secs(), " "),
    }
}

fn request_counts(service: &Service) -> BTreeMap<String, u64> {
    let totals = service.metrics.totals().into_iter();
    totals
        .map(|(method, totals)| (method.name().to_owned(), totals.count()))
        .collect()
}

fn sessions_info(service: &Service) -> SessionsInfo {
    let sessions = service.registry.all();
    let count = |is: fn(&crate::session_info::SessionInfo) -> bool| {
        as_u64(sessions.iter().filter(|info| is(info)).count())
    };
    SessionsInfo {
        count: as_u64(sessions.len()),
        count_with_subs: count(|info| info.subscriptions() > 0),
        errors: service.registry.total().errors,
        logged: count(|info| info.is_logged()),
        pending_requests: sessions.iter().map(|info| info.pending()).sum(),
        subs: as_u64(service.subscriptions.count()),
    }
}
