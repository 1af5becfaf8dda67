//! One client connection, one task.
//!
//! Requests are started in the order they came. Those answered on the spot keep it; the others are
//! worked on beside, a bounded number at a time, and answered when they are done. A session stops
//! reading while it has enough to do or to send, so a client that does not read its answers holds
//! up nobody but itself.

mod work;

use std::{
    collections::{HashSet, VecDeque},
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use electrode_coin::ScriptHash;
use electrode_protocol::{
    Answer, Call, Dialect, Incoming, LineDecoder, Refusal, Request, RpcError, encode_response,
    negotiate, parse,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf},
    sync::mpsc,
    task::JoinSet,
    time::Instant,
};

use crate::{
    ServerConfig, Service,
    answers::{Outcome, answer},
    chunk::read_chunk,
    subscriptions::{Mailbox, Notice},
};
use work::{Done, Part, encode, finish};

/// Bytes that wait for the client before its next request is started.
const ENOUGH_TO_SEND: usize = 256 << 10;

/// Longest time the client may take to accept some of what waits for it.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves a connection until either side has had enough.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    service: Arc<Service>,
    stream: S,
    peer: SocketAddr,
) {
    let mut session = Session::new(Arc::clone(&service), stream);
    let ended = session.serve().await;
    service
        .subscriptions
        .remove_all(session.mailbox.session, session.scripts.iter());
    service.session_ended();
    match ended {
        Ok(why) => tracing::debug!(%peer, session = session.mailbox.session, why, "session ended"),
        Err(error) => {
            tracing::debug!(%peer, session = session.mailbox.session, %error, "session lost");
        }
    }
}

struct Session<S> {
    service: Arc<Service>,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    decoder: LineDecoder,
    dialect: Dialect,
    scripts: HashSet<ScriptHash>,
    mailbox: Mailbox,
    inbox: mpsc::Receiver<Notice>,
    /// Requests that were read and not started.
    waiting: VecDeque<Result<Incoming, Refusal>>,
    /// Requests that are worked on beside.
    working: JoinSet<Done>,
    /// Bytes for the client, of which the first `sent` are gone.
    out: Vec<u8>,
    sent: usize,
    heard: Instant,
    accepted: Instant,
    is_closing: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(service: Arc<Service>, stream: S) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let limits = &service.config.limits;
        let id = service.counters.new_session();
        let (mailbox, inbox) = Mailbox::new(id, limits.max_queued_notices);
        Self {
            decoder: LineDecoder::new(limits.max_recv),
            dialect: Dialect::new(service.config.protocol_min),
            service,
            reader,
            writer,
            scripts: HashSet::new(),
            mailbox,
            inbox,
            waiting: VecDeque::new(),
            working: JoinSet::new(),
            out: Vec::new(),
            sent: 0,
            heard: Instant::now(),
            accepted: Instant::now(),
            is_closing: false,
        }
    }

    /// Tells why the session ended.
    async fn serve(&mut self) -> io::Result<&'static str> {
        let mut stopping = self.service.stopping();
        loop {
            self.start_waiting();
            let has_output = self.sent < self.out.len();
            if self.mailbox.is_behind() {
                return Ok("too slow for its notifications");
            }
            if self.is_closing && !has_output && self.working.is_empty() && self.waiting.is_empty()
            {
                return Ok("done");
            }
            let is_ready = self.has_room() && !self.is_closing;
            let deadline = self.deadline(has_output);
            let decoder = &mut self.decoder;
            let waiting = &mut self.waiting;
            let max_batch = self.service.config.limits.max_batch;
            tokio::select! {
                biased;
                () = stopping.wait() => return Ok("the server stops"),
                written = self.writer.write(self.out.get(self.sent..).unwrap_or_default()), if has_output => {
                    self.accept(written?)?;
                }
                Some(done) = self.working.join_next(), if !self.working.is_empty() => {
                    self.take(done);
                }
                Some(notice) = self.inbox.recv(), if self.out.len() < ENOUGH_TO_SEND => {
                    self.push(&notice);
                }
                read = read_chunk(&mut self.reader, |bytes| decode(decoder, waiting, max_batch, bytes)), if is_ready => {
                    self.heard = Instant::now();
                    self.is_closing |= read? == 0;
                }
                () = tokio::time::sleep_until(deadline) => return Ok("timed out"),
            }
        }
    }

    /// Tells whether the session may take on more.
    fn has_room(&self) -> bool {
        self.out.len() < ENOUGH_TO_SEND
            && self.working.len() < self.service.config.limits.concurrent_requests
    }

    fn deadline(&self, has_output: bool) -> Instant {
        let silence = self.heard + self.service.config.limits.session_timeout;
        if has_output {
            silence.min(self.accepted + SEND_TIMEOUT)
        } else {
            silence
        }
    }

    fn accept(&mut self, written: usize) -> io::Result<()> {
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.accepted = Instant::now();
        self.sent += written;
        if self.sent == self.out.len() {
            self.sent = 0;
            self.out.clear();
            // What one large answer took is not kept for a session that may idle for hours.
            self.out.shrink_to(4096);
        }
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.sent == self.out.len() {
            self.accepted = Instant::now();
        }
        self.out.extend_from_slice(bytes);
    }

    fn take(&mut self, done: Result<Done, tokio::task::JoinError>) {
        match done {
            Ok(done) => {
                done.unsubscribed
                    .iter()
                    .for_each(|script| self.unsubscribe(script));
                self.push(&done.bytes);
            }
            Err(error) => {
                tracing::error!(%error, "a request failed");
                self.is_closing = true;
            }
        }
    }

    /// Starts what was read, as far as there is room.
    fn start_waiting(&mut self) {
        while self.has_room()
            && let Some(message) = self.waiting.pop_front()
        {
            match message {
                Ok(Incoming::Single(request)) => {
                    let part = self.start(&request);
                    self.finish_or_spawn(vec![part], false);
                }
                Ok(Incoming::Batch(requests)) => {
                    let parts = requests.into_iter().map(|request| match request {
                        Ok(request) => self.start(&request),
                        Err(refusal) => Part::refused(refusal),
                    });
                    let parts = parts.collect();
                    self.finish_or_spawn(parts, true);
                }
                Err(Refusal { id, error }) => {
                    self.service.counters.errors.fetch_add(1, Ordering::Relaxed);
                    encode_response(&mut self.out, &id, &Err(error), self.dialect);
                    self.out.push(b'\n');
                }
            }
        }
    }

    fn finish_or_spawn(&mut self, parts: Vec<Part>, is_batch: bool) {
        let limits = &self.service.config.limits;
        let (max_send, timeout, dialect) = (limits.max_send, limits.request_timeout, self.dialect);
        let later = parts
            .iter()
            .any(|part| matches!(part.outcome, Outcome::Later(_)));
        if later {
            self.working.spawn(async move {
                let parts = finish(parts, timeout).await;
                encode(parts, is_batch, dialect, max_send)
            });
            return;
        }
        let done = encode(work::ready(parts), is_batch, dialect, max_send);
        self.take(Ok(done));
    }

    fn start(&mut self, request: &Request) -> Part {
        self.service
            .counters
            .requests
            .fetch_add(1, Ordering::Relaxed);
        let mut part = Part {
            id: request.id.clone(),
            subscribes: None,
            outcome: Outcome::Now(Ok(Answer::Null)),
        };
        part.outcome = match self.dialect.decode(request) {
            Ok(call) => self.start_call(call, &mut part.subscribes),
            Err(error) => Outcome::Now(Err(error)),
        };
        part
    }

    fn start_call(&mut self, call: Call, subscribes: &mut Option<ScriptHash>) -> Outcome {
        match call {
            Call::ServerVersion {
                client_name,
                requested,
            } => {
                let config = &self.service.config;
                let agreed = negotiate(&requested, config.protocol_min, ServerConfig::PROTOCOL_MAX);
                tracing::debug!(session = self.mailbox.session, client_name, %requested, ok = agreed.is_ok(), "client");
                match agreed {
                    Ok(version) => {
                        self.dialect = Dialect::negotiated(version);
                        Outcome::Now(Ok(Answer::Version {
                            server: config.name.clone(),
                            version,
                        }))
                    }
                    Err(error) => {
                        self.is_closing = true;
                        Outcome::Now(Err(error))
                    }
                }
            }
            Call::HeadersSubscribe => {
                // Before the snapshot is taken, so that no block falls between.
                self.service.subscriptions.add_headers(&self.mailbox);
                answer(&self.service, call, self.dialect)
            }
            Call::Subscribe(script) => match self.subscribe(script, subscribes) {
                Ok(()) => answer(&self.service, call, self.dialect),
                Err(error) => Outcome::Now(Err(error)),
            },
            Call::Unsubscribe(script) => {
                let was_subscribed = self.scripts.contains(&script);
                self.unsubscribe(&script);
                Outcome::Now(Ok(Answer::Bool(was_subscribed)))
            }
            call => answer(&self.service, call, self.dialect),
        }
    }

    /// Subscribes before the status is computed, so that no change falls between.
    fn subscribe(
        &mut self,
        script: ScriptHash,
        subscribes: &mut Option<ScriptHash>,
    ) -> Result<(), RpcError> {
        if self.scripts.contains(&script) {
            return Ok(());
        }
        let limits = &self.service.config.limits;
        if self.scripts.len() >= limits.max_subscriptions {
            let text = format!(
                "your subscription limit {} reached",
                limits.max_subscriptions
            );
            return Err(RpcError::bad_request(text));
        }
        let max = limits.max_subscriptions_total;
        if !self.service.subscriptions.add(script, &self.mailbox, max) {
            return Err(RpcError::bad_request(format!(
                "server subscription limit {max} reached"
            )));
        }
        self.scripts.insert(script);
        *subscribes = Some(script);
        Ok(())
    }

    fn unsubscribe(&mut self, script: &ScriptHash) {
        if self.scripts.remove(script) {
            self.service
                .subscriptions
                .remove(script, self.mailbox.session);
        }
    }
}

/// Cuts bytes into messages; a line that is too long is answered with an error.
fn decode(
    decoder: &mut LineDecoder,
    waiting: &mut VecDeque<Result<Incoming, Refusal>>,
    max_batch: usize,
    mut bytes: &[u8],
) {
    while let Some(line) = decoder.next_line(&mut bytes) {
        match line {
            Ok(line) if line.iter().all(u8::is_ascii_whitespace) => {}
            Ok(line) => waiting.push_back(parse(&line, max_batch)),
            Err(too_long) => waiting.push_back(Err(Refusal {
                id: electrode_protocol::Id::null(),
                error: RpcError::request_too_large(too_long.max_line),
            })),
        }
    }
}
