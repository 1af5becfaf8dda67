//! What its cost means for a session.

use std::time::Duration;

/// How a session may go on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Standing {
    /// As fast as it likes.
    Free,
    /// Slowed down by this share of what is possible, above 0 and below 1.
    Slowed(f64),
    /// Not at all: it cost too much.
    Exhausted,
}

impl Standing {
    /// Judges a cost between two limits; a hard limit of 0 is none.
    pub(super) fn of(cost: f64, soft: f64, hard: f64) -> Self {
        if hard <= 0.0 {
            return Self::Free;
        }
        if cost >= hard {
            return Self::Exhausted;
        }
        let share = (cost - soft) / (hard - soft);
        if share > 0.0 {
            Self::Slowed(share)
        } else {
            Self::Free
        }
    }

    /// Gives how many requests may be worked on at once, of so many at best.
    pub(crate) fn concurrency(self, best: usize) -> usize {
        match self {
            // One that is exhausted is still told so.
            Self::Free | Self::Exhausted => best,
            Self::Slowed(share) => {
                let best = f64::from(u32::try_from(best).unwrap_or(u32::MAX));
                let concurrency = ((1.0 - share) * best).ceil();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "from 0 to a number of 32 bits"
                )]
                let concurrency = concurrency as usize; // cast: whole, and bounded as said above
                concurrency.max(1)
            }
        }
    }

    /// Gives how long each request waits, up to the longest time.
    pub(crate) fn pause(self, longest: Duration) -> Option<Duration> {
        match self {
            Self::Free | Self::Exhausted => None,
            Self::Slowed(share) => Some(longest.mul_f64(share)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slows_down_between_the_limits() {
        for (cost, standing, concurrency, millis) in [
            (0.0, Standing::Free, 10, None),
            (1000.0, Standing::Free, 10, None),
            (1009.0, Standing::Slowed(0.001), 10, Some(2)),
            (3250.0, Standing::Slowed(0.25), 8, Some(625)),
            (9990.0, Standing::Slowed(8990.0 / 9000.0), 1, Some(2497)),
            (10_000.0, Standing::Exhausted, 10, None),
            (1e9, Standing::Exhausted, 10, None),
        ] {
            let judged = Standing::of(cost, 1000.0, 10_000.0);
            assert_eq!(judged, standing, "{cost}");
            assert_eq!(judged.concurrency(10), concurrency, "{cost}");
            let pause = judged.pause(Duration::from_millis(2500));
            assert_eq!(pause.map(|pause| pause.as_millis()), millis, "{cost}");
        }
    }

    #[test]
    fn minds_nothing_without_a_hard_limit() {
        assert_eq!(Standing::of(1e9, 0.0, 0.0), Standing::Free);
        assert_eq!(Standing::of(1e9, 1000.0, 0.0), Standing::Free);
    }

    #[test]
    fn knows_nothing_between_limits_that_are_the_same() {
        assert_eq!(Standing::of(999.0, 1000.0, 1000.0), Standing::Free);
        assert_eq!(Standing::of(1000.0, 1000.0, 1000.0), Standing::Exhausted);
    }
}
