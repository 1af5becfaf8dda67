//! Living with connections that cannot be accepted.

use std::{io, time::Duration};

use tokio::time::Instant;

/// How long a listener waits when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(200);

/// How often a listener complains of that.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// A listener's way to go on whatever happens, without filling the log.
#[derive(Debug)]
pub(crate) struct Endurance {
    /// Whose connections they are, as the log has it.
    whose: &'static str,
    complained: Option<Instant>,
}

impl Endurance {
    pub(crate) fn new(whose: &'static str) -> Self {
        Self {
            whose,
            complained: None,
        }
    }

    /// Waits until it is worth trying again.
    ///
    /// A client that went away costs nothing; out of file descriptors, trying at once again would
    /// only burn time.
    pub(crate) async fn endure(&mut self, error: io::Error) {
        if error.kind() == io::ErrorKind::ConnectionAborted {
            return;
        }
        let is_due = |last: Instant| last.elapsed() >= COMPLAINT_INTERVAL;
        if self.complained.is_none_or(is_due) {
            tracing::warn!(
                %error,
                "cannot accept connections of {}; new ones wait. Is the limit of open files too \
                 low (LimitNOFILE= of systemd, ulimit -n)?",
                self.whose
            );
            self.complained = Some(Instant::now());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
