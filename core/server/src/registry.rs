//! Which sessions are open: for the operator to see and to end.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Connection, Transport,
    costs::Account,
    session_info::{Ending, SessionInfo, Traffic},
    subscriptions::SessionId,
    tally::Ended,
};

/// The open sessions, and what those that are gone have used.
///
/// Its lock is taken when a session begins or ends and when somebody looks, never for a request.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    open: Mutex<Open>,
    next_id: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    sessions: BTreeMap<SessionId, Arc<SessionInfo>>,
    gone: Traffic,
    accepted: u64,
    is_draining: bool,
    logs_new: bool,
}

impl Registry {
    /// Enters a new session; it is told to end at once while the server drains.
    pub(crate) fn enter(&self, connection: Connection, account: Account) -> Arc<SessionInfo> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let info = Arc::new(SessionInfo::new(id, connection, account));
        let mut open = self.lock();
        if open.is_draining {
            info.end(Ending::AtOnce(Ended::Stopping));
        }
        info.set_logged(open.logs_new);
        open.accepted += 1;
        open.sessions.insert(id, Arc::clone(&info));
        info
    }

    /// Strikes a session out; what it used stays in the sum.
    pub(crate) fn leave(&self, info: &SessionInfo) {
        let mut open = self.lock();
        if open.sessions.remove(&info.id).is_some() {
            open.gone += info.traffic();
        }
    }

    /// Gives the session of a number.
    pub(crate) fn get(&self, id: SessionId) -> Option<Arc<SessionInfo>> {
        self.lock().sessions.get(&id).cloned()
    }

    /// Gives every open session, in the order in which they began.
    pub(crate) fn all(&self) -> Vec<Arc<SessionInfo>> {
        self.lock().sessions.values().cloned().collect()
    }

    /// Adds up what all sessions, those that are gone too, have used.
    ///
    /// Cost: O(open sessions).
    pub(crate) fn total(&self) -> Traffic {
        let open = self.lock();
        let mut total = open.gone;
        open.sessions
            .values()
            .for_each(|info| total += info.traffic());
        total
    }

    /// Gives the number of open sessions.
    pub(crate) fn count(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Gives the number of open sessions of each transport.
    pub(crate) fn by_transport(&self) -> BTreeMap<&'static str, usize> {
        let mut counts: BTreeMap<_, _> = Transport::ALL
            .into_iter()
            .map(|transport| (transport.as_str(), 0))
            .collect();
        for info in self.lock().sessions.values() {
            *counts
                .entry(info.connection.transport.as_str())
                .or_default() += 1;
        }
        counts
    }

    /// Gives the number of requests that are worked on.
    pub(crate) fn pending(&self) -> u64 {
        self.lock()
            .sessions
            .values()
            .map(|info| info.pending())
            .sum()
    }

    /// Gives the number of sessions that ever began.
    pub(crate) fn accepted(&self) -> u64 {
        self.lock().accepted
    }

    /// Tells whether the requests of sessions that begin from now on are logged.
    pub(crate) fn logs_new(&self) -> bool {
        self.lock().logs_new
    }

    /// Says whether the requests of sessions that begin from now on are logged.
    pub(crate) fn log_new(&self, logged: bool) {
        self.lock().logs_new = logged;
    }

    /// Lets every session finish what it works on and end, and those that come end at once.
    pub(crate) fn drain(&self) {
        let mut open = self.lock();
        open.is_draining = true;
        open.sessions
            .values()
            .for_each(|info| info.end(Ending::WhenDone));
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing in here panics half-way through a change.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session_info::Count;

    fn connection() -> Connection {
        Connection::new(Transport::Tcp, "192.0.2.1:5".parse().unwrap())
    }

    #[test]
    fn adds_up_what_sessions_used_that_are_gone() {
        let registry = Registry::default();
        let [first, second] = [(); 2].map(|()| registry.enter(connection(), Account::exempt()));
        first.count(Count::Requests, 2);
        second.count(Count::Requests, 3);
        registry.leave(&first);
        registry.leave(&first);
        assert_eq!(registry.total().requests, 5);
        assert_eq!(registry.accepted(), 2);
        assert!(registry.get(first.id).is_none());
        assert_eq!(registry.all().len(), 1);
    }

    #[test]
    fn ends_sessions_that_begin_while_it_drains() {
        let registry = Registry::default();
        let before = registry.enter(connection(), Account::exempt());
        registry.drain();
        assert_eq!(before.ending(), Some(Ending::WhenDone));
        let after = registry.enter(connection(), Account::exempt());
        assert_eq!(after.ending(), Some(Ending::AtOnce(Ended::Stopping)));
    }
}
