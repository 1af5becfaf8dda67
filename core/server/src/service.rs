//! What all sessions share.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use electrode_coin::{Coin, Height, Txid};
use electrode_daemon::Daemon;
use electrode_index::UnspentOutput;
use electrode_mempool::Touched;
use tokio::sync::{Notify, Semaphore, mpsc, watch};

use crate::{
    Limits, ServerConfig, Snapshot, Stage,
    fees::Fees,
    notifier::{self, Update},
    proofs::Proofs,
    registry::Registry,
    script_cache::ScriptCache,
    status_cache::StatusCache,
    subscriptions::Subscriptions,
};

/// Updates that wait for the notifier; the publisher waits when there are more.
const QUEUED_UPDATES: usize = 16;

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
    pub(crate) fees: Fees,
    /// Bounds the scans that run on blocking threads.
    pub(crate) scans: Arc<Semaphore>,
    pub(crate) counters: Counters,
    pub(crate) registry: Registry,
    limits: ArcSwap<Limits>,
    snapshot: ArcSwapOption<Snapshot>,
    stage: watch::Sender<Stage>,
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

/// What is counted, of all sessions together.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Connections that are open, or still being made.
    pub(crate) sessions: AtomicUsize,
    /// Transactions that wallets gave to the node.
    pub(crate) broadcasts: AtomicU64,
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
    ) -> Arc<Self> {
        let (updates, inbox) = mpsc::channel(QUEUED_UPDATES);
        let service = Arc::new(Self {
            statuses: StatusCache::new(limits.cache_bytes / 4),
            histories: ScriptCache::new(limits.cache_bytes / 4),
            unspent: ScriptCache::new(limits.cache_bytes / 4),
            proofs: Proofs::new(limits.cache_bytes / 4),
            scans: Arc::new(Semaphore::new(limits.concurrent_scans)),
            coin,
            daemon,
            config,
            subscriptions: Subscriptions::default(),
            fees: Fees::default(),
            counters: Counters::default(),
            registry: Registry::default(),
            limits: ArcSwap::from_pointee(limits),
            snapshot: ArcSwapOption::empty(),
            stage: watch::Sender::new(Stage::WaitingForDaemon),
            published: watch::Sender::new(0),
            updates,
            broadcasts: Notify::new(),
            ended_sessions: Notify::new(),
            stopping: watch::Sender::new(false),
        });
        tokio::spawn(notifier::run(Arc::downgrade(&service), inbox));
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
        self.stage.send_replace(stage);
    }

    /// Gives what the server is busy with, now and later.
    #[must_use]
    pub fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
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

    /// Remembers that a session is gone.
    pub(crate) fn session_ended(&self) {
        self.counters.sessions.fetch_sub(1, Ordering::Relaxed);
        self.ended_sessions.notify_waiters();
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
            .field("stage", &*self.stage.borrow())
            .finish_non_exhaustive()
    }
}
