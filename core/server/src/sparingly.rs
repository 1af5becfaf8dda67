//! Lines of the log that strangers can bring about: a few of them are enough.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lines in each [`INTERVAL`].
const MAX: u32 = 3;
const INTERVAL: Duration = Duration::from_secs(60);

/// Says when a line is due that would otherwise fill the log.
#[derive(Debug, Default)]
pub(crate) struct Sparingly(Mutex<Option<Window>>);

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    lines: u32,
}

impl Sparingly {
    /// Tells whether another line may be written now, and counts it.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = window.filter(|window| now.duration_since(window.began) < INTERVAL);
        let Window { began, lines } = open.unwrap_or(Window {
            began: now,
            lines: 0,
        });
        *window = Some(Window {
            began,
            lines: lines.saturating_add(1),
        });
        lines < MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_due_a_few_times_a_minute() {
        let sparingly = Sparingly::default();
        let start = Instant::now();
        let due = |now| (0..100).filter(|_| sparingly.is_due(now)).count();
        assert_eq!((due(start), due(start)), (3, 0));
        assert_eq!(due(start + INTERVAL - Duration::from_millis(1)), 0);
        assert_eq!(due(start + INTERVAL), 3);
    }
}
