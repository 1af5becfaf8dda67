//! Requests on their way to bytes.

use std::{sync::Arc, time::Duration};

use electrode_coin::ScriptHash;
use electrode_protocol::{
    Answer, BatchEncoder, Call, Dialect, Id, Refusal, RpcError, encode_response,
};

use tokio::{sync::Semaphore, task, time::Instant};

use crate::{
    Service,
    answers::{Asker, Found, Outcome, answer},
    costs::{Extra, Standing},
    numbers::as_u64,
    session_info::{Count, SessionInfo},
    tally::Ended,
};

/// Bytes of an answer that are written on a network thread; more are written elsewhere.
const INLINE_LEN: usize = 64 << 10;

/// One request of which the session has done its part.
pub(super) struct Prepared {
    pub(super) id: Id,
    /// The script that it newly subscribed to.
    pub(super) subscribes: Option<ScriptHash>,
    pub(super) step: Step,
    /// What it costs whatever the answer is.
    pub(super) price: f64,
}

/// What is left to do for a request.
pub(super) enum Step {
    /// Nothing: this is the answer.
    Answered(Result<Answer, RpcError>),
    /// To find the answer.
    Ask(Call),
}

impl Prepared {
    /// Tells whether notifications could contradict the answer before it is given.
    pub(super) fn is_subscription(&self) -> bool {
        matches!(
            self.step,
            Step::Ask(Call::Subscribe { .. } | Call::HeadersSubscribe)
        )
    }
}

/// What a finished message means for the session.
#[derive(Default)]
pub(super) struct Done {
    /// The answer as it is sent, new line included; nothing for notifications.
    pub(super) bytes: Vec<u8>,
    /// Subscriptions that came to nothing.
    pub(super) unsubscribed: Vec<ScriptHash>,
    /// Whether it was worked on beside and notifications waited for it.
    pub(super) held_notices: bool,
    /// Why the session ends once this is sent, if it does.
    pub(super) closes: Option<Ended>,
}

/// Answers requests and writes the answers down.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) service: Arc<Service>,
    pub(super) info: Arc<SessionInfo>,
    /// Bounds the long scans of the session.
    pub(super) scans: Arc<Semaphore>,
    pub(super) dialect: Dialect,
}

impl Worker {
    /// Prepares the answer to a message that is no request.
    pub(super) fn refused(&self, Refusal { id, error }: Refusal) -> Prepared {
        let price = if error == RpcError::parse_error() {
            self.service.limits().costs.prices.of(Extra::Malformed)
        } else {
            0.0
        };
        Prepared {
            id,
            subscribes: None,
            step: Step::Answered(Err(error)),
            price,
        }
    }

    /// Starts to answer a single request.
    pub(super) fn start(&self, step: Step, price: f64) -> Outcome {
        self.service.charge(&self.info, price);
        match step {
            Step::Answered(result) => Outcome::Now(result.map(Found::from)),
            Step::Ask(call) => {
                let asker = Asker {
                    service: &self.service,
                    info: &self.info,
                    scans: &self.scans,
                };
                answer(asker, call, self.dialect)
            }
        }
    }

    /// Answers a single request after a pause.
    pub(super) async fn later(self, pause: Duration, prepared: Prepared) -> Done {
        tokio::time::sleep(pause).await;
        let Prepared {
            id,
            subscribes,
            step,
            price,
        } = prepared;
        let outcome = self.start(step, price);
        self.finish(id, subscribes, outcome).await
    }

    /// Waits for the answer to a single request.
    pub(super) async fn finish(
        self,
        id: Id,
        subscribes: Option<ScriptHash>,
        outcome: Outcome,
    ) -> Done {
        let result = self.wait(outcome).await;
        if !is_long(&result) {
            return self.done(&id, subscribes, result);
        }
        let permit = Arc::clone(&self.service.scans).acquire_owned().await;
        let written = task::spawn_blocking(move || {
            let done = self.done(&id, subscribes, result);
            drop(permit);
            done
        });
        written.await.unwrap_or_else(|error| {
            tracing::error!(%error, "an answer could not be written");
            Done {
                closes: Some(Ended::Failed),
                ..Done::default()
            }
        })
    }

    /// Writes the answer to a single request, or an error in place of one that is too long.
    pub(super) fn done(
        &self,
        id: &Id,
        subscribes: Option<ScriptHash>,
        result: Result<Found, RpcError>,
    ) -> Done {
        let limits = self.service.limits();
        let mut done = Done::default();
        let mut result = self.settle(result);
        encode_response(&mut done.bytes, id, &result, self.dialect);
        if done.bytes.len() > limits.max_send {
            result = self.settle(Err(RpcError::response_too_large(limits.max_send)));
            done.bytes.clear();
            encode_response(&mut done.bytes, id, &result, self.dialect);
        }
        self.end_line(&mut done.bytes);
        done.unsubscribed
            .extend(subscribes.filter(|_| is_refused(&result)));
        done
    }

    /// Refuses a single request because the session cost too much.
    pub(super) fn exhausted(&self, id: &Id) -> Done {
        self.service.note_excessive(&self.info);
        Done {
            closes: Some(Ended::Cost),
            ..self.done(id, None, Err(RpcError::excessive()))
        }
    }

    /// Answers a batch, one request after the other, so that only bytes add up; what would make
    /// the whole too long is answered with an error.
    pub(super) async fn batch(self, requests: Vec<Prepared>) -> Done {
        let max_send = self.service.limits().max_send;
        let mut done = Done::default();
        let mut answers = BatchEncoder::default();
        let mut pace = Pace::new(self.service.limits().request_timeout);
        for Prepared {
            id,
            subscribes,
            step,
            price,
        } in requests
        {
            let found = match pace.permit(&self).await {
                Ok(()) => self.wait(self.start(step, price)).await,
                Err(error) => Err(error),
            };
            let mut result = self.settle(found);
            if !answers.push(&id, &result, self.dialect, max_send) {
                result = self.settle(Err(RpcError::response_too_large(max_send)));
                answers.push(&id, &result, self.dialect, usize::MAX);
            }
            done.unsubscribed
                .extend(subscribes.filter(|_| is_refused(&result)));
            task::yield_now().await;
        }
        done.bytes = answers.finish();
        self.end_line(&mut done.bytes);
        done.closes = pace.is_exhausted.then_some(Ended::Cost);
        done
    }

    async fn wait(&self, outcome: Outcome) -> Result<Found, RpcError> {
        let timeout: Duration = self.service.limits().request_timeout;
        match outcome {
            Outcome::Now(result) => result,
            Outcome::Later(answer) => match tokio::time::timeout(timeout, answer).await {
                Ok(result) => result,
                Err(_elapsed) => Err(RpcError::busy()),
            },
        }
    }

    /// Charges what a request cost, and counts it if it failed.
    fn settle(&self, result: Result<Found, RpcError>) -> Result<Answer, RpcError> {
        self.info.count(Count::Errors, u64::from(result.is_err()));
        let cost = match &result {
            Ok(found) => found.cost,
            Err(_) => self.service.limits().costs.prices.of(Extra::Error),
        };
        self.service.charge(&self.info, cost);
        result.map(|found| found.answer)
    }

    /// Ends what is sent, if anything is, and charges its bytes.
    fn end_line(&self, bytes: &mut Vec<u8>) {
        if !bytes.is_empty() {
            bytes.push(b'\n');
            let cost = self.service.limits().costs.bytes(as_u64(bytes.len()));
            self.service.charge(&self.info, cost);
        }
    }
}

/// How fast the requests of a batch follow each other.
///
/// A session that is slowed down waits once for as many requests as it may have worked on at once:
/// as long as if they had come one by one.
struct Pace {
    /// When requests are not waited for any more.
    deadline: Instant,
    /// Requests that may go on without another pause.
    free: usize,
    is_exhausted: bool,
}

impl Pace {
    fn new(request_timeout: Duration) -> Self {
        Self {
            deadline: Instant::now() + request_timeout,
            free: 0,
            is_exhausted: false,
        }
    }

    /// Waits until the next request may go on; an error is its answer instead.
    async fn permit(&mut self, worker: &Worker) -> Result<(), RpcError> {
        let standing = worker.service.standing(&worker.info);
        if standing == Standing::Exhausted {
            if !self.is_exhausted {
                worker.service.note_excessive(&worker.info);
            }
            self.is_exhausted = true;
            return Err(RpcError::excessive());
        }
        let limits = worker.service.limits();
        let pause = standing.pause(limits.costs.request_sleep);
        if let Some(pause) = pause.filter(|_| self.free == 0) {
            if Instant::now() + pause > self.deadline {
                return Err(RpcError::busy());
            }
            self.free = standing.concurrency(limits.concurrent_requests);
            drop(limits);
            tokio::time::sleep(pause).await;
        }
        self.free = self.free.saturating_sub(1);
        Ok(())
    }
}

/// Tells whether an answer takes long to write: too long for a network thread.
fn is_long(result: &Result<Found, RpcError>) -> bool {
    let found = result.as_ref();
    found.is_ok_and(|found| found.answer.rough_len() > INLINE_LEN)
}

/// Tells whether a script cannot be subscribed to; a server that is busy may tell its status
/// later.
fn is_refused(result: &Result<Answer, RpcError>) -> bool {
    result
        .as_ref()
        .is_err_and(|error| *error != RpcError::busy())
}
