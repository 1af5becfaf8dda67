//! What the log says of sessions: how often, and whether it names addresses.

use std::{fmt, time::Duration};

use electrode_protocol::SessionRow;
use tokio::sync::watch;

use crate::{Service, admin};

/// Stands in the log for the address of a client, as in ElectrumX.
const HIDDEN: &str = "xx.xx.xx.xx:xx";

/// What the log says of sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogRules {
    /// Whether it names no address.
    pub anonymous: bool,
    /// How often it lists the open sessions; `None`: never.
    pub sessions: Option<Duration>,
}

/// An address as the log may name it.
pub(crate) struct Logged<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for Logged<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str(HIDDEN),
        }
    }
}

impl Service {
    /// Replaces what the log says of sessions.
    pub fn set_log_rules(&self, rules: LogRules) {
        self.log_rules.send_if_modified(|old| {
            let is_new = *old != rules;
            *old = rules;
            is_new
        });
    }

    /// Gives what the log says of sessions, now and later.
    #[must_use]
    pub fn log_rules(&self) -> watch::Receiver<LogRules> {
        self.log_rules.subscribe()
    }

    /// Lists the open sessions, oldest first, with addresses as the log may name them.
    #[must_use]
    pub fn logged_sessions(&self) -> Vec<SessionRow> {
        let rows = admin::session_table(self).into_iter();
        rows.map(|row| SessionRow {
            peer: self.for_log(&row.peer).to_string(),
            ..row
        })
        .collect()
    }

    /// Gives the address of a client, or a network of them, for a line of the log: every one that
    /// names any goes through here.
    pub(crate) fn for_log<T>(&self, address: T) -> Logged<T> {
        let is_anonymous = self.log_rules.borrow().anonymous;
        Logged(Some(address).filter(|_| !is_anonymous))
    }
}
