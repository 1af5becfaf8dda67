//! One client connection, one task.
//!
//! Requests are started in the order they came. Those answered on the spot keep it; the others are
//! worked on beside, a bounded number at a time, and answered when they are done. A session stops
//! reading while it has enough to do or to send, so a client that does not read its answers holds
//! up nobody but itself.

mod send;
mod turn;
mod work;

use std::{
    collections::{HashSet, VecDeque},
    io,
    sync::Arc,
    time::Duration,
};

use electrode_coin::ScriptHash;
use electrode_protocol::{
    Answer, Call, Dialect, Id, Incoming, LineDecoder, ProtocolVersion, Refusal, Request,
    RequestedVersion, RpcError, negotiate, parse,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf},
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};

use crate::{
    Connection, ServerConfig, Service,
    answers::Outcome,
    chunk::read_chunk,
    costs::Standing,
    session_info::{Count, Ending, SessionInfo},
    subscriptions::{Mailbox, Notice},
};
use send::{Sent, send};
use turn::Turn;
use work::{Done, Prepared, Step, Worker};

/// Bytes that wait for the client before its next request is started.
const ENOUGH_TO_SEND: usize = 256 << 10;

/// Bytes that are handed to the system at a time.
const MAX_WRITE: usize = 64 << 10;

/// Longest time the client may take to accept some of what waits for it.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest time the client may take to hang up after the server did.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves a connection until either side has had enough.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    service: Arc<Service>,
    stream: S,
    connection: Connection,
) {
    let Connection { transport, peer } = connection;
    let info = match service.enter(connection) {
        Ok(info) => info,
        Err(why) => {
            let peer = service.for_log(peer);
            tracing::debug!(%peer, %transport, why, "refused a session");
            return;
        }
    };
    let mut session = Session::new(Arc::clone(&service), stream, Arc::clone(&info));
    let ended = session.serve().await;
    service
        .subscriptions
        .remove_all(info.id, session.scripts.iter());
    if ended.is_ok() {
        session.hang_up().await;
    }
    service.leave(&info);
    let (session, peer) = (info.id, service.for_log(peer));
    match ended {
        Ok(why) => tracing::debug!(%peer, %transport, session, why, "session ended"),
        Err(error) => tracing::debug!(%peer, %transport, session, %error, "session lost"),
    }
}

struct Session<S> {
    service: Arc<Service>,
    info: Arc<SessionInfo>,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    decoder: LineDecoder,
    /// Bounds its long scans.
    scans: Arc<Semaphore>,
    dialect: Dialect,
    scripts: HashSet<ScriptHash>,
    mailbox: Mailbox,
    inbox: mpsc::Receiver<Notice>,
    /// Requests that were read and not started.
    waiting: VecDeque<Result<Incoming, Refusal>>,
    /// Requests that are worked on beside.
    working: JoinSet<Done>,
    /// How many of those subscribe: until they are answered, notifications wait.
    subscribing: usize,
    /// Bytes for the client, of which the first `sent` are gone.
    out: Vec<u8>,
    sent: usize,
    /// Whether what is sent still waits in a buffer of the transport.
    is_unflushed: bool,
    /// When the last line came to its end.
    heard: Instant,
    accepted: Instant,
    turn: Turn,
    /// How it may go on, as of its last request.
    standing: Standing,
    is_closing: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(service: Arc<Service>, stream: S, info: Arc<SessionInfo>) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let limits = service.limits();
        let (mailbox, inbox) = Mailbox::new(info.id, limits.max_queued_notices);
        Self {
            decoder: LineDecoder::new(limits.max_recv),
            scans: Arc::new(Semaphore::new(limits.concurrent_scans_per_session)),
            dialect: Dialect::new(service.config.protocol_min),
            service,
            info,
            reader,
            writer,
            scripts: HashSet::new(),
            mailbox,
            inbox,
            waiting: VecDeque::new(),
            working: JoinSet::new(),
            subscribing: 0,
            out: Vec::new(),
            sent: 0,
            is_unflushed: false,
            heard: Instant::now(),
            accepted: Instant::now(),
            turn: Turn::begin(),
            standing: Standing::Free,
            is_closing: false,
        }
    }

    /// Tells why the session ended.
    async fn serve(&mut self) -> io::Result<&'static str> {
        let (service, info) = (Arc::clone(&self.service), Arc::clone(&self.info));
        let max_batch = self.service.limits().max_batch;
        loop {
            self.turn.resume();
            self.start_waiting().await;
            if let Some(why) = self.is_over() {
                return Ok(why);
            }
            let has_output = self.has_output();
            let has_room_to_send = self.out.len() < ENOUGH_TO_SEND;
            let takes_answers = has_room_to_send && !self.working.is_empty();
            let takes_notices = has_room_to_send && self.subscribing == 0;
            let takes_requests = self.has_room() && !self.is_closing;
            let deadline = self.deadline();
            let Self {
                reader,
                writer,
                decoder,
                waiting,
                working,
                inbox,
                out,
                sent,
                ..
            } = self;
            let unsent = out.get(*sent..).unwrap_or_default();
            let unsent = unsent.get(..MAX_WRITE).unwrap_or(unsent);
            let mut has_line = false;
            let take = |bytes: &[u8]| {
                has_line = bytes.contains(&b'\n');
                let before = waiting.len();
                decode(decoder, waiting, max_batch, bytes);
                info.count(Count::ReceivedBytes, as_u64(bytes.len()));
                service.charge(&info, service.limits().costs.bytes(bytes.len()));
                info.count(Count::ReceivedMessages, as_u64(waiting.len() - before));
            };
            tokio::select! {
                biased;
                ending = info.asked_to_end() => match ending {
                    Ending::AtOnce(why) => return Ok(why),
                    Ending::WhenDone => self.is_closing = true,
                },
                sent = send(writer, unsent), if has_output => self.accept(sent?),
                Some(done) = working.join_next(), if takes_answers => self.take(done),
                Some(notice) = inbox.recv(), if takes_notices => self.notify(&notice),
                read = read_chunk(reader, take), if takes_requests => {
                    self.is_closing |= read? == 0;
                    // Who says a byte now and then and never a line is as good as silent.
                    if has_line {
                        self.heard = Instant::now();
                    }
                }
                () = tokio::time::sleep_until(deadline) => return Ok("timed out"),
            }
        }
    }

    /// Says that nothing more will come, and waits a moment for the client to say so too: a
    /// connection that is dropped with unread bytes takes back what the client has not read yet.
    async fn hang_up(&mut self) {
        let farewell = async {
            self.writer.shutdown().await?;
            while read_chunk(&mut self.reader, |_too_late| {}).await? > 0 {}
            Ok::<_, io::Error>(())
        };
        // A client that does not answer has had its moment.
        drop(tokio::time::timeout(FAREWELL_TIMEOUT, farewell).await);
    }

    fn is_over(&self) -> Option<&'static str> {
        if self.mailbox.is_behind() {
            return Some("too slow for its notifications");
        }
        let is_done = self.waiting.is_empty() && self.working.is_empty() && !self.has_output();
        (self.is_closing && is_done).then_some("done")
    }

    fn has_output(&self) -> bool {
        self.sent < self.out.len() || self.is_unflushed
    }

    /// Tells whether the session may take on more.
    fn has_room(&self) -> bool {
        let concurrent = self.service.limits().concurrent_requests;
        self.out.len() < ENOUGH_TO_SEND
            && self.working.len() < self.standing.concurrency(concurrent)
    }

    fn deadline(&self) -> Instant {
        let silence = self.heard + self.service.limits().session_timeout;
        if self.has_output() {
            silence.min(self.accepted + SEND_TIMEOUT)
        } else {
            silence
        }
    }

    fn accept(&mut self, Sent { len, is_flushed }: Sent) {
        self.accepted = Instant::now();
        self.is_unflushed = !is_flushed;
        self.sent += len;
        if self.sent == self.out.len() {
            self.sent = 0;
            self.out.clear();
            // What one large answer took is not kept for a session that may idle for hours.
            self.out.shrink_to(4096);
        }
    }

    fn notify(&mut self, notice: &Notice) {
        let cost = notice.cost + self.service.limits().costs.bytes(notice.line.len());
        self.service.charge(&self.info, cost);
        self.push(&notice.line);
    }

    /// Sends bytes without copying them if nothing else waits.
    fn push_whole(&mut self, bytes: Vec<u8>) {
        if self.has_output() || bytes.len() < MAX_WRITE {
            return self.push(&bytes);
        }
        let len = bytes.len();
        self.accepted = Instant::now();
        (self.out, self.sent) = (bytes, 0);
        self.info.count(Count::SentBytes, as_u64(len));
        self.info.count(Count::SentMessages, 1);
    }

    fn push(&mut self, bytes: &[u8]) {
        if !self.has_output() {
            self.accepted = Instant::now();
        }
        self.out.extend_from_slice(bytes);
        if !bytes.is_empty() {
            self.info.count(Count::SentBytes, as_u64(bytes.len()));
            self.info.count(Count::SentMessages, 1);
        }
    }

    fn take(&mut self, done: Result<Done, tokio::task::JoinError>) {
        self.info.set(Count::Pending, self.working.len());
        match done {
            Ok(done) => {
                self.subscribing -= usize::from(done.held_notices);
                done.unsubscribed
                    .iter()
                    .for_each(|script| self.unsubscribe(script));
                self.push_whole(done.bytes);
                self.is_closing |= done.closes;
            }
            Err(error) => {
                tracing::error!(%error, "a request failed");
                self.is_closing = true;
            }
        }
    }

    /// Starts what was read, as far as there is room, and lets others have their turn meanwhile.
    async fn start_waiting(&mut self) {
        loop {
            self.turn.pass_on_when_over().await;
            self.standing = self.service.standing(&self.info);
            if !self.has_room() {
                return;
            }
            let Some(message) = self.waiting.pop_front() else {
                return;
            };
            match message {
                _ if self.standing == Standing::Exhausted => self.exhaust(message),
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

    /// Refuses a message because the session cost too much, and ends the session.
    fn exhaust(&mut self, message: Result<Incoming, Refusal>) {
        let id = match message {
            Ok(Incoming::Single(request)) => request.id,
            // The ids of a batch do not matter any more.
            Ok(Incoming::Batch(_)) | Err(_) => Id::null(),
        };
        self.waiting.clear();
        self.take(Ok(self.worker().exhausted(&id)));
    }

    fn start_batch(&mut self, requests: Vec<Result<Request, Refusal>>) {
        let prepared: Vec<_> = requests
            .into_iter()
            .map(|request| match request {
                Ok(request) => self.prepare(&request),
                Err(refusal) => self.worker().refused(refusal),
            })
            .collect();
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

    /// Does what a request means for the session itself.
    fn prepare(&mut self, request: &Request) -> Prepared {
        self.info.count(Count::Requests, 1);
        if self.info.is_logged() {
            let peer = self.service.for_log(self.info.connection.peer);
            tracing::info!(session = self.info.id, %peer, %request, "request");
        }
        let mut subscribes = None;
        let mut price = 0.0;
        let step = match self.dialect.decode(request) {
            Ok(call) => {
                price = self.service.limits().costs.prices.call(&call);
                self.prepare_measured(call, &mut subscribes)
            }
            Err(error) => {
                self.service.metrics.count_unreadable();
                Step::Answered(Err(error))
            }
        };
        Prepared {
            id: request.id.clone(),
            subscribes,
            step,
            price,
        }
    }

    /// Measures what the session answers by itself; the rest is measured where it is answered.
    fn prepare_measured(&mut self, call: Call, subscribes: &mut Option<ScriptHash>) -> Step {
        let (method, started) = (call.method(), Instant::now());
        let step = self.prepare_call(call, subscribes);
        if matches!(step, Step::Answered(_)) {
            self.service.metrics.of(method).record(started.elapsed());
        }
        step
    }

    fn prepare_call(&mut self, call: Call, subscribes: &mut Option<ScriptHash>) -> Step {
        let has_name = self.info.client().is_some();
        if let Some(error) = self.service.limits().clients.refuse(&call, has_name) {
            self.is_closing = true;
            return Step::Answered(Err(error));
        }
        match call {
            Call::ServerVersion {
                client_name,
                requested,
            } => {
                tracing::debug!(session = self.mailbox.session, client_name, %requested, "client");
                let answered = self.negotiate(&requested);
                self.info.set_client(&client_name, self.dialect.version());
                Step::Answered(answered)
            }
            Call::HeadersSubscribe => {
                // Before the snapshot is taken, so that no block falls between.
                self.service.subscriptions.add_headers(&self.mailbox);
                Step::Ask(call)
            }
            Call::Subscribe(script) => match self.subscribe(script, subscribes) {
                Ok(()) => Step::Ask(call),
                Err(error) => Step::Answered(Err(error)),
            },
            Call::Unsubscribe(script) => {
                let was_subscribed = self.scripts.contains(&script);
                self.unsubscribe(&script);
                Step::Answered(Ok(Answer::Bool(was_subscribed)))
            }
            call => Step::Ask(call),
        }
    }

    fn negotiate(&mut self, requested: &RequestedVersion) -> Result<Answer, RpcError> {
        let ServerConfig {
            name, protocol_min, ..
        } = &self.service.config;
        let version: Result<ProtocolVersion, RpcError> =
            negotiate(requested, *protocol_min, ServerConfig::PROTOCOL_MAX);
        match version {
            Ok(version) => {
                self.dialect = Dialect::negotiated(version);
                Ok(Answer::Version {
                    server: name.clone(),
                    version,
                })
            }
            Err(error) => {
                self.is_closing = true;
                Err(error)
            }
        }
    }

    /// Subscribes before the status is computed, so that no change falls between.
    fn subscribe(
        &mut self,
        script: ScriptHash,
        subscribes: &mut Option<ScriptHash>,
    ) -> Result<(), RpcError> {
        if self.scripts.contains(&script) {
            self.service.subscriptions.forget_told(&script);
            return Ok(());
        }
        let limits = self.service.limits();
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
        self.info.set(Count::Subscriptions, self.scripts.len());
        *subscribes = Some(script);
        Ok(())
    }

    fn unsubscribe(&mut self, script: &ScriptHash) {
        if self.scripts.remove(script) {
            self.info.set(Count::Subscriptions, self.scripts.len());
            self.service
                .subscriptions
                .remove(script, self.mailbox.session);
        }
    }
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Cuts bytes into messages; a line that is too long is answered with an error.
pub(crate) fn decode(
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
                id: Id::null(),
                error: RpcError::request_too_large(too_long.max_line),
            })),
        }
    }
}
