//! A cost that is forgiven over time.

use std::time::Instant;

/// What somebody has cost and was not forgiven yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Debt {
    cost: f64,
    settled: Instant,
}

impl Debt {
    pub(crate) fn new(cost: f64, now: Instant) -> Self {
        Self { cost, settled: now }
    }

    /// Gives what is left of it when so much a second is forgiven.
    pub(crate) fn left(&self, now: Instant, per_sec: f64) -> f64 {
        let secs = now.saturating_duration_since(self.settled).as_secs_f64();
        (self.cost - secs * per_sec).max(0.0)
    }

    /// Adds a cost to what is left.
    pub(crate) fn add(&mut self, cost: f64, now: Instant, per_sec: f64) {
        self.cost = self.left(now, per_sec) + cost;
        self.settled = self.settled.max(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_forgiven_evenly_and_never_becomes_a_credit() {
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        let mut debt = Debt::new(10.0, start);
        assert_eq!(debt.left(after(4), 2.0), 2.0);
        debt.add(5.0, after(100), 2.0);
        assert_eq!(debt.left(after(101), 2.0), 3.0);
    }

    proptest! {
        /// However often it is looked at and added to, the debt is what one sum gives.
        #[test]
        fn does_not_depend_on_when_it_is_settled(
            charges in prop::collection::vec((0u64..100_000, 0.0f64..1000.0), 1..50),
            per_sec in 0.0f64..10.0,
        ) {
            let start = Instant::now();
            let mut now = start;
            let mut often = Debt::new(0.0, start);
            let mut expected = 0.0f64;
            for (millis, cost) in charges {
                let passed = Duration::from_millis(millis);
                often.add(0.0, now + passed / 2, per_sec);
                now += passed;
                often.add(cost, now, per_sec);
                expected = (expected - passed.as_secs_f64() * per_sec).max(0.0) + cost;
                prop_assert!((often.left(now, per_sec) - expected).abs() < 1e-6);
            }
            prop_assert!(often.left(now + Duration::from_secs(1), per_sec) <= expected);
        }
    }
}
