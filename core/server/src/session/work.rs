//! Requests on their way to bytes.

use std::{sync::Arc, time::Duration};

use electrode_coin::ScriptHash;
use electrode_protocol::{
    Answer, BatchEncoder, Call, Dialect, Id, Refusal, RpcError, encode_response,
};

use crate::{
    Service,
    answers::{Outcome, answer},
    session_info::{Count, SessionInfo},
};

/// One request of which the session has done its part.
pub(super) struct Prepared {
    pub(super) id: Id,
    /// The script that it newly subscribed to.
    pub(super) subscribes: Option<ScriptHash>,
    pub(super) step: Step,
}

/// What is left to do for a request.
pub(super) enum Step {
    /// Nothing: this is the answer.
    Answered(Result<Answer, RpcError>),
    /// To find the answer.
    Ask(Call),
}

impl Prepared {
    pub(super) fn refused(Refusal { id, error }: Refusal) -> Self {
        Self {
            id,
            subscribes: None,
            step: Step::Answered(Err(error)),
        }
    }

    /// Tells whether notifications could contradict the answer before it is given.
    pub(super) fn is_subscription(&self) -> bool {
        matches!(
            self.step,
            Step::Ask(Call::Subscribe(_) | Call::HeadersSubscribe)
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
}

/// Answers requests and writes the answers down.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) service: Arc<Service>,
    pub(super) info: Arc<SessionInfo>,
    pub(super) dialect: Dialect,
}

impl Worker {
    /// Starts to answer a single request.
    pub(super) fn start(&self, step: Step) -> Outcome {
        match step {
            Step::Answered(result) => Outcome::Now(result),
            Step::Ask(call) => answer(&self.service, &self.info, call, self.dialect),
        }
    }

    /// Waits for the answer to a single request.
    pub(super) async fn finish(
        self,
        id: Id,
        subscribes: Option<ScriptHash>,
        outcome: Outcome,
    ) -> Done {
        let result = self.wait(outcome).await;
        self.done(&id, subscribes, result)
    }

    /// Writes the answer to a single request, or an error in place of one that is too long.
    pub(super) fn done(
        &self,
        id: &Id,
        subscribes: Option<ScriptHash>,
        mut result: Result<Answer, RpcError>,
    ) -> Done {
        let max_send = self.service.limits().max_send;
        let mut done = Done::default();
        self.info.count(Count::Errors, u64::from(result.is_err()));
        encode_response(&mut done.bytes, id, &result, self.dialect);
        if done.bytes.len() > max_send {
            result = Err(RpcError::response_too_large(max_send));
            done.bytes.clear();
            encode_response(&mut done.bytes, id, &result, self.dialect);
        }
        end_line(&mut done.bytes);
        done.unsubscribed
            .extend(subscribes.filter(|_| is_refused(&result)));
        done
    }

    /// Answers a batch, one request after the other, so that only bytes add up; what would make
    /// the whole too long is answered with an error.
    pub(super) async fn batch(self, requests: Vec<Prepared>) -> Done {
        let max_send = self.service.limits().max_send;
        let mut done = Done::default();
        let mut answers = BatchEncoder::default();
        for Prepared {
            id,
            subscribes,
            step,
        } in requests
        {
            let mut result = self.wait(self.start(step)).await;
            self.info.count(Count::Errors, u64::from(result.is_err()));
            if !answers.push(&id, &result, self.dialect, max_send) {
                result = Err(RpcError::response_too_large(max_send));
                answers.push(&id, &result, self.dialect, usize::MAX);
            }
            done.unsubscribed
                .extend(subscribes.filter(|_| is_refused(&result)));
            tokio::task::yield_now().await;
        }
        done.bytes = answers.finish();
        end_line(&mut done.bytes);
        done
    }

    async fn wait(&self, outcome: Outcome) -> Result<Answer, RpcError> {
        let timeout: Duration = self.service.limits().request_timeout;
        match outcome {
            Outcome::Now(result) => result,
            Outcome::Later(answer) => match tokio::time::timeout(timeout, answer).await {
                Ok(result) => result,
                Err(_elapsed) => Err(RpcError::busy()),
            },
        }
    }
}

/// Tells whether a script cannot be subscribed to; a server that is busy may tell its status
/// later.
fn is_refused(result: &Result<Answer, RpcError>) -> bool {
    result
        .as_ref()
        .is_err_and(|error| *error != RpcError::busy())
}

fn end_line(bytes: &mut Vec<u8>) {
    if !bytes.is_empty() {
        bytes.push(b'\n');
    }
}
