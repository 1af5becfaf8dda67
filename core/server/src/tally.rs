//! How often each of some reasons came up, and the reasons there are.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

/// One of several reasons for the same outcome.
pub(crate) trait Reason: Copy + PartialEq + 'static {
    /// Every reason there is.
    const ALL: &'static [Self];

    /// Gives its name in metrics.
    fn name(self) -> &'static str;
}

/// How often each reason came up.
#[derive(Debug)]
pub(crate) struct Tally<R> {
    counts: Box<[AtomicU64]>,
    reasons: PhantomData<R>,
}

impl<R: Reason> Tally<R> {
    /// Counts a reason.
    pub(crate) fn count(&self, reason: R) {
        self.count_of(reason).fetch_add(1, Ordering::Relaxed);
    }

    /// Tells how often a reason came up.
    pub(crate) fn of(&self, reason: R) -> u64 {
        self.count_of(reason).load(Ordering::Relaxed)
    }

    /// Tells how often any reason came up.
    pub(crate) fn sum(&self) -> u64 {
        self.totals().map(|(_, count)| count).sum()
    }

    /// Gives every reason by its name, with how often it came up.
    pub(crate) fn totals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = R::ALL.iter().zip(&self.counts);
        counts.map(|(reason, count)| (reason.name(), count.load(Ordering::Relaxed)))
    }

    fn count_of(&self, reason: R) -> &AtomicU64 {
        let place = R::ALL.iter().position(|known| *known == reason);
        let count = place.and_then(|place| self.counts.get(place));
        count.expect("there is a count for every reason")
    }
}

impl<R: Reason> Default for Tally<R> {
    fn default() -> Self {
        Self {
            counts: R::ALL.iter().map(|_| AtomicU64::default()).collect(),
            reasons: PhantomData,
        }
    }
}

/// Why a client was not served at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its network is banned.
    Banned,
    /// Its address has as many sessions as it may have.
    PerIp,
    /// The proxy did not say who it is.
    Proxy,
    /// It speaks TLS where it must not.
    Tls,
    /// It speaks HTTP where it must not, for a `WebSocket` perhaps.
    Http,
    /// It speaks the protocol, without the TLS or `WebSocket` that belongs around it.
    Plain,
    /// It spoke no TLS, or no `WebSocket`, in some other way.
    Handshake,
    /// It took too long until its first line could come.
    HandshakeTimeout,
}

impl Reason for Refused {
    const ALL: &'static [Self] = &[
        Self::Banned,
        Self::PerIp,
        Self::Proxy,
        Self::Tls,
        Self::Http,
        Self::Plain,
        Self::Handshake,
        Self::HandshakeTimeout,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Banned => "banned",
            Self::PerIp => "per_ip",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Plain => "plain",
            Self::Handshake => "handshake",
            Self::HandshakeTimeout => "handshake_timeout",
        }
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client hung up.
    Done,
    /// The connection broke.
    Lost,
    /// What the client calls itself, that it does not, or the protocol it asks for is not served.
    Client,
    /// It spoke TLS, where lines are expected.
    Tls,
    /// It spoke HTTP, where lines are expected.
    Http,
    /// What it sent cannot be read, nor what follows.
    Unreadable,
    /// It cost too much.
    Cost,
    /// It did not take what was sent to it.
    Slow,
    /// It said nothing for too long.
    Silent,
    /// The operator ended it.
    Operator,
    /// Its network was banned.
    Banned,
    /// The server stops.
    Stopping,
    /// A request failed in a way that none should.
    Failed,
}

impl Reason for Ended {
    const ALL: &'static [Self] = &[
        Self::Done,
        Self::Lost,
        Self::Client,
        Self::Tls,
        Self::Http,
        Self::Unreadable,
        Self::Cost,
        Self::Slow,
        Self::Silent,
        Self::Operator,
        Self::Banned,
        Self::Stopping,
        Self::Failed,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Lost => "lost",
            Self::Client => "client",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Unreadable => "unreadable",
            Self::Cost => "cost",
            Self::Slow => "slow",
            Self::Silent => "silent",
            Self::Operator => "operator",
            Self::Banned => "banned",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_reason_apart() {
        let tally = Tally::default();
        tally.count(Ended::Cost);
        tally.count(Ended::Cost);
        tally.count(Ended::Failed);
        let counted: Vec<_> = tally.totals().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("cost", 2), ("failed", 1)]);
        assert_eq!((tally.of(Ended::Cost), tally.sum()), (2, 3));
    }

    #[test]
    fn has_a_name_for_each_reason() {
        fn check<R: Reason>() {
            let names: std::collections::BTreeSet<_> = R::ALL.iter().map(|r| r.name()).collect();
            assert_eq!(names.len(), R::ALL.len());
        }
        check::<Refused>();
        check::<Ended>();
    }
}
