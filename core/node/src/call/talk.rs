//! A conversation with a server: who waits for what, and for how long.

use std::{future, io, time::Duration};

use electrode_protocol::{Client, Json, Params, Received, RequestId, ServerError, is_subscription};
use tokio::time::{self, Instant};

use super::{CallArgs, CallError, wire::Wire};
use crate::{Failure, log::say};

/// Longest time that connecting and shaking hands may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest time that an answer may take where nothing is said: longer than a server works on it.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// How often a listener says that it is still there: servers end sessions that are silent for ten
/// minutes, routers forget connections sooner.
const PING_INTERVAL: Duration = Duration::from_secs(60);

/// What a request came to.
type Answer = (RequestId, Result<Json, ServerError>);

/// A conversation with a server.
pub(super) struct Talk {
    client: Client,
    wire: Wire,
    answer_limit: Duration,
    /// Whether notifications were asked for; a server that sends some all the same is not printed.
    is_subscribing: bool,
    /// Notifications that were printed.
    heard: u64,
    /// The ping that is not answered yet.
    ping: Option<RequestId>,
}

impl Talk {
    /// Connects.
    pub(super) async fn open(args: &CallArgs) -> Result<Self, CallError> {
        if args.pin.is_some() && !args.server.transport.is_encrypted() {
            let server = args.server.to_string();
            return Err(CallError::NothingToPin { server });
        }
        let connecting = time::timeout(CONNECT_LIMIT, Wire::connect(args));
        let wire = connecting.await.unwrap_or_else(|_elapsed| {
            Err(CallError::Connect {
                server: args.server.to_string(),
                source: io::ErrorKind::TimedOut.into(),
            })
        })?;
        Ok(Self {
            client: Client::default(),
            wire,
            answer_limit: args.timeout.unwrap_or(ANSWER_LIMIT),
            is_subscribing: is_subscription(&args.method),
            heard: 0,
            ping: None,
        })
    }

    /// Tells what the connection is like.
    pub(super) fn description(&self) -> Vec<String> {
        let Wire { peer, seen, .. } = &self.wire;
        let mut lines = vec![format!("connected to {peer}")];
        lines.extend(seen.map(|seen| seen.to_string()));
        lines
    }

    /// Calls a method and waits for the answer.
    pub(super) async fn ask(&mut self, method: &str, params: &Params) -> Result<Json, Failure> {
        let limit = self.answer_limit;
        let answered = time::timeout(limit, self.exchange(method, params)).await;
        answered.unwrap_or_else(|_elapsed| {
            let what = "an answer";
            Err(CallError::Late { what, limit }.into())
        })
    }

    async fn exchange(&mut self, method: &str, params: &Params) -> Result<Json, Failure> {
        let (id, line) = self.client.request(method, params);
        self.wire.send(line).await?;
        loop {
            let line = self.wire.next_line().await?.ok_or(CallError::HungUp)?;
            if let Some((to, result)) = self.receive(&line)?
                && to == id
            {
                return result.map_err(|error| CallError::Refused(error).into());
            }
        }
    }

    /// Reads a line: an answer is given back, a notification is printed.
    fn receive(&mut self, line: &[u8]) -> Result<Option<Answer>, Failure> {
        match self.client.receive(line).map_err(CallError::from)? {
            Received::Answer { to, result } => Ok(Some((to, result))),
            Received::Notice(notice) if self.is_subscribing => {
                self.heard += 1;
                say(notice)?;
                Ok(None)
            }
            Received::Notice(_) => Ok(None),
            Received::Complaint(error) => Err(CallError::Refused(error).into()),
        }
    }

    /// Prints what the server tells: `count` notifications, for as long as `limit`, or for ever.
    pub(super) async fn listen(
        mut self,
        count: Option<u64>,
        limit: Option<Duration>,
    ) -> Result<(), Failure> {
        let mut pings = time::interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
        let end = async {
            match limit {
                Some(limit) => time::sleep(limit).await,
                None => future::pending().await,
            }
        };
        tokio::pin!(end);
        while count.is_none_or(|count| self.heard < count) {
            tokio::select! {
                line = self.wire.next_line() => {
                    let line = line?.ok_or(CallError::Forsaken { heard: self.heard })?;
                    self.hear(&line)?;
                }
                _ = pings.tick() => self.send_ping().await?,
                () = &mut end => return self.complete(count, limit),
            }
        }
        Ok(())
    }

    fn hear(&mut self, line: &[u8]) -> Result<(), Failure> {
        if let Some((to, _whatever)) = self.receive(line)?
            && self.ping == Some(to)
        {
            self.ping = None;
        }
        Ok(())
    }

    async fn send_ping(&mut self) -> Result<(), Failure> {
        let late = CallError::Late {
            what: "an answer to server.ping",
            limit: PING_INTERVAL,
        };
        if self.ping.is_some() {
            return Err(late.into());
        }
        let (id, line) = self.client.request("server.ping", &Params::from_words([]));
        self.ping = Some(id);
        let sent = time::timeout(PING_INTERVAL, self.wire.send(line));
        Ok(sent.await.map_err(|_elapsed| late)??)
    }

    /// Judges whether enough was heard when the time is over.
    fn complete(&self, count: Option<u64>, limit: Option<Duration>) -> Result<(), Failure> {
        match count.zip(limit) {
            Some((expected, limit)) => Err(CallError::Few {
                expected,
                heard: self.heard,
                limit,
            }
            .into()),
            None => Ok(()),
        }
    }
}
