//! Whose turn it is: a session that has much to do lets others go on meanwhile.

use std::time::{Duration, Instant};

/// Longest time that a session works without a break.
const LENGTH: Duration = Duration::from_micros(200);

/// A stretch of work without a break.
pub(super) struct Turn {
    began: Instant,
    /// When the session last did something.
    seen: Instant,
}

impl Turn {
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            seen: now,
        }
    }

    /// Goes on after a wait: if others had their turn meanwhile, a new one begins.
    pub(super) fn resume(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.seen) >= LENGTH {
            self.began = now;
        }
        self.seen = now;
    }

    /// Lets others go on if this turn was long enough.
    pub(super) async fn pass_on_when_over(&mut self) {
        self.seen = Instant::now();
        if self.seen.duration_since(self.began) >= LENGTH {
            tokio::task::yield_now().await;
            *self = Self::begin();
        }
    }
}
