//! `/metrics`: what Prometheus scrapes, as `OpenMetrics` text.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::SystemTime,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet, text::encode},
    metrics::MetricType,
    registry::Registry,
};

use crate::{Service, Stage, process};

/// What the text is.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes every metric.
pub(super) fn text(service: &Arc<Service>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(Arc::clone(service))));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// Reads the service when it is scraped.
#[derive(Debug)]
struct Scrape(Arc<Service>);

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer(encoder);
        let service = &self.0;
        about_process(&mut writer, service)?;
        about_chain(&mut writer, service)?;
        about_sessions(&mut writer, service)?;
        about_requests(&mut writer, service)?;
        about_caches(&mut writer, service)
    }
}

fn about_process(writer: &mut Writer<'_>, service: &Service) -> fmt::Result {
    let descriptor = service.coin.descriptor();
    let build = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("coin", descriptor.coin.as_ref()),
        ("net", descriptor.net.as_ref()),
    ];
    let mut info =
        writer
            .0
            .encode_descriptor("electrode_build", "What runs", None, MetricType::Info)?;
    info.encode_info(&build)?;
    writer.gauge(
        "process_start_time_seconds",
        "Start of the process, in seconds since 1970",
        service.started.unix_secs(),
    )?;
    writer.gauge(
        "process_resident_memory_bytes",
        "Memory that the process holds",
        process::rss(),
    )?;
    writer.gauge(
        "process_open_fds",
        "Files and sockets that the process has open",
        process::open_files(),
    )
}

fn about_chain(writer: &mut Writer<'_>, service: &Service) -> fmt::Result {
    let stage = service.stage();
    let height = |height: Option<electrode_coin::Height>| height.map_or(-1, |h| i64::from(h.0));
    writer.gauge(
        "electrode_height",
        "Last block of the index, -1 for none",
        height(service.height()),
    )?;
    writer.gauge(
        "electrode_daemon_height",
        "Last block of the node, -1 while it has not told",
        height(service.daemon_height()),
    )?;
    writer.gauge(
        "electrode_daemon_up",
        "Whether the node answered when it was last asked",
        u64::from(service.daemon.answers()),
    )?;
    let stages = Stage::NAMES.map(|name| (name, u64::from(name == stage.name())));
    writer.gauges(
        "electrode_stage",
        "What the server is busy with",
        "stage",
        stages,
    )?;
    writer.gauge(
        "electrode_sync_blocks_per_second",
        "Blocks a second that the index grew by in the last minute",
        service.history.blocks_per_second().unwrap_or(0.0),
    )?;
    let snapshot = service.snapshot();
    let transactions = snapshot
        .as_ref()
        .map_or(0, |snapshot| snapshot.index.tx_count().0);
    writer.gauge(
        "electrode_transactions",
        "Transactions in the index",
        transactions,
    )?;
    let mempool = snapshot
        .as_ref()
        .map_or(0, |snapshot| snapshot.mempool.len());
    writer.gauge(
        "electrode_mempool_transactions",
        "Transactions in the mempool",
        mempool,
    )
}

fn about_sessions(writer: &mut Writer<'_>, service: &Service) -> fmt::Result {
    let sessions = service.registry.by_transport();
    writer.gauges("electrode_sessions", "Open sessions", "transport", sessions)?;
    writer.counter(
        "electrode_sessions_accepted",
        "Sessions that ever began",
        service.registry.accepted(),
    )?;
    about_door(writer, service)?;
    writer.gauge(
        "electrode_subscriptions",
        "Subscriptions to scripts",
        service.subscriptions.count(),
    )?;
    let traffic = service.registry.total();
    writer.counter(
        "electrode_received_bytes",
        "Bytes that clients sent",
        traffic.received_bytes,
    )?;
    writer.counter(
        "electrode_sent_bytes",
        "Bytes that clients were sent",
        traffic.sent_bytes,
    )?;
    writer.gauge(
        "electrode_pending_requests",
        "Requests that are worked on",
        service.registry.pending(),
    )?;
    writer.gauge(
        "electrode_queued_updates",
        "Changes of chain or mempool that wait for the notifier",
        service.queued_updates(),
    )?;
    writer.gauge(
        "electrode_scans_free",
        "Long scans of the index that could start at once",
        service.scans.available_permits(),
    )
}

fn about_door(writer: &mut Writer<'_>, service: &Service) -> fmt::Result {
    writer.counters(
        "electrode_connections_refused",
        "Connections that never were a session",
        "reason",
        service.counters.refused.totals(),
    )?;
    writer.counters(
        "electrode_sessions_closed",
        "Sessions that ended",
        "reason",
        service.counters.ended.totals(),
    )?;
    writer.counter(
        "electrode_sessions_full",
        "Times that new sessions had to wait, because there were as many as are allowed",
        service.counters.full.load(Ordering::Relaxed),
    )?;
    writer.gauge(
        "electrode_bans",
        "Networks that are banned",
        service.bans.list(SystemTime::now()).len(),
    )
}

fn about_requests(writer: &mut Writer<'_>, service: &Service) -> fmt::Result {
    let traffic = service.registry.total();
    writer.counter(
        "electrode_requests",
        "Requests of any kind",
        traffic.requests,
    )?;
    writer.counter(
        "electrode_request_errors",
        "Requests that were answered with an error",
        traffic.errors,
    )?;
    writer.counter(
        "electrode_unreadable_requests",
        "Requests that name no method or are none at all",
        service.metrics.unreadable(),
    )?;
    writer.counter(
        "electrode_broadcasts",
        "Transactions that wallets gave to the node",
        service.counters.broadcasts.load(Ordering::Relaxed),
    )?;
    let mut family = writer.0.encode_descriptor(
        "electrode_request_seconds",
        "Time from a request to its answer",
        None,
        MetricType::Histogram,
    )?;
    for (method, totals) in service.metrics.totals() {
        let buckets: Vec<_> = totals.buckets().collect();
        let labels = [("method", method.name())];
        family
            .encode_family(&labels)?
            .encode_histogram::<NoLabelSet>(
                totals.sum().as_secs_f64(),
                totals.count(),
                &buckets,
                None,
            )?;
    }
    Ok(())
}

fn about_caches(writer: &mut Writer<'_>, service: &Service) -> fmt::Result {
    let caches = service.caches();
    let each = |value: fn(&electrode_protocol::CacheInfo) -> u64| {
        let caches = caches.iter();
        caches
            .map(move |(name, info)| (name.as_str(), value(info)))
            .collect::<Vec<_>>()
    };
    let (hits, misses) = (
        each(|info| info.hits),
        each(|info| info.lookups - info.hits),
    );
    writer.counters(
        "electrode_cache_hits",
        "Lookups that a cache could answer",
        "cache",
        hits,
    )?;
    writer.counters(
        "electrode_cache_misses",
        "Lookups that it could not",
        "cache",
        misses,
    )?;
    let (bytes, entries) = (each(|info| info.bytes), each(|info| info.entries));
    writer.gauges("electrode_cache_bytes", "Memory of a cache", "cache", bytes)?;
    writer.gauges(
        "electrode_cache_entries",
        "Entries of a cache",
        "cache",
        entries,
    )
}

/// Writes metrics one by one.
struct Writer<'a>(DescriptorEncoder<'a>);

impl Writer<'_> {
    fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: impl EncodeGaugeValue + Copy,
    ) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        metric.encode_gauge(&value)
    }

    fn gauges<V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (impl AsRef<str>, V)>,
    ) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (key, value) in values {
            let labels = [(label, key.as_ref())];
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Writes a counter; `_total` is added to its name.
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, u64, f64>(&value, None)
    }

    fn counters<'k>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (&'k str, u64)>,
    ) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (key, value) in values {
            let labels = [(label, key)];
            let mut one = metric.encode_family(&labels)?;
            one.encode_counter::<NoLabelSet, u64, f64>(&value, None)?;
        }
        Ok(())
    }
}
