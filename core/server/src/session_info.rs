//! What is known of one open session, and the way to end it from outside.

use std::{
    ops::AddAssign,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use electrode_protocol::ProtocolVersion;
use tokio::{sync::Notify, time::Instant};

use crate::{
    Connection, Transport,
    costs::{Account, CostModel, Terms},
    numbers::as_u64,
    subscriptions::SessionId,
    tally::Ended,
};

/// One open session as others see it.
///
/// Cost: some 350 bytes. Only the session's own task counts, so its counters are never contended.
#[derive(Debug)]
pub(crate) struct SessionInfo {
    pub(crate) id: SessionId,
    pub(crate) connection: Connection,
    pub(crate) since: Instant,
    pub(crate) account: Account,
    client: OnceLock<Client>,
    counts: [AtomicU64; Count::ALL],
    is_logged: AtomicBool,
    ending: Mutex<Option<Ending>>,
    ended: Notify,
}

/// What the client says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) name: Box<str>,
    pub(crate) version: ProtocolVersion,
}

/// What is counted of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Requests,
    Errors,
    Broadcasts,
    ReceivedMessages,
    ReceivedBytes,
    SentMessages,
    SentBytes,
    /// Scripts it is subscribed to, which go down again.
    Subscriptions,
    /// Requests that are worked on, which go down again.
    Pending,
}

impl Count {
    const ALL: usize = 9;
}

/// What a session, or all together, have used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) broadcasts: u64,
    pub(crate) received_messages: u64,
    pub(crate) received_bytes: u64,
    pub(crate) sent_messages: u64,
    pub(crate) sent_bytes: u64,
}

/// How a session is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Whatever it does, for this reason.
    AtOnce(Ended),
    /// Having answered what it has read.
    WhenDone,
}

impl SessionInfo {
    pub(crate) fn new(id: SessionId, connection: Connection, account: Account) -> Self {
        Self {
            id,
            connection,
            since: Instant::now(),
            account,
            client: OnceLock::new(),
            counts: Default::default(),
            is_logged: AtomicBool::new(false),
            ending: Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// Gives what is needed to judge it now.
    pub(crate) fn terms<'a>(&self, model: &'a CostModel) -> Terms<'a> {
        Terms {
            model,
            now: std::time::Instant::now(),
            session: self.id,
            subscriptions: self.subscriptions(),
        }
    }

    /// Tells whether it is one of the admin RPC.
    pub(crate) fn is_operator(&self) -> bool {
        self.connection.transport == Transport::Rpc
    }

    /// Gives what the client said of itself, if it has.
    pub(crate) fn client(&self) -> Option<&Client> {
        self.client.get()
    }

    /// Remembers what the client says of itself; it can say so once.
    pub(crate) fn set_client(&self, name: &str, version: ProtocolVersion) {
        self.client.get_or_init(|| Client {
            name: name.into(),
            version,
        });
    }

    /// Counts `more` of something.
    pub(crate) fn count(&self, what: Count, more: u64) {
        self.counter(what).fetch_add(more, Ordering::Relaxed);
    }

    /// Tells how many scripts it is subscribed to.
    pub(crate) fn subscriptions(&self) -> u64 {
        self.counter(Count::Subscriptions).load(Ordering::Relaxed)
    }

    /// Tells how many of its requests are worked on.
    pub(crate) fn pending(&self) -> u64 {
        self.counter(Count::Pending).load(Ordering::Relaxed)
    }

    /// Remembers how many there are now of what goes down again.
    pub(crate) fn set(&self, what: Count, count: usize) {
        self.counter(what).store(as_u64(count), Ordering::Relaxed);
    }

    /// Gives what it has used so far.
    pub(crate) fn traffic(&self) -> Traffic {
        let counted = |what| self.counter(what).load(Ordering::Relaxed);
        Traffic {
            requests: counted(Count::Requests),
            errors: counted(Count::Errors),
            broadcasts: counted(Count::Broadcasts),
            received_messages: counted(Count::ReceivedMessages),
            received_bytes: counted(Count::ReceivedBytes),
            sent_messages: counted(Count::SentMessages),
            sent_bytes: counted(Count::SentBytes),
        }
    }

    /// Tells whether its requests are logged.
    pub(crate) fn is_logged(&self) -> bool {
        self.is_logged.load(Ordering::Relaxed)
    }

    /// Says whether its requests are to be logged.
    pub(crate) fn set_logged(&self, logged: bool) {
        self.is_logged.store(logged, Ordering::Relaxed);
    }

    /// Asks it to end; it does so by itself, soon.
    pub(crate) fn end(&self, ending: Ending) {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
        self.ended.notify_one();
    }

    /// Tells how it was asked to end, if it was.
    pub(crate) fn ending(&self) -> Option<Ending> {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is asked to end, and tells how. Dropping the future loses nothing.
    pub(crate) async fn asked_to_end(&self) -> Ending {
        loop {
            self.ended.notified().await;
            if let Some(ending) = self.ending() {
                return ending;
            }
        }
    }

    fn counter(&self, what: Count) -> &AtomicU64 {
        // cast: the discriminant of a fieldless enum
        let counter = self.counts.get(what as usize);
        counter.expect("there is a counter for each kind of count")
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.broadcasts += other.broadcasts;
        self.received_messages += other.received_messages;
        self.received_bytes += other.received_bytes;
        self.sent_messages += other.sent_messages;
        self.sent_bytes += other.sent_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> SessionInfo {
        let peer = "192.0.2.1:5".parse().unwrap();
        let connection = Connection::new(Transport::Ssl, peer);
        SessionInfo::new(7, connection, Account::exempt())
    }

    #[test]
    fn is_small() {
        assert!(
            size_of::<SessionInfo>() <= 400,
            "{}",
            size_of::<SessionInfo>()
        );
    }

    #[test]
    fn counts_each_kind_apart() {
        let info = info();
        info.count(Count::Requests, 1);
        info.count(Count::SentBytes, 5);
        info.set(Count::Subscriptions, 3);
        let traffic = info.traffic();
        assert_eq!((traffic.requests, traffic.sent_bytes), (1, 5));
        assert_eq!((traffic.errors, info.subscriptions()), (0, 3));
    }

    #[tokio::test]
    async fn can_be_asked_to_end_before_it_listens() {
        let info = info();
        info.end(Ending::WhenDone);
        assert_eq!(info.asked_to_end().await, Ending::WhenDone);
        info.end(Ending::AtOnce(Ended::Operator));
        assert_eq!(info.asked_to_end().await, Ending::AtOnce(Ended::Operator));
    }
}
