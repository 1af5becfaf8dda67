//! Messages on their way through a session: started in turn, answered when they are done.

use electrode_protocol::{Id, Incoming, Refusal, Request};
use tokio::task::JoinError;

use super::{
    Session,
    work::{Done, Prepared, Worker},
};
use crate::{answers::Outcome, costs::Standing, session_info::Count, tally::Ended};

use std::sync::Arc;

impl<S> Session<S> {
    /// Tells whether the session may take on more.
    pub(super) fn has_room(&self) -> bool {
        let concurrent = self.service.limits().concurrent_requests;
        self.output.has_room() && self.working.len() < self.standing.concurrency(concurrent)
    }

    /// Starts what was read, as far as there is room, and lets others have their turn meanwhile.
    pub(super) async fn start_waiting(&mut self) {
        loop {
            self.turn.pass_on_when_over().await;
            self.standing = self.service.standing(&self.info);
            if self.is_refused {
                self.waiting.clear();
            }
            if !self.has_room() {
                return;
            }
            let Some(message) = self.waiting.pop_front() else {
                return;
            };
            match message {
                message if self.standing == Standing::Exhausted => self.exhaust(&id_of(message)),
                Ok(Incoming::Single(request)) => {
                    let prepared = self.prepare(&request);
                    self.start(prepared);
                }
                Ok(Incoming::Batch(requests)) => self.start_batch(requests),
                Err(refusal) => {
                    self.service.metrics.count_unreadable();
                    self.start(self.worker().refused(refusal));
                }
            }
        }
    }

    /// Sends what came of a message.
    pub(super) fn take(&mut self, done: Result<Done, JoinError>) {
        self.info.set(Count::Pending, self.working.len());
        match done {
            Ok(done) => {
                self.subscribing -= usize::from(done.held_notices);
                done.unsubscribed
                    .iter()
                    .for_each(|script| self.unsubscribe(script));
                self.count_sent(done.bytes.len());
                self.output.push_whole(done.bytes);
                done.closes.into_iter().for_each(|why| self.close(why));
            }
            Err(error) => {
                tracing::error!(%error, "a request failed");
                self.close(Ended::Failed);
            }
        }
    }

    /// Sends an answer that is there, or has it worked on.
    fn start(&mut self, prepared: Prepared) {
        let worker = self.worker();
        let is_subscription = prepared.is_subscription();
        let longest = self.service.limits().costs.request_sleep;
        if let Some(pause) = self.standing.pause(longest) {
            return self.work(worker.later(pause, prepared), is_subscription);
        }
        let Prepared {
            id,
            subscribes,
            step,
            price,
        } = prepared;
        match worker.start(step, price) {
            Outcome::Now(result) => self.take(Ok(worker.done(&id, subscribes, result))),
            later => self.work(worker.finish(id, subscribes, later), is_subscription),
        }
    }

    /// Refuses what has this id because the session cost too much, and ends the session.
    pub(super) fn exhaust(&mut self, id: &Id) {
        self.waiting.clear();
        self.take(Ok(self.worker().exhausted(id)));
    }

    fn start_batch(&mut self, requests: Vec<Result<Request, Refusal>>) {
        let mut prepared = Vec::with_capacity(requests.len());
        for request in requests {
            prepared.push(match request {
                Ok(request) => self.prepare(&request),
                Err(refusal) => self.worker().refused(refusal),
            });
            if self.is_refused {
                break;
            }
        }
        let is_subscription = prepared.iter().any(Prepared::is_subscription);
        self.work(self.worker().batch(prepared), is_subscription);
    }

    fn work(&mut self, work: impl Future<Output = Done> + Send + 'static, is_subscription: bool) {
        self.subscribing += usize::from(is_subscription);
        self.working.spawn(async move {
            Done {
                held_notices: is_subscription,
                ..work.await
            }
        });
        self.info.set(Count::Pending, self.working.len());
    }

    fn worker(&self) -> Worker {
        Worker {
            service: Arc::clone(&self.service),
            info: Arc::clone(&self.info),
            scans: Arc::clone(&self.scans),
            dialect: self.dialect,
        }
    }
}

/// Gives the id that a message is refused by; those of a batch do not matter then.
fn id_of(message: Result<Incoming, Refusal>) -> Id {
    match message {
        Ok(Incoming::Single(request)) => request.id,
        Ok(Incoming::Batch(_)) | Err(_) => Id::null(),
    }
}
