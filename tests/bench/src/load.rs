//! Load: many clients, each with some requests in flight, for a bounded time.

mod check;
mod rows;
mod verify;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use serde_json::Value;
use tokio::{task::JoinSet, time::Instant};

use check::{Expected, clip};
pub(crate) use rows::rows;

use crate::wire::{PATIENCE, Wire, request};

/// Under load every answer must look like one, and one of so many is checked in full; afterwards
/// every request is asked once more and checked. Prime, so that each client checks another part.
const CHECK_EVERY: u32 = 61;
/// No client asks more in one row.
const MAX_REQUESTS: usize = 10_000_000;
const READ_BUFFER: usize = 64 << 10;
/// How far into a line the members before `result` may reach.
const HEAD: usize = 64;

/// A request, encoded, and what must come.
#[derive(Debug)]
pub(crate) struct Request {
    line: Vec<u8>,
    expected: Expected,
}

/// What one figure asks.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) figure: &'static str,
    pub(crate) crew: Crew,
    requests: Arc<[Request]>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crew {
    pub(crate) clients: usize,
    /// Requests that each client has in flight.
    pub(crate) in_flight: usize,
    turns: Turns,
}

/// How often a request is asked.
#[derive(Clone, Copy, Debug)]
enum Turns {
    /// By one client, once: the server has not been asked it before.
    Once,
    /// By all clients, each beginning elsewhere, until the time is over.
    Again,
}

/// What came of a row.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) answers: u32,
    pub(crate) checked: u32,
    pub(crate) wrong: u32,
    pub(crate) first_wrong: Option<String>,
    pub(crate) took: Duration,
}

impl Row {
    /// Makes a row of one method.
    fn new(
        figure: &'static str,
        crew: Crew,
        method: &str,
        asked: impl Iterator<Item = (Value, Expected)>,
    ) -> Self {
        let requests = asked
            .enumerate()
            .map(|(id, (params, expected))| Request {
                line: format!("{}\n", request(id, method, &params)).into_bytes(),
                expected,
            })
            .collect();
        Self {
            figure,
            crew,
            requests,
        }
    }

    /// Tells whether requests are asked more than once, until the time is over.
    pub(crate) fn is_repeated(&self) -> bool {
        matches!(self.crew.turns, Turns::Again)
    }

    /// Drives the row for a time and waits for what is in flight, then checks every request.
    pub(crate) async fn drive(
        &self,
        service: SocketAddr,
        time: Duration,
    ) -> anyhow::Result<Outcome> {
        let mut outcome = self.drive_unverified(service, time).await?;
        verify::each_once(service, &self.requests, &mut outcome).await?;
        Ok(outcome)
    }

    /// Drives the row for a time and waits for what is in flight; of answers only samples are
    /// checked.
    pub(crate) async fn drive_unverified(
        &self,
        service: SocketAddr,
        time: Duration,
    ) -> anyhow::Result<Outcome> {
        let mut wires = Vec::new();
        for _ in 0..self.crew.clients {
            wires.push(Wire::connect(service, READ_BUFFER).await?);
        }
        let started = Instant::now();
        let mut clients = JoinSet::new();
        for (index, wire) in wires.into_iter().enumerate() {
            let share = |index| index * self.requests.len() / self.crew.clients;
            let (limit, time) = match self.crew.turns {
                Turns::Once => (share(index + 1) - share(index), PATIENCE),
                Turns::Again => (MAX_REQUESTS, time),
            };
            let client = Client {
                wire,
                requests: Arc::clone(&self.requests),
                next: share(index),
                left: limit,
                in_flight: 0,
                batch: Vec::new(),
                outcome: Outcome::default(),
            };
            clients.spawn(client.run(self.crew.in_flight, started + time));
        }
        let mut outcome = Outcome::default();
        while let Some(client) = clients.join_next().await {
            outcome.add(client?.with_context(|| format!("a client of {}", self.figure))?);
        }
        outcome.took = started.elapsed();
        Ok(outcome)
    }
}

/// One connection of a row.
struct Client {
    wire: Wire,
    requests: Arc<[Request]>,
    next: usize,
    /// Requests that it may still ask.
    left: usize,
    in_flight: usize,
    batch: Vec<u8>,
    outcome: Outcome,
}

impl Client {
    async fn run(mut self, in_flight: usize, until: Instant) -> anyhow::Result<Outcome> {
        self.ask(in_flight).await?;
        while self.in_flight > 0 {
            self.take_answer().await?;
            while self.wire.has_line() {
                self.take_answer().await?;
            }
            if Instant::now() < until {
                self.ask(in_flight).await?;
            }
        }
        Ok(self.outcome)
    }

    /// Sends the next requests in one write, until so many are in flight.
    async fn ask(&mut self, in_flight: usize) -> anyhow::Result<()> {
        self.batch.clear();
        while self.in_flight < in_flight && self.left > 0 {
            let next = self.next % self.requests.len();
            let request = self.requests.get(next).context("a row has requests")?;
            self.batch.extend_from_slice(&request.line);
            self.next = next + 1;
            self.left -= 1;
            self.in_flight += 1;
        }
        self.wire.send(&self.batch).await
    }

    /// Takes one line, an answer or a notice.
    async fn take_answer(&mut self) -> anyhow::Result<()> {
        let full = self.outcome.answers.is_multiple_of(CHECK_EVERY);
        let line = self.wire.line().await?;
        if full || !looks_right(line) {
            let message: Value = serde_json::from_slice(line)?;
            if message.get("method").is_some() {
                return Ok(());
            }
            self.outcome.check(&self.requests, &message);
        }
        self.outcome.answers += 1;
        self.in_flight = self
            .in_flight
            .checked_sub(1)
            .context("expected no more answers than requests")?;
        Ok(())
    }
}

impl Outcome {
    /// Checks an answer in full and returns the id that it answers, if it names one.
    fn check(&mut self, requests: &[Request], message: &Value) -> Option<usize> {
        let id = message.get("id").and_then(Value::as_u64);
        let id = id.and_then(|id| usize::try_from(id).ok());
        self.checked += 1;
        if let Err(error) = check_answer(id.and_then(|id| requests.get(id)), message) {
            self.wrong(&format!("{error:#}"));
        }
        id
    }

    fn wrong(&mut self, what: &str) {
        self.wrong += 1;
        self.first_wrong.get_or_insert_with(|| what.to_owned());
    }

    fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.checked += other.checked;
        self.wrong += other.wrong;
        self.first_wrong = self.first_wrong.take().or(other.first_wrong);
    }
}

/// Whether a line begins like an answer that is no error, in any order of its members.
fn looks_right(line: &[u8]) -> bool {
    let head = line.get(..HEAD).unwrap_or(line);
    let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    has(b"\"result\"") && !has(b"\"error\"")
}

fn check_answer(request: Option<&Request>, message: &Value) -> anyhow::Result<()> {
    let request = request.with_context(|| format!("no id that was asked: {}", clip(message)))?;
    let result = message
        .get("result")
        .filter(|_| message.get("error").is_none_or(Value::is_null));
    let result = result.with_context(|| format!("no result: {}", clip(message)))?;
    request.expected.check(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_from_results_in_any_order() {
        for right in [
            r#"{"jsonrpc":"2.0","result":null,"id":1}"#,
            r#"{"id":123456,"jsonrpc":"2.0","result":[{"tx_hash":"00"}]}"#,
        ] {
            assert!(looks_right(right.as_bytes()), "{right}");
        }
        for wrong in [
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":"no"},"id":1}"#,
            r#"{"error":{"code":1,"message":"\"result\""},"id":1,"jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"2.0","method":"blockchain.headers.subscribe","params":[]}"#,
            "{}",
        ] {
            assert!(!looks_right(wrong.as_bytes()), "{wrong}");
        }
    }
}
