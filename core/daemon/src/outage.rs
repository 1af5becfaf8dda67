//! What the log says about something that fails and comes back: enough, but not every failure.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Least time between two lines about failures.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

/// Tells the log of failures at most once a minute, and of the end of what it told of.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Since when every try has failed.
    since: Option<Instant>,
    last_failure: Option<Instant>,
    told: bool,
    last_line: Option<Instant>,
}

impl Outage {
    /// Takes note of a failure.
    pub(crate) fn failed(&self, failure: &dyn fmt::Display) {
        let mut state = self.lock();
        let now = Instant::now();
        state.since.get_or_insert(now);
        state.last_failure = Some(now);
        if state
            .last_line
            .is_some_and(|line| line.elapsed() < BETWEEN_LINES)
        {
            tracing::debug!("{failure}");
            return;
        }
        tracing::warn!("{failure}");
        state.told = true;
        state.last_line = Some(now);
    }

    /// Gives how long every try has failed; `None` if the last one did not.
    pub(crate) fn lasts(&self) -> Option<Duration> {
        self.lock().since.map(|since| since.elapsed())
    }

    /// Tells whether a try has failed since then.
    pub(crate) fn has_failed_since(&self, then: Instant) -> bool {
        self.lock().last_failure.is_some_and(|last| last >= then)
    }

    /// Takes note that it works.
    pub(crate) fn over(&self, what: &dyn fmt::Display) {
        let mut state = self.lock();
        state.since = None;
        if std::mem::take(&mut state.told) {
            tracing::info!("connection to {what} restored");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
