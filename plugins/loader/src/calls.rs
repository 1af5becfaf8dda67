//! The calls of a plugin that have not returned yet. Foreign code cannot be ended from outside;
//! what can be done about a call that does not return is to say so.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use electrode_coin::Height;

/// Time between two looks at the calls.
const INTERVAL: Duration = Duration::from_millis(500);

/// What a plugin is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) slot: &'static str,
    height: Option<Height>,
}

/// The calls of one coin that have not returned yet.
#[derive(Debug)]
pub(crate) struct Calls {
    /// What the coin is in the log.
    coin: String,
    limit: Duration,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    /// In the order in which they began.
    calls: BTreeMap<u64, Begun>,
}

#[derive(Clone, Copy, Debug)]
struct Begun {
    question: Question,
    at: Instant,
    is_told: bool,
}

/// A call, until it returns.
pub(crate) struct Call<'a> {
    calls: &'a Calls,
    number: u64,
}

impl Question {
    /// Asks something that does not depend on the height.
    pub(crate) fn of(slot: &'static str) -> Self {
        Self { slot, height: None }
    }

    /// Asks something of a block.
    pub(crate) fn at(slot: &'static str, height: Height) -> Self {
        Self {
            slot,
            height: Some(height),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.height {
            Some(height) => write!(f, "{} of block {height}", self.slot),
            None => f.write_str(self.slot),
        }
    }
}

impl Calls {
    /// Watches over calls from now on, on a thread that ends with them.
    pub(crate) fn watched(coin: String, limit: Duration) -> Arc<Self> {
        let calls = Arc::new(Self {
            coin,
            limit,
            running: Mutex::default(),
        });
        let watched = Arc::downgrade(&calls);
        let thread = thread::Builder::new().name("plugin-watch".to_owned());
        if let Err(error) = thread.spawn(move || watch(&watched)) {
            tracing::warn!(%error, "nobody watches whether the calls of the plugin return");
        }
        calls
    }

    /// Notes that a call begins.
    pub(crate) fn begin(&self, question: Question) -> Call<'_> {
        let begun = Begun {
            question,
            at: Instant::now(),
            is_told: false,
        };
        let mut running = self.running();
        let number = running.next;
        running.next += 1;
        running.calls.insert(number, begun);
        Call {
            calls: self,
            number,
        }
    }

    /// Gives the oldest call if it takes longer than a call may, and how long it does.
    pub(crate) fn overdue(&self) -> Option<(Question, Duration)> {
        let running = self.running();
        let (_, oldest) = running.calls.first_key_value()?;
        let since = oldest.at.elapsed();
        (since > self.limit).then_some((oldest.question, since))
    }

    /// Says once of every call that takes too long that it does.
    fn tell(&self) {
        let mut running = self.running();
        let overdue = running
            .calls
            .values_mut()
            .filter(|call| !call.is_told && call.at.elapsed() > self.limit);
        for call in overdue {
            call.is_told = true;
            tracing::error!(
                plugin = %self.coin,
                call = %call.question,
                seconds = call.at.elapsed().as_secs(),
                "a call of the plugin does not return, and cannot be ended from outside; if it \
                 stays so, stop the server and ask the plugin's author for a newer version"
            );
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let ended = self.calls.running().calls.remove(&self.number);
        if let Some(call) = ended.filter(|call| call.is_told) {
            tracing::info!(
                plugin = %self.calls.coin,
                call = %call.question,
                seconds = call.at.elapsed().as_secs(),
                "the call of the plugin returned after all"
            );
        }
    }
}

fn watch(calls: &Weak<Calls>) {
    while let Some(calls) = calls.upgrade() {
        calls.tell();
        drop(calls);
        thread::park_timeout(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_call_that_takes_longest() {
        let calls = Calls::watched("Toy".to_owned(), Duration::ZERO);
        assert_eq!(calls.overdue(), None);
        let outer = calls.begin(Question::at("parse_block", Height(7)));
        let inner = calls.begin(Question::of("index_scripts"));
        let slot = || calls.overdue().map(|(question, _)| question.to_string());
        assert_eq!(slot().as_deref(), Some("parse_block of block 7"));
        drop(outer);
        assert_eq!(slot().as_deref(), Some("index_scripts"));
        drop(inner);
        assert_eq!(slot(), None);
    }

    #[test]
    fn leaves_a_call_its_time() {
        let calls = Calls::watched("Toy".to_owned(), Duration::MAX);
        let _call = calls.begin(Question::of("parse_tx"));
        assert_eq!(calls.overdue(), None);
    }
}
