//! Long scans that several sessions ask for at the same time are made once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use electrode_coin::ScriptHash;
use electrode_protocol::Method;
use tokio::sync::OnceCell;

use crate::answers::Found;

/// What is asked: a method, about a script, of the snapshot of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) method: Method,
    pub(crate) script: ScriptHash,
    pub(crate) snapshot: u64,
}

/// The answers that are being found. Bounded by those who wait for them.
#[derive(Default)]
pub(crate) struct Flights {
    open: Mutex<HashMap<Question, Weak<OnceCell<Found>>>>,
}

impl Flights {
    /// Joins those who ask the same: the first one finds the answer for all, and if it gives up,
    /// the next one does.
    pub(crate) fn join(&self, question: Question) -> Flight<'_> {
        let mut open = self.lock();
        let known = open.get(&question).and_then(Weak::upgrade);
        let answer = known.unwrap_or_else(|| {
            let answer = Arc::default();
            open.insert(question, Arc::downgrade(&answer));
            answer
        });
        Flight {
            flights: self,
            question,
            answer,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Question, Weak<OnceCell<Found>>>> {
        // Nothing in here panics half-way through a change.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who ask the same.
pub(crate) struct Flight<'a> {
    flights: &'a Flights,
    question: Question,
    answer: Arc<OnceCell<Found>>,
}

impl Flight<'_> {
    /// Gives the answer that somebody has found, or finds it.
    pub(crate) async fn answer<E>(
        &self,
        find: impl Future<Output = Result<Found, E>>,
    ) -> Result<Found, E> {
        let found = self.answer.get_or_try_init(|| find).await;
        found.cloned()
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut open = self.flights.lock();
        if Arc::strong_count(&self.answer) == 1 {
            open.remove(&self.question);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use electrode_protocol::Answer;
    use tokio::sync::Notify;

    use super::*;

    fn question(snapshot: u64) -> Question {
        Question {
            method: Method::GetHistory,
            script: ScriptHash([7; 32]),
            snapshot,
        }
    }

    /// Asks, and finds the answer only once it may.
    async fn ask(flights: &Flights, snapshot: u64, found: &AtomicUsize, go: &Notify) -> Found {
        let find = async {
            go.notified().await;
            found.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ()>(Found::from(Answer::Bool(true)))
        };
        flights.join(question(snapshot)).answer(find).await.unwrap()
    }

    #[tokio::test]
    async fn finds_once_what_several_ask_for_and_anew_for_another_snapshot() {
        let (flights, found, go) = (Flights::default(), AtomicUsize::new(0), Notify::new());
        let ask = |snapshot| ask(&flights, snapshot, &found, &go);
        let askers = async { tokio::join!(ask(1), ask(1), ask(1), ask(2)) };
        let starter = async {
            go.notify_one();
            tokio::task::yield_now().await;
            go.notify_one();
        };
        tokio::join!(askers, starter);
        assert_eq!(found.load(Ordering::Relaxed), 2);
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn lets_the_next_one_find_what_the_first_gave_up() {
        let flights = Flights::default();
        let first = flights.join(question(1));
        let second = flights.join(question(1));
        let failed = first.answer(async { Err::<Found, _>("lost") }).await;
        assert_eq!(failed.err(), Some("lost"));
        drop(first);
        let found = second.answer(async { Ok::<_, ()>(Answer::Null.into()) });
        assert!(found.await.is_ok());
        drop(second);
        assert!(flights.lock().is_empty());
    }
}
