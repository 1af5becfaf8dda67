//! Requests on their way to bytes.

use std::time::Duration;

use electrode_coin::ScriptHash;
use electrode_protocol::{Answer, Dialect, Id, Refusal, RpcError, encode_batch, encode_response};

use crate::answers::Outcome;

/// One request that was started.
pub(super) struct Part {
    pub(super) id: Id,
    /// The script that it newly subscribed to: undone if there is no status to tell.
    pub(super) subscribes: Option<ScriptHash>,
    pub(super) outcome: Outcome,
}

impl Part {
    pub(super) fn refused(Refusal { id, error }: Refusal) -> Self {
        Self {
            id,
            subscribes: None,
            outcome: Outcome::Now(Err(error)),
        }
    }
}

/// One request that was answered.
pub(super) struct Answered {
    id: Id,
    subscribes: Option<ScriptHash>,
    result: Result<Answer, RpcError>,
}

/// What a finished message means for the session.
pub(super) struct Done {
    /// The answer as it is sent, new line included; nothing for notifications.
    pub(super) bytes: Vec<u8>,
    /// Subscriptions that came to nothing.
    pub(super) unsubscribed: Vec<ScriptHash>,
}

/// Takes the answers of parts that all have one.
pub(super) fn ready(parts: Vec<Part>) -> Vec<Answered> {
    parts
        .into_iter()
        .filter_map(
            |Part {
                 id,
                 subscribes,
                 outcome,
             }| match outcome {
                Outcome::Now(result) => Some(Answered {
                    id,
                    subscribes,
                    result,
                }),
                Outcome::Later(_) => None,
            },
        )
        .collect()
}

/// Waits for every part, `timeout` for each.
pub(super) async fn finish(parts: Vec<Part>, timeout: Duration) -> Vec<Answered> {
    let mut answered = Vec::with_capacity(parts.len());
    for Part {
        id,
        subscribes,
        outcome,
    } in parts
    {
        let result = match outcome {
            Outcome::Now(result) => result,
            Outcome::Later(answer) => match tokio::time::timeout(timeout, answer).await {
                Ok(result) => result,
                Err(_elapsed) => Err(RpcError::busy()),
            },
        };
        answered.push(Answered {
            id,
            subscribes,
            result,
        });
    }
    answered
}

/// Writes the answers down, or an error in place of what is longer than `max_send`.
pub(super) fn encode(
    answered: Vec<Answered>,
    is_batch: bool,
    dialect: Dialect,
    max_send: usize,
) -> Done {
    let failed = answered.iter().filter(|part| part.result.is_err());
    let unsubscribed = failed.filter_map(|part| part.subscribes).collect();
    let mut results: Vec<_> = answered
        .into_iter()
        .map(|part| (part.id, part.result))
        .collect();
    let mut bytes = write(&results, is_batch, dialect);
    if bytes.len() > max_send {
        for (_, result) in &mut results {
            *result = Err(RpcError::response_too_large(max_send));
        }
        bytes = write(&results, is_batch, dialect);
    }
    if !bytes.is_empty() {
        bytes.push(b'\n');
    }
    Done {
        bytes,
        unsubscribed,
    }
}

fn write(results: &[(Id, Result<Answer, RpcError>)], is_batch: bool, dialect: Dialect) -> Vec<u8> {
    let mut bytes = Vec::new();
    if is_batch {
        encode_batch(&mut bytes, results, dialect);
    } else {
        for (id, result) in results {
            encode_response(&mut bytes, id, result, dialect);
        }
    }
    bytes
}
