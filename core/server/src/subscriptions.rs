//! Who wants to hear of what.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use electrode_coin::{ScriptHash, ScriptKey};
use electrode_protocol::Status;
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::{
    notice::Notice,
    session_info::{Ending, SessionInfo},
    tally::Ended,
};

/// Number of a session.
pub(crate) type SessionId = u64;

/// Where a session's notifications go.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    pub(crate) session: SessionId,
    notices: mpsc::Sender<Arc<Notice>>,
    info: Arc<SessionInfo>,
}

impl Mailbox {
    /// Makes a mailbox for up to `capacity` notices that wait.
    pub(crate) fn new(
        info: &Arc<SessionInfo>,
        capacity: usize,
    ) -> (Self, mpsc::Receiver<Arc<Notice>>) {
        let (notices, inbox) = mpsc::channel(capacity);
        let mailbox = Self {
            session: info.id,
            notices,
            info: Arc::clone(info),
        };
        (mailbox, inbox)
    }

    /// Tells whether the notice found room; a session that is gone needs none, one that did not
    /// take those before is ended.
    fn push(&self, notice: &Arc<Notice>) -> bool {
        let is_full = matches!(
            self.notices.try_send(Arc::clone(notice)),
            Err(TrySendError::Full(_))
        );
        if is_full {
            self.info.end(Ending::AtOnce(Ended::Slow));
        }
        !is_full
    }
}

/// The subscriptions of all sessions.
///
/// When a mailbox is full its session has fallen too far behind: it is forgotten here, and ends.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    headers: HashMap<SessionId, Mailbox>,
    /// Sorted, so that the scripts of a key stand together.
    scripts: BTreeMap<ScriptHash, Watch>,
    count: usize,
}

/// One script that somebody subscribed to.
#[derive(Debug, Default)]
struct Watch {
    mailboxes: Vec<Mailbox>,
    /// What everybody was told last; `None` while that is not known.
    told: Option<Option<Status>>,
}

impl Subscriptions {
    /// Subscribes a session to new blocks.
    pub(crate) fn add_headers(&self, mailbox: &Mailbox) {
        self.lock().headers.insert(mailbox.session, mailbox.clone());
    }

    /// Subscribes a session to a script that it is not subscribed to; `false` when there are
    /// `max` subscriptions already.
    pub(crate) fn add(&self, script: ScriptHash, mailbox: &Mailbox, max: usize) -> bool {
        let mut tables = self.lock();
        if tables.count >= max {
            return false;
        }
        tables.count += 1;
        let watch = tables.scripts.entry(script).or_default();
        watch.mailboxes.push(mailbox.clone());
        watch.told = None;
        true
    }

    /// Forgets what everybody was told of a script: somebody is about to be told something else.
    pub(crate) fn forget_told(&self, script: &ScriptHash) {
        if let Some(watch) = self.lock().scripts.get_mut(script) {
            watch.told = None;
        }
    }

    /// Ends all subscriptions to a script.
    pub(crate) fn drop_script(&self, script: &ScriptHash) {
        let mut tables = self.lock();
        if let Some(watch) = tables.scripts.remove(script) {
            tables.count -= watch.mailboxes.len();
        }
    }

    /// Ends the subscription of a session to a script.
    pub(crate) fn remove(&self, script: &ScriptHash, session: SessionId) {
        self.lock().remove(script, session);
    }

    /// Ends all subscriptions of a session, which are to `scripts`.
    pub(crate) fn remove_all<'a>(
        &self,
        session: SessionId,
        scripts: impl Iterator<Item = &'a ScriptHash>,
    ) {
        let mut tables = self.lock();
        tables.headers.remove(&session);
        scripts.for_each(|script| tables.remove(script, session));
    }

    /// Gives the number of subscriptions to scripts.
    pub(crate) fn count(&self) -> usize {
        self.lock().count
    }

    /// Gives the scripts with one of `keys` that somebody is subscribed to.
    pub(crate) fn watched(&self, keys: impl Iterator<Item = ScriptKey>) -> Vec<ScriptHash> {
        let tables = self.lock();
        keys.flat_map(|key| {
            tables
                .scripts
                .range(hashes_of(key))
                .map(|(script, _)| *script)
        })
        .collect()
    }

    /// Tells everybody who wants to hear of new blocks.
    pub(crate) fn tell_headers(&self, notice: &Arc<Notice>) {
        self.lock()
            .headers
            .retain(|_, mailbox| mailbox.push(notice));
    }

    /// Tells everybody subscribed to a script of its status, unless they know it.
    pub(crate) fn tell_status(
        &self,
        script: &ScriptHash,
        status: Option<Status>,
        notice: &Arc<Notice>,
    ) {
        let mut tables = self.lock();
        let Some(watch) = tables.scripts.get_mut(script) else {
            return;
        };
        if watch.told == Some(status) {
            return;
        }
        watch.told = Some(status);
        let before = watch.mailboxes.len();
        watch.mailboxes.retain(|mailbox| mailbox.push(notice));
        let dropped = before - watch.mailboxes.len();
        tables.count -= dropped;
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // Nothing in here panics half-way through a change.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn remove(&mut self, script: &ScriptHash, session: SessionId) {
        let Some(watch) = self.scripts.get_mut(script) else {
            return;
        };
        let before = watch.mailboxes.len();
        watch.mailboxes.retain(|mailbox| mailbox.session != session);
        self.count -= before - watch.mailboxes.len();
        if watch.mailboxes.is_empty() {
            self.scripts.remove(script);
        }
    }
}

/// All script hashes that start with a key.
fn hashes_of(key: ScriptKey) -> std::ops::RangeInclusive<ScriptHash> {
    let filled = |rest: u8| {
        let mut hash = [rest; 32];
        if let Some(start) = hash.first_chunk_mut() {
            *start = key.0;
        }
        ScriptHash(hash)
    };
    filled(0)..=filled(u8::MAX)
}

#[cfg(test)]
mod tests {
    use electrode_coin::Height;

    use super::*;
    use crate::{Connection, Transport, costs::Account};

    const SCRIPT: ScriptHash = ScriptHash([7; 32]);

    fn info(id: SessionId) -> Arc<SessionInfo> {
        let peer = "192.0.2.1:5".parse().unwrap();
        let connection = Connection::new(Transport::Tcp, peer);
        Arc::new(SessionInfo::new(id, connection, Account::exempt()))
    }

    fn block() -> Arc<Notice> {
        Arc::new(Notice::of_tip(&[0xab], Height(5)))
    }

    fn news() -> Arc<Notice> {
        Arc::new(Notice::of_status(SCRIPT, None, 0.0))
    }

    #[test]
    fn tells_each_status_once_and_only_those_subscribed() {
        let subscriptions = Subscriptions::default();
        let (a, mut inbox_a) = Mailbox::new(&info(1), 8);
        let (b, mut inbox_b) = Mailbox::new(&info(2), 8);
        assert!(subscriptions.add(SCRIPT, &a, 10));
        assert!(subscriptions.add(ScriptHash([8; 32]), &b, 10));
        assert_eq!(subscriptions.watched([SCRIPT.key()].into_iter()), [SCRIPT]);
        subscriptions.tell_status(&SCRIPT, None, &news());
        subscriptions.tell_status(&SCRIPT, None, &news());
        assert_eq!(inbox_a.try_recv().unwrap(), news());
        assert!(inbox_a.try_recv().is_err());
        assert!(inbox_b.try_recv().is_err());
    }

    #[test]
    fn counts_and_limits_subscriptions() {
        let subscriptions = Subscriptions::default();
        let (a, _inbox) = Mailbox::new(&info(1), 8);
        assert!(subscriptions.add(SCRIPT, &a, 1));
        assert!(!subscriptions.add(ScriptHash([8; 32]), &a, 1));
        subscriptions.remove(&SCRIPT, 1);
        subscriptions.remove(&SCRIPT, 1);
        assert_eq!(subscriptions.count(), 0);
        assert!(subscriptions.add(SCRIPT, &a, 1));
        subscriptions.remove_all(1, [SCRIPT].iter());
        assert_eq!(subscriptions.count(), 0);
    }

    #[test]
    fn forgets_sessions_that_fall_behind() {
        let subscriptions = Subscriptions::default();
        let info = info(1);
        let (mailbox, mut inbox) = Mailbox::new(&info, 1);
        subscriptions.add_headers(&mailbox);
        subscriptions.add(SCRIPT, &mailbox, 10);
        (0..2).for_each(|_| subscriptions.tell_headers(&block()));
        subscriptions.tell_status(&SCRIPT, None, &news());
        assert_eq!(inbox.try_recv().unwrap(), block());
        assert!(inbox.try_recv().is_err());
        assert_eq!(info.ending(), Some(Ending::AtOnce(Ended::Slow)));
        assert_eq!(subscriptions.count(), 0);
    }
}
