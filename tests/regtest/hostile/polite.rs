//! A client of each transport that does nothing wrong, while others do.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use electrode_tests::{Electrode, Wire};
use serde_json::json;

/// What 99 of 100 answers to a polite client may take meanwhile, on a machine of two processors
/// that is busy with the abuse itself.
const P99: Duration = Duration::from_millis(500);

/// What it leaves between two questions, so that it stays far from what may cost too much however
/// fast the machine is.
const PAUSE: Duration = Duration::from_millis(2);

/// How long the answers took.
pub(crate) struct Delays(Vec<Duration>);

/// Asks one thing after the other over each transport until told that it is over; every answer must
/// be right.
pub(crate) fn ask(server: &Electrode, is_over: &AtomicBool) -> Delays {
    let mut clients = Wire::ALL.map(|wire| server.client_over(wire));
    let header = clients[0].call("blockchain.block.header", &json!([1]));
    let mut delays = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        for client in &mut clients {
            let start = Instant::now();
            let answer = client.call("blockchain.block.header", &json!([1]));
            delays.push(start.elapsed());
            assert_eq!(answer, header);
        }
        thread::park_timeout(PAUSE);
    }
    Delays(delays)
}

impl Delays {
    /// Checks that nearly every answer came soon.
    ///
    /// # Panics
    /// They did not.
    pub(crate) fn assert_short(mut self) {
        self.0.sort_unstable();
        let p99 = self.0.iter().rev().nth(self.0.len() / 100).unwrap();
        assert!(*p99 < P99, "a polite client waited {p99:?}");
    }
}
