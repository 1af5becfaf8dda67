//! What all sessions share.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use electrode_coin::{Coin, Height, Txid};
use electrode_daemon::Daemon;
use electrode_index::UnspentOutput;
use electrode_mempool::Touched;
use electrode_protocol::Token;
use tokio::sync::{Notify, Semaphore, mpsc, watch};

use crate::{
    HttpHost, Limits, LogRules, Reloaded, ServerConfig, Snapshot, Stage, Texts,
    bans::Bans,
    costs::Costs,
    door::Seats,
    fees::Fees,
    flights::Flights,
    history::{self, History},
    metrics::Metrics,
    notifier::{self, Update},
    orders::Orders,
    process::Started,
    proofs::Proofs,
    raw_transactions::{TxOffsets, WholeBlocks},
    registry::Registry,
    script_cache::ScriptCache,
    stage::Following,
    status_cache::StatusCache,
    subscriptions::Subscriptions,
    tally::{Ended, Refused, Tally},
    transaction_cache::TransactionCache,
};

/// Updates that wait for the notifier; the publisher waits when there are more.
const QUEUED_UPDATES: usize = 16;

/// Caches of answers, which share the memory for them evenly.
const CACHES: u64 = 7;

/// Stands for a height of the node that is not known: no chain has it.
const UNKNOWN_HEIGHT: u64 = u64::MAX;

/// One served chain: publish snapshots into it, and sessions answer from them.
pub struct Service {
    pub(crate) coin: Arc<dyn Coin>,
    pub(crate) daemon: Daemon,
    pub(crate) config: ServerConfig,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) statuses: StatusCache,
    pub(crate) histories: ScriptCache<(Txid, Height)>,
    pub(crate) unspent: ScriptCache<UnspentOutput>,
    pub(crate) proofs: Proofs,
    pub(crate) tx_offsets: TxOffsets,
    pub(crate) whole_blocks: WholeBlocks,
    pub(crate) transactions: TransactionCache,
    pub(crate) fees: Fees,
    pub(crate) flights: Flights,
    /// Bounds the scans that run on blocking threads.
    pub(crate) scans: Arc<Semaphore>,
    pub(crate) counters: Counters,
    pub(crate) registry: Registry,
    pub(crate) metrics: Metrics,
    pub(crate) orders: Orders,
    pub(crate) started: Started,
    pub(crate) history: History,
    texts: ArcSwap<Texts>,
    http_hosts: ArcSwap<Vec<HttpHost>>,
    pub(crate) log_rules: watch::Sender<LogRules>,
    admin_token: ArcSwapOption<Token>,
    daemon_height: AtomicU64,
    pub(crate) bans: Bans,
    pub(crate) costs: Costs,
    pub(crate) seats: Seats,
    limits: ArcSwap<Limits>,
    snapshot: ArcSwapOption<Snapshot>,
    following: Mutex<Following>,
    published: watch::Sender<u64>,
    updates: mpsc::Sender<Update>,
    broadcasts: Notify,
    ended_sessions: Notify,
    stopping: watch::Sender<bool>,
}

/// Word that the service stops.
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Waits until the service stops. Dropping the future loses nothing.
    pub(crate) async fn wait(&mut self) {
        // An error means that the service is gone, which is stopped too.
        drop(self.0.wait_for(|stopping| *stopping).await);
    }
}

/// A place among the sessions.
pub(crate) struct Place(Arc<Service>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.counters.sessions.fetch_sub(1, Ordering::Relaxed);
        self.0.ended_sessions.notify_waiters();
    }
}

/// What is counted, of all sessions together.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Connections that are open, or still being made.
    pub(crate) sessions: AtomicUsize,
    /// Transactions that wallets gave to the node.
    pub(crate) broadcasts: AtomicU64,
    /// Times that new sessions had to wait, because there were as many as are allowed.
    pub(crate) full: AtomicU64,
    /// Clients that were sent away at the door.
    pub(crate) refused: Tally<Refused>,
    /// Sessions that ended.
    pub(crate) ended: Tally<Ended>,
}

impl Service {
    /// Makes the service and starts the task that notifies subscribers.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(
        coin: Arc<dyn Coin>,
        daemon: Daemon,
        config: ServerConfig,
        limits: Limits,
        bans: Bans,
    ) -> Arc<Self> {
        let (updates, inbox) = mpsc::channel(QUEUED_UPDATES);
        let cache_bytes = limits.cache_bytes / CACHES;
        let service = Arc::new(Self {
            statuses: StatusCache::new(cache_bytes),
            histories: ScriptCache::new(cache_bytes),
            unspent: ScriptCache::new(cache_bytes),
            proofs: Proofs::new(cache_bytes),
            tx_offsets: TxOffsets::new(cache_bytes),
            whole_blocks: WholeBlocks::new(cache_bytes),
            transactions: TransactionCache::new(cache_bytes),
            scans: Arc::new(Semaphore::new(limits.concurrent_scans)),
            coin,
            daemon,
            config,
            subscriptions: Subscriptions::default(),
            fees: Fees::default(),
            flights: Flights::default(),
            counters: Counters::default(),
            registry: Registry::default(),
            metrics: Metrics::default(),
            orders: Orders::default(),
            started: Started::now(),
            history: History::default(),
            texts: ArcSwap::default(),
            http_hosts: ArcSwap::default(),
            log_rules: watch::Sender::default(),
            admin_token: ArcSwapOption::empty(),
            daemon_height: AtomicU64::new(UNKNOWN_HEIGHT),
            bans,
            costs: Costs::default(),
            seats: Seats::default(),
            limits: ArcSwap::from_pointee(limits),
            snapshot: ArcSwapOption::empty(),
            following: Mutex::default(),
            published: watch::Sender::new(0),
            updates,
            broadcasts: Notify::new(),
            ended_sessions: Notify::new(),
            stopping: watch::Sender::new(false),
        });
        tokio::spawn(notifier::run(Arc::downgrade(&service), inbox));
        tokio::spawn(history::run(Arc::downgrade(&service)));
        service
    }

    /// Replaces the snapshot that requests are answered from, and tells subscribers what changed.
    pub async fn publish(&self, snapshot: Snapshot, touched: Touched) {
        let snapshot = Arc::new(snapshot);
        self.snapshot.store(Some(Arc::clone(&snapshot)));
        self.published.send_modify(|count| *count += 1);
        if self
            .updates
            .send(Update { snapshot, touched })
            .await
            .is_err()
        {
            tracing::error!("the notifier has stopped: subscribers hear of nothing any more");
        }
    }

    /// Gives the bounds on sessions that hold now.
    #[must_use]
    pub fn limits(&self) -> Guard<Arc<Limits>> {
        self.limits.load()
    }

    /// Replaces the bounds on sessions. Those that open sessions were given at their start, and
    /// the sizes of caches and of the room for scans, stay what they were.
    pub fn set_limits(&self, limits: Limits) {
        self.limits.store(Arc::new(limits));
    }

    /// Gives the number of updates that wait for the notifier.
    pub(crate) fn queued_updates(&self) -> usize {
        self.updates.max_capacity() - self.updates.capacity()
    }

    /// Gives the client of the node.
    #[must_use]
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Tells whether anything was published yet.
    #[must_use]
    pub fn has_snapshot(&self) -> bool {
        self.snapshot.load().is_some()
    }

    /// Says what the server is busy with.
    pub fn set_stage(&self, stage: Stage) {
        self.following().enter(stage);
    }

    /// Says that the node may have something that is not served yet; [`Stage::Serving`] takes
    /// that back.
    pub fn fall_behind(&self) {
        self.following().fall_behind();
    }

    /// Gives what the server is busy with.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.following().stage().clone()
    }

    fn following(&self) -> MutexGuard<'_, Following> {
        // Nothing in there panics half-way through a change.
        self.following
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what keeps the server from being ready, if anything does: its plugin, its index, or
    /// the node.
    pub(crate) fn hindrance(&self) -> Option<String> {
        let broken = self.coin.health().err().map(|error| error.to_string());
        let stalled = || Some(format!("waiting for {}", self.coin.stalled()?));
        let damaged = || self.snapshot()?.index.damage().map(str::to_owned);
        let busy = || self.following().hindrance(self.config.ready_lag);
        broken.or_else(stalled).or_else(damaged).or_else(busy)
    }

    /// Remembers the height of the node.
    pub fn set_daemon_height(&self, height: Height) {
        self.daemon_height
            .store(u64::from(height.0), Ordering::Relaxed);
    }

    /// Gives the height of the node when it last told.
    pub(crate) fn daemon_height(&self) -> Option<Height> {
        let height = self.daemon_height.load(Ordering::Relaxed);
        u32::try_from(height).ok().map(Height)
    }

    /// Gives the height of the index, also while it is built.
    pub(crate) fn height(&self) -> Option<Height> {
        match self.stage() {
            Stage::Indexing { height, .. } => Some(height),
            _ => self.snapshot().map(|snapshot| snapshot.tip().height),
        }
    }

    /// Replaces what the operator tells wallets.
    pub fn set_texts(&self, texts: Texts) {
        self.texts.store(Arc::new(texts));
    }

    /// Gives what the operator tells wallets.
    pub(crate) fn texts(&self) -> Guard<Arc<Texts>> {
        self.texts.load()
    }

    /// Replaces the names that the pages may be asked for by.
    pub fn set_http_hosts(&self, hosts: Vec<HttpHost>) {
        self.http_hosts.store(Arc::new(hosts));
    }

    /// Gives the names that the pages may be asked for by.
    pub(crate) fn http_hosts(&self) -> Guard<Arc<Vec<HttpHost>>> {
        self.http_hosts.load()
    }

    /// Replaces the token without which no operator is served; none serves everybody who can
    /// reach the admin RPC.
    pub fn set_admin_token(&self, token: Option<Token>) {
        self.admin_token.store(token.map(Arc::new));
    }

    /// Gives the token without which no operator is served.
    pub(crate) fn admin_token(&self) -> Option<Arc<Token>> {
        self.admin_token.load_full()
    }

    /// Waits until an operator orders the server to stop.
    pub async fn stop_ordered(&self) {
        self.orders.stop_ordered().await;
    }

    /// Waits until an operator orders blocks to be taken back and connected again; tells how many.
    pub async fn reorg_ordered(&self) -> u32 {
        self.orders.reorg_ordered().await
    }

    /// Waits until an operator orders the configuration to be read again.
    pub async fn reload_ordered(&self) {
        self.orders.reload_ordered().await;
    }

    /// Tells the operators who ordered it what came of a reload.
    pub fn reloaded(&self, outcome: &Reloaded) {
        self.orders.reloaded(outcome);
    }

    /// Waits until a wallet has given a transaction to the node.
    pub async fn broadcast(&self) {
        self.broadcasts.notified().await;
    }

    /// Remembers that a wallet has given a transaction to the node.
    pub(crate) fn note_broadcast(&self) {
        self.counters.broadcasts.fetch_add(1, Ordering::Relaxed);
        self.broadcasts.notify_one();
    }

    /// Ends every listener, lets every session answer what it has read, and waits until all are
    /// gone.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        self.registry.drain();
        self.sessions_below(0).await;
    }

    /// Tells, now and later, whether the service stops.
    pub(crate) fn stopping(&self) -> Stopping {
        Stopping(self.stopping.subscribe())
    }

    /// Counts a connection among the sessions, until the place is dropped.
    pub(crate) fn take_place(self: &Arc<Self>) -> Place {
        self.counters.sessions.fetch_add(1, Ordering::Relaxed);
        Place(Arc::clone(self))
    }

    /// Waits until there are no more than `count` sessions.
    pub(crate) async fn sessions_below(&self, count: usize) {
        loop {
            let ended = self.ended_sessions.notified();
            if self.counters.sessions.load(Ordering::Relaxed) <= count {
                return;
            }
            ended.await;
        }
    }

    /// Gives the latest snapshot; there is one once the server serves.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full()
    }

    /// Gives the number of the latest snapshot, now and later.
    pub(crate) fn published(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("stage", &self.stage())
            .finish_non_exhaustive()
    }
}
