//! What a client sends costs, whatever it is.
//!
//! Who asks nothing is judged all the same, and slowed down above the soft limit: as there is no
//! request that could wait, what it sends does.

use std::{sync::Arc, time::Duration};

use electrode_protocol::Id;
use tokio::time::Instant;

use super::Session;
use crate::{
    costs::{Extra, Standing},
    meter::{Meter, Reading},
    session_info::Count,
};

/// What has come from a client, and what of it is dealt with.
pub(super) struct Received {
    meter: Arc<Meter>,
    charged: Reading,
    /// What came since the last message, or the last pause, has cost.
    idle_cost: f64,
    /// When the client is listened to again.
    deaf_until: Option<Instant>,
}

impl Received {
    /// Begins with what comes from now on.
    pub(super) fn new(meter: Arc<Meter>) -> Self {
        Self {
            charged: meter.read(),
            meter,
            idle_cost: 0.0,
            deaf_until: None,
        }
    }

    /// Gives what counts, and what of that was charged.
    pub(super) fn counted(&self) -> (Arc<Meter>, Reading) {
        (Arc::clone(&self.meter), self.charged)
    }

    /// Tells when the client is listened to again, if it is not now.
    pub(super) fn deaf_until(&mut self) -> Option<Instant> {
        self.deaf_until = self.deaf_until.filter(|until| *until > Instant::now());
        self.deaf_until
    }

    /// Adds what cost something and was no message; pauses once it cost as much as is judged at a
    /// time.
    fn idle(&mut self, cost: f64, judged_at: f64, pause: Option<Duration>) {
        self.idle_cost += cost;
        if let Some(pause) = pause.filter(|_| self.idle_cost >= judged_at) {
            self.idle_cost = 0.0;
            self.deaf_until = Some(Instant::now() + pause);
        }
    }
}

impl<S> Session<S> {
    /// Charges what has come since the last time, with so many messages in it.
    pub(super) fn charge_received(&mut self, messages: usize) {
        let now = self.received.meter.read();
        let Reading { bytes, frames } = now.since(self.received.charged);
        self.received.charged = now;
        self.info.count(Count::ReceivedBytes, bytes);
        let limits = self.service.limits();
        let costs = &limits.costs;
        let cost = costs.bytes(bytes) + costs.prices.each(Extra::Frame, frames);
        self.service.charge(&self.info, cost);
        if messages > 0 {
            self.received.idle_cost = 0.0;
            return;
        }
        let standing = self.service.standing(&self.info);
        let pause = standing.pause(costs.request_sleep);
        self.received.idle(cost, costs.review_cost(), pause);
        drop(limits);
        let asks_nothing = self.waiting.is_empty() && self.closing.is_none();
        if asks_nothing && standing == Standing::Exhausted {
            self.exhaust(&Id::null());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Option<Duration> = Some(Duration::from_secs(60));

    #[test]
    fn pauses_when_what_asks_nothing_has_cost_enough() {
        let mut received = Received::new(Arc::default());
        received.idle(99.0, 100.0, PAUSE);
        assert_eq!(received.deaf_until(), None);
        received.idle(1.0, 100.0, None);
        assert_eq!(received.deaf_until(), None, "it is not slowed down");
        received.idle(1.0, 100.0, PAUSE);
        assert!(received.deaf_until().is_some());
        received.deaf_until = Some(Instant::now());
        assert_eq!(received.deaf_until(), None, "that is over");
        received.idle(99.0, 100.0, PAUSE);
        assert_eq!(received.deaf_until(), None, "it begins anew");
    }
}
