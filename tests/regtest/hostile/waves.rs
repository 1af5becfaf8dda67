//! A hundred thousand wrong things over every transport, in waves that are all the same: what the
//! server keeps of one would show in the next.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use electrode_tests::{Dice, Electrode, Wire, wait_until};

use crate::{
    PATIENCE, abuser::Abuser, assert_unharmed, lines::line, memory, polite, rude, serving,
};

/// Lines over each transport in one wave.
const LINES: usize = 20_000;
/// Lines that are on their way at once.
const ROUND: usize = 50;
/// Connections to each port in one wave that go wrong below the lines.
const RUDE_CONNECTIONS: u64 = 400;
const WAVES: usize = 3;
/// Fewer would mean that the server does not read what it is sent.
const CASES: u64 = 240_000;
/// How much more memory the server may have after the third wave than after the second: 50 bytes
/// for each case.
const GROWTH_LIMIT: u64 = 4 << 20;
/// Connections that clients of [`polite`] keep, one of each transport.
const POLITE_SESSIONS: usize = Wire::ALL.len();

#[test]
fn outlives_everything_strangers_send() {
    let (_node, mut server) =
        serving(|settings| settings.set("limits.handshake_timeout", "\"2s\""));
    let dice = Dice::from_env();
    let (mut cases, mut after) = (0, Vec::new());
    beside_polite_clients(&server, || {
        for _ in 0..WAVES {
            cases += wave(&server, &mut dice.clone(), LINES);
            wait_gone(&server);
            after.push(memory(&server));
        }
    });
    eprintln!("{cases} cases, memory after each wave: {after:?}");
    assert!(cases >= CASES, "{cases} cases");
    let [_, second, third] = after[..] else {
        panic!("three waves");
    };
    assert!(third < second + GROWTH_LIMIT, "memory grew: {after:?}");
    assert_unharmed(&mut server);
}

#[test]
fn ends_strangers_that_cost_too_much() {
    // As by default, but for less waiting.
    let (_node, mut server) = serving(|settings| {
        settings
            .set("limits.cost_soft_limit", 1000)
            .set("limits.cost_hard_limit", 5000)
            .set("limits.request_sleep", "\"5ms\"")
            .set("limits.handshake_timeout", "\"2s\"")
    });
    let mut dice = Dice::from_env();
    beside_polite_clients(&server, || {
        wave(&server, &mut dice, LINES / 10);
        wait_gone(&server);
    });
    let ended = server.logged().matches("excessive resource usage").count();
    assert!(ended > 0, "nobody was ended");
    assert_unharmed(&mut server);
}

/// Does something while polite clients of each transport get their answers.
fn beside_polite_clients(server: &Electrode, act: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    let delays = thread::scope(|scope| {
        let polite = scope.spawn(|| polite::ask(server, &is_over));
        // The polite one must end too when the abuse panics, else the test would never.
        let acted = panic::catch_unwind(AssertUnwindSafe(act));
        is_over.store(true, Ordering::Relaxed);
        let delays = polite.join().unwrap();
        acted
            .map(|()| delays)
            .unwrap_or_else(|failed| panic::resume_unwind(failed))
    });
    delays.assert_short();
}

/// Abuses every port at once, and counts the cases that the server is known to have read.
fn wave(server: &Electrode, dice: &mut Dice, lines: usize) -> u64 {
    let count = AtomicU64::new(0);
    thread::scope(|scope| {
        for wire in Wire::ALL {
            let (mut dice, count) = (Dice::new(dice.pick(0..u64::MAX)), &count);
            scope.spawn(move || {
                let read = abuse(server, wire, &mut dice, lines);
                count.fetch_add(read, Ordering::Relaxed);
            });
        }
    });
    count.into_inner()
}

fn abuse(server: &Electrode, wire: Wire, dice: &mut Dice, lines: usize) -> u64 {
    let mut abuser = Abuser::new(server, wire);
    let mut read = 0;
    for _ in 0..lines / ROUND {
        let round: Vec<_> = (0..ROUND).map(|_| line(dice)).collect();
        read += abuser.send(&round);
    }
    for _ in 0..RUDE_CONNECTIONS {
        read += u64::from(rude::be_rude(server, wire, dice));
        read += u64::from(rude::be_rude_to_operators(server, dice));
        if matches!(wire, Wire::Ssl | Wire::Wss) {
            rude::be_rude_within(server, wire, dice);
            read += 1;
        }
    }
    read
}

/// Waits until nobody is connected but the polite.
fn wait_gone(server: &Electrode) {
    wait_until("the abusers are gone", PATIENCE, || {
        (server.status()?["sessions"] == POLITE_SESSIONS).then_some(())
    });
}
