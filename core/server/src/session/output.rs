//! What waits to be sent to a client.

use std::time::Duration;

use tokio::time::Instant;

use super::send::Sent;

/// Bytes that wait for the client before its next request is started.
const ENOUGH: usize = 256 << 10;

/// Bytes that are handed to the system at a time.
const MAX_WRITE: usize = 64 << 10;

/// Bytes that are kept ready for an idle session.
const IDLE_CAPACITY: usize = 4096;

/// What waits to be sent to a client.
pub(super) struct Output {
    /// Bytes for the client, of which the first `sent` are gone.
    bytes: Vec<u8>,
    sent: usize,
    /// Whether what is sent still waits in a buffer of the transport.
    is_unflushed: bool,
    /// When the client last accepted something, or had to from then on.
    accepted: Instant,
}

impl Output {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            sent: 0,
            is_unflushed: false,
            accepted: Instant::now(),
        }
    }

    /// Tells whether anything is left to send.
    pub(super) fn is_pending(&self) -> bool {
        self.sent < self.bytes.len() || self.is_unflushed
    }

    /// Tells whether more may be added: a client that does not read gets no more work done.
    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() < ENOUGH
    }

    /// Gives what is to be sent next.
    pub(super) fn unsent(&self) -> &[u8] {
        let unsent = self.bytes.get(self.sent..).unwrap_or_default();
        unsent.get(..MAX_WRITE).unwrap_or(unsent)
    }

    /// Gives the time by which the client must have accepted something, which may take it as long
    /// as `patience`; `None` if nothing waits.
    pub(super) fn deadline(&self, patience: Duration) -> Option<Instant> {
        self.is_pending().then(|| self.accepted + patience)
    }

    /// Takes note of what was sent.
    pub(super) fn accept(&mut self, Sent { len, is_flushed }: Sent) {
        self.accepted = Instant::now();
        self.is_unflushed = !is_flushed;
        self.sent += len;
        if self.sent == self.bytes.len() {
            self.sent = 0;
            self.bytes.clear();
            // What one large answer took is not kept for a session that may idle for hours.
            self.bytes.shrink_to(IDLE_CAPACITY);
        }
    }

    /// Adds bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if !self.is_pending() {
            self.accepted = Instant::now();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds bytes without copying them if they are many and nothing else waits.
    pub(super) fn push_whole(&mut self, bytes: Vec<u8>) {
        if self.is_pending() || bytes.len() < MAX_WRITE {
            return self.push(&bytes);
        }
        self.accepted = Instant::now();
        (self.bytes, self.sent) = (bytes, 0);
    }
}
