//! The last hour in samples: for the plots of the status page and for rates.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::Service;

/// Time between two samples.
const PAUSE: Duration = Duration::from_secs(5);
/// Samples that are kept: an hour of them.
const KEPT: usize = 720;
/// Samples that a rate is taken over.
const RATE_SAMPLES: usize = 12;

/// What was the case at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// Units: seconds since the server started.
    pub(crate) time: f64,
    pub(crate) height: u32,
    pub(crate) sessions: usize,
    /// Requests since the server started.
    pub(crate) requests: u64,
}

/// The samples, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<VecDeque<Sample>>);

impl History {
    pub(crate) fn samples(&self) -> Vec<Sample> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.iter().copied().collect()
    }

    /// Gives how many blocks a second the index has grown by in the last minute.
    pub(crate) fn blocks_per_second(&self) -> Option<f64> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = samples.back()?;
        let first = samples.get(samples.len().saturating_sub(RATE_SAMPLES))?;
        let blocks = f64::from(last.height.saturating_sub(first.height));
        let secs = last.time - first.time;
        (secs > 0.0).then_some(blocks / secs)
    }

    fn push(&self, sample: Sample) {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == KEPT {
            samples.pop_front();
        }
        samples.push_back(sample);
    }
}

/// Samples the service until it is gone.
pub(crate) async fn run(service: Weak<Service>) {
    let start = Instant::now();
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let now = ticks.tick().await;
        let Some(service) = service.upgrade() else {
            return;
        };
        let sample = sample(&service, now - start);
        service.history.push(sample);
    }
}

fn sample(service: &Arc<Service>, time: Duration) -> Sample {
    Sample {
        time: time.as_secs_f64(),
        height: service.height().map_or(0, |height| height.0),
        sessions: service.registry.count(),
        requests: service.registry.total().requests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(time: f64, height: u32) -> Sample {
        Sample {
            time,
            height,
            sessions: 0,
            requests: 0,
        }
    }

    #[test]
    fn keeps_the_last_hour() {
        let history = History::default();
        (0..1000).for_each(|height| history.push(sample(5.0 * f64::from(height), height)));
        let samples = history.samples();
        assert_eq!((samples.len(), samples[0].height), (KEPT, 280));
        assert_eq!(history.blocks_per_second(), Some(0.2));
    }

    #[test]
    fn knows_no_rate_from_one_sample() {
        let history = History::default();
        assert_eq!(history.blocks_per_second(), None);
        history.push(sample(0.0, 7));
        assert_eq!(history.blocks_per_second(), None);
        history.push(sample(5.0, 3));
        assert_eq!(history.blocks_per_second(), Some(0.0));
    }
}
