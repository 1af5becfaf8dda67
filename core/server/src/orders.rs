//! What operators order of the program around the service: to stop, to reorganise, to reload.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::{Notify, oneshot};

/// What came of a reload: what changed, or why everything stays as it was.
pub type Reloaded = Result<String, String>;

/// Orders that wait to be carried out. Each wait is for one task of the program.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    stop: Notify,
    reorg: Notify,
    /// Blocks to take back at the next reorganisation.
    reorg_count: AtomicU32,
    reload: Notify,
    reloaders: Mutex<Vec<oneshot::Sender<Reloaded>>>,
}

impl Orders {
    pub(crate) fn stop(&self) {
        self.stop.notify_one();
    }

    /// Waits for the order to stop.
    pub(crate) async fn stop_ordered(&self) {
        self.stop.notified().await;
    }

    /// Orders the last `count` blocks to be taken back; of several orders the last one counts.
    pub(crate) fn reorganise(&self, count: u32) {
        self.reorg_count.store(count, Ordering::Relaxed);
        self.reorg.notify_one();
    }

    /// Waits for the order to take blocks back, and tells how many.
    pub(crate) async fn reorg_ordered(&self) -> u32 {
        self.reorg.notified().await;
        self.reorg_count.load(Ordering::Relaxed)
    }

    /// Orders a reload and waits for what comes of it.
    pub(crate) async fn reload(&self) -> Reloaded {
        let (reloader, outcome) = oneshot::channel();
        self.reloaders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reloader);
        self.reload.notify_one();
        let stopped = |_stopped| Err("the server is stopping".to_owned());
        outcome.await.unwrap_or_else(stopped)
    }

    /// Waits for the order to reload.
    pub(crate) async fn reload_ordered(&self) {
        self.reload.notified().await;
    }

    /// Tells everybody who ordered a reload what came of it.
    pub(crate) fn reloaded(&self, outcome: &Reloaded) {
        let reloaders = std::mem::take(
            &mut *self
                .reloaders
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for reloader in reloaders {
            // Who does not wait any more need not be told.
            drop(reloader.send(outcome.clone()));
        }
    }
}
