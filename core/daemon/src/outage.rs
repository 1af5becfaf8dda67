//! What the log says about something that fails and comes back: enough, but not every failure.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Least time between two lines about failures.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

/// Tells the log of failures at most once a minute, and of the end of what it told of.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Whether the last try failed.
    is_on: bool,
    told: bool,
    last_line: Option<Instant>,
}

impl Outage {
    /// Takes note of a failure.
    pub(crate) fn failed(&self, failure: &dyn fmt::Display) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_on = true;
        if state
            .last_line
            .is_some_and(|line| line.elapsed() < BETWEEN_LINES)
        {
            tracing::debug!("{failure}");
            return;
        }
        tracing::warn!("{failure}");
        state.told = true;
        state.last_line = Some(Instant::now());
    }

    /// Tells whether it failed when it was last tried.
    pub(crate) fn is_on(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_on
    }

    /// Takes note that it works.
    pub(crate) fn over(&self, what: &dyn fmt::Display) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_on = false;
        if std::mem::take(&mut state.told) {
            tracing::info!("connection to {what} restored");
        }
    }
}
