//! One client connection, one task.
//!
//! Requests are started in the order they came. Those answered on the spot keep it; the others are
//! worked on beside, a bounded number at a time, and answered when they are done. A session stops
//! reading while it has enough to do or to send, so a client that does not read its answers holds
//! up nobody but itself.
//!
//! The way of a message: [`input`] → [`messages`] → [`calls`] → [`work`] → [`output`].

mod calls;
mod input;
mod messages;
mod output;
mod received;
mod send;
mod turn;
mod work;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    sync::Arc,
};

use electrode_coin::ScriptHash;
use electrode_protocol::{Dialect, Incoming, Refusal, Spelling};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf},
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    Connection, Service,
    costs::Standing,
    farewell::farewell,
    meter::Meter,
    notice::Notice,
    numbers::as_u64,
    session_info::{Count, Ending, SessionInfo},
    subscriptions::Mailbox,
    tally::{Ended, Reason as _},
};
pub(crate) use input::decode;
use input::{Heard, Input, Taken, listen};
use output::Output;
use received::Received;
use send::send;
use turn::Turn;
use work::Done;

/// Serves a connection until either side has had enough, and tells why; `None` if the client is
/// not let in after all. What comes in over `stream` is counted by `meter`.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    service: Arc<Service>,
    stream: S,
    meter: Arc<Meter>,
    connection: Connection,
) -> Option<Ended> {
    let Connection { transport, peer } = connection;
    let info = service.enter(connection)?;
    let mut session = Session::new(Arc::clone(&service), stream, meter, Arc::clone(&info));
    let ended = session.serve().await;
    service
        .subscriptions
        .remove_all(info.id, session.scripts.iter());
    if ended.is_ok() {
        farewell(&mut session.reader, &mut session.writer).await;
    }
    service.leave(&info);
    let why = *ended.as_ref().unwrap_or(&Ended::Lost);
    service.counters.ended.count(why);
    let (session, peer) = (info.id, service.for_log(peer));
    let error = ended.err().map(tracing::field::display);
    tracing::debug!(%peer, %transport, session, why = why.name(), error, "session ended");
    Some(why)
}

struct Session<S> {
    service: Arc<Service>,
    info: Arc<SessionInfo>,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    received: Received,
    input: Input,
    /// Bounds its long scans.
    scans: Arc<Semaphore>,
    dialect: Dialect,
    scripts: HashSet<ScriptHash>,
    /// How the client writes those that it writes in a way of its own.
    spellings: HashMap<ScriptHash, Spelling>,
    mailbox: Mailbox,
    inbox: mpsc::Receiver<Arc<Notice>>,
    /// Requests that were read and not started.
    waiting: VecDeque<Result<Incoming, Refusal>>,
    /// Requests that are worked on beside.
    working: JoinSet<Done>,
    /// How many of those subscribe: until they are answered, notifications wait.
    subscribing: usize,
    output: Output,
    /// When the last line came to its end.
    heard: Instant,
    turn: Turn,
    /// How it may go on, as of its last request.
    standing: Standing,
    /// Why nothing more is read, once that is so: what was read is answered, then it ends.
    closing: Option<Ended>,
    /// Whether the client is not served after all: of what it asked behind that nothing is answered.
    is_refused: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(service: Arc<Service>, stream: S, meter: Arc<Meter>, info: Arc<SessionInfo>) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let limits = service.limits();
        let (mailbox, inbox) = Mailbox::new(&info, limits.max_queued_notices);
        Self {
            received: Received::new(meter),
            input: Input::new(info.connection.transport, &limits),
            scans: Arc::new(Semaphore::new(limits.concurrent_scans_per_session)),
            dialect: Dialect::new(service.config.protocol_min),
            service,
            info,
            reader,
            writer,
            scripts: HashSet::new(),
            spellings: HashMap::new(),
            mailbox,
            inbox,
            waiting: VecDeque::new(),
            working: JoinSet::new(),
            subscribing: 0,
            output: Output::new(),
            heard: Instant::now(),
            turn: Turn::begin(),
            standing: Standing::Free,
            closing: None,
            is_refused: false,
        }
    }

    /// Tells why the session ended.
    async fn serve(&mut self) -> io::Result<Ended> {
        let info = Arc::clone(&self.info);
        loop {
            self.turn.resume();
            self.start_waiting().await;
            if let Some(why) = self.is_over() {
                return Ok(why);
            }
            let has_output = self.output.is_pending();
            let takes_answers = self.output.has_room() && !self.working.is_empty();
            let takes_notices = self.output.has_room() && self.subscribing == 0;
            let deaf_until = self.received.deaf_until();
            let takes_requests = self.has_room() && self.closing.is_none() && deaf_until.is_none();
            let (meter, charged) = self.received.counted();
            let (deadline, late) = self.deadline();
            let Self {
                reader,
                writer,
                input,
                waiting,
                working,
                inbox,
                output,
                ..
            } = self;
            let mut taken = Taken::default();
            let take = |bytes: &[u8]| taken = input.take(bytes, waiting);
            tokio::select! {
                biased;
                ending = info.asked_to_end() => match ending {
                    Ending::AtOnce(why) => return Ok(why),
                    Ending::WhenDone => self.close(Ended::Stopping),
                },
                sent = send(writer, output.unsent()), if has_output => self.output.accept(sent?),
                Some(done) = working.join_next(), if takes_answers => self.take(done),
                Some(notice) = inbox.recv(), if takes_notices => self.notify(&notice),
                heard = listen(reader, &meter, charged, take), if takes_requests => {
                    self.hear(heard, taken)?;
                }
                () = sleep_until(deaf_until.unwrap_or(deadline)), if deaf_until.is_some() => {}
                () = sleep_until(deadline) => return Ok(late),
            }
        }
    }

    /// Takes note of what came, and of the end of it.
    fn hear(&mut self, heard: io::Result<Heard>, taken: Taken) -> io::Result<()> {
        // Who says a byte now and then and never a line is as good as silent.
        if taken.has_line {
            self.heard = Instant::now();
        }
        self.info
            .count(Count::ReceivedMessages, as_u64(taken.messages));
        taken.foreign.into_iter().for_each(|why| self.close(why));
        self.charge_received(taken.messages);
        match heard {
            Ok(Heard::End) => self.close(Ended::Done),
            Ok(Heard::Bytes | Heard::Nothing) => {}
            // What stands in the way of the next line is told, as far as the transport can.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.close(Ended::Unreadable);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn is_over(&self) -> Option<Ended> {
        let is_done =
            self.waiting.is_empty() && self.working.is_empty() && !self.output.is_pending();
        self.closing.filter(|_| is_done)
    }

    /// Gives the time by which the client must do something, and what it is if it does not.
    fn deadline(&self) -> (Instant, Ended) {
        let limits = self.service.limits();
        let silence = self.heard + limits.session_timeout;
        match self.output.deadline(limits.send_timeout) {
            Some(deadline) if deadline < silence => (deadline, Ended::Slow),
            _ => (silence, Ended::Silent),
        }
    }

    fn notify(&mut self, notice: &Notice) {
        let line = notice.line(&self.spellings);
        let cost = notice.cost + self.service.limits().costs.bytes(as_u64(line.len()));
        self.service.charge(&self.info, cost);
        self.count_sent(line.len());
        self.output.push(&line);
    }
}

impl<S> Session<S> {
    /// Ends the session once what was read is answered; of several reasons the first one counts.
    fn close(&mut self, why: Ended) {
        self.closing.get_or_insert(why);
    }

    /// Ends the session of a client that is not served.
    fn refuse_client(&mut self) {
        self.is_refused = true;
        self.close(Ended::Client);
    }

    /// Counts a message that is sent; of nothing there is nothing to count.
    fn count_sent(&self, len: usize) {
        if len > 0 {
            self.info.count(Count::SentBytes, as_u64(len));
            self.info.count(Count::SentMessages, 1);
        }
    }
}
