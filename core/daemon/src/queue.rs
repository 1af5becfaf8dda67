//! Places for requests in flight: fewer after the node was too busy, more again while it keeps up.
//!
//! A node has a few threads for requests and a queue of bounded length before them
//! (`rpcthreads`, `rpcworkqueue`); what does not fit is turned away with HTTP status 503. How much
//! fits is found out as TCP finds out: halve after a refusal, add one after many answers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::DaemonError;

/// Rounds of answers, one for each place, after which there is one place more.
const ROUNDS: usize = 16;

/// Bounds the requests in flight.
#[derive(Debug)]
pub(crate) struct Queue {
    places: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Requests that may be in flight.
    limit: usize,
    /// The most that `limit` may become.
    most: usize,
    /// Places that are taken and not given back when they are free.
    surplus: usize,
    /// Answers since the limit was last changed.
    answers: usize,
}

impl Queue {
    /// Makes room for at least one request.
    pub(crate) fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Semaphore::new(most),
            state: Mutex::new(State {
                limit: most,
                most,
                surplus: 0,
                answers: 0,
            }),
        }
    }

    /// Waits for a place, which is free again when dropped.
    pub(crate) async fn enter(&self) -> Result<Place<'_>, DaemonError> {
        let permit = self.places.acquire().await;
        Ok(Place {
            queue: self,
            permit: Some(permit.map_err(|_closed| DaemonError::Stopped)?),
        })
    }

    /// Takes note that the node turned a request away.
    pub(crate) fn was_too_long(&self) {
        let mut state = self.lock();
        let fewer = (state.limit / 2).max(1);
        state.surplus += state.limit - fewer;
        state.limit = fewer;
        state.answers = 0;
    }

    /// Takes note that the node answered.
    pub(crate) fn was_served(&self) {
        let mut state = self.lock();
        if state.limit == state.most {
            return;
        }
        state.answers += 1;
        if state.answers < state.limit * ROUNDS {
            return;
        }
        state.answers = 0;
        state.limit += 1;
        match state.surplus.checked_sub(1) {
            Some(fewer) => state.surplus = fewer,
            None => self.places.add_permits(1),
        }
    }

    #[cfg(test)]
    pub(crate) fn limit(&self) -> usize {
        self.lock().limit
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place for one request.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    queue: &'a Queue,
    permit: Option<SemaphorePermit<'a>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        if let Some(fewer) = state.surplus.checked_sub(1) {
            state.surplus = fewer;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fill(queue: &Queue) -> Vec<Place<'_>> {
        let mut places = Vec::new();
        while queue.places.available_permits() > 0 {
            places.push(queue.enter().await.unwrap());
        }
        places
    }

    #[tokio::test]
    async fn has_fewer_places_for_a_busy_node_and_more_for_one_that_keeps_up() {
        let queue = Queue::new(8);
        let places = fill(&queue).await;
        assert_eq!(places.len(), 8);
        queue.was_too_long();
        drop(places);
        assert_eq!(fill(&queue).await.len(), 4);
        for _ in 0..3 {
            queue.was_too_long();
            drop(fill(&queue).await);
        }
        assert_eq!(fill(&queue).await.len(), 1, "one place is always left");

        (0..ROUNDS).for_each(|_| queue.was_served());
        assert_eq!(fill(&queue).await.len(), 2);
        (0..ROUNDS * 100).for_each(|_| queue.was_served());
        assert_eq!(fill(&queue).await.len(), 8, "never more than at first");
    }

    #[tokio::test]
    async fn always_has_a_place() {
        assert_eq!(fill(&Queue::new(0)).await.len(), 1);
    }
}
