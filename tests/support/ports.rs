//! Free ports.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Ports below the range from which the kernel picks local ports of outgoing connections.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// Gives a port of 127.0.0.1 on which nothing listens and which no other call will give.
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    // Programs that run at the same time start looking at different places.
    let start = process::id().wrapping_mul(257) % u32::from(COUNT);
    for _ in 0..COUNT {
        let step = u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
        let offset = u16::try_from((start + step) % u32::from(COUNT)).unwrap();
        let port = FIRST + offset;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}
