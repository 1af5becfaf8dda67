//! Waiting for conditions.

use std::{
    fmt::Display,
    thread,
    time::{Duration, Instant},
};

/// How long to leave a condition alone between two looks at it.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Looks at a condition until it gives a value, and returns that.
///
/// # Panics
/// It gave none within `limit`; `what` names what was waited for.
pub fn wait_until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    wait_for(what, limit, || probe().ok_or("not yet"))
}

/// Looks at something until it succeeds, and returns what it gave.
///
/// # Panics
/// It did not succeed within `limit`; the last error is told.
pub fn wait_for<T, E: Display>(
    what: &str,
    limit: Duration,
    mut probe: impl FnMut() -> Result<T, E>,
) -> T {
    let start = Instant::now();
    loop {
        match probe() {
            Ok(value) => return value,
            Err(error) if start.elapsed() > limit => {
                panic!("waited {limit:?} in vain, {what}: {error}")
            }
            Err(_not_yet) => thread::park_timeout(LOOK_AGAIN),
        }
    }
}
