//! Where the system runs out of open files.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use electrode_tests::{Bitcoind, Branch, Electrode, LineClient, Settings, Wire, wait_until};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);
/// Hardly more than the server needs for itself.
const FEW_FILES: u32 = 128;
/// What is left for sessions.
const ROOM: usize = 32;
/// Connections that a server is left room for which has long run.
const LEFT: usize = 10;
/// Long enough for a listener to try again many times.
const A_WHILE: Duration = Duration::from_secs(2);

fn configured(node: &Bitcoind) -> Electrode {
    Branch::genesis().mine(node, []);
    Electrode::configured(&Settings::of(node))
}

/// Connects until nobody is left to answer, and holds on; none of these says anything.
fn crowd(server: &Electrode, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| server.connect(Wire::Tcp)).collect()
}

fn ping(client: &mut LineClient) {
    client.call("server.ping", &json!([]));
}

#[test]
fn takes_fewer_sessions_than_files_and_says_why() {
    let node = Bitcoind::start();
    let mut server = configured(&node);
    server.start_with_open_files(FEW_FILES);
    server.wait_ready();
    let log = server.logged();
    let lowered = log
        .lines()
        .find(|line| line.contains("max_sessions is lowered"));
    let lowered = lowered.expect("the limit is told");
    assert!(lowered.contains(&format!("room={ROOM}")), "{lowered}");
    assert!(lowered.contains(&format!("limit={FEW_FILES}")), "{lowered}");
    assert!(lowered.contains("LimitNOFILE="), "{lowered}");
    let complaints = log.matches("max_sessions is lowered").count();
    assert_eq!(complaints, 1, "{log}");

    let mut first = server.client();
    let others = crowd(&server, 2 * ROOM);
    // The rest waits to be accepted: pages and operators still find room.
    let sessions = wait_until("it is full", PATIENCE, || {
        let sessions = server.status()?["sessions"].as_u64()?;
        (sessions >= u64::try_from(ROOM).unwrap()).then_some(sessions)
    });
    assert_eq!(sessions, u64::try_from(ROOM).unwrap());
    ping(&mut first);
    server.operator().call("getinfo", &json!([]));
    drop(others);
    ping(&mut server.client());
    assert!(
        !server.logged().contains("cannot accept"),
        "{}",
        server.logged()
    );
}

#[test]
fn goes_on_when_no_more_files_can_be_opened() {
    let node = Bitcoind::start();
    let mut server = configured(&node);
    server.start();
    server.wait_ready();
    let mut first = server.client();
    server.leave_open_files(LEFT);
    let others = crowd(&server, 3 * LEFT);
    wait_until("a listener complains", PATIENCE, || {
        server
            .logged()
            .contains("cannot accept connections")
            .then_some(())
    });
    // Who is in is served, and the log does not fill.
    let start = Instant::now();
    while start.elapsed() < A_WHILE {
        ping(&mut first);
    }
    let log = server.logged();
    let complaints = log.lines().filter(|line| line.contains("cannot accept"));
    let complaints: Vec<_> = complaints.collect();
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(
        complaints[0].contains("Too many open files"),
        "{complaints:?}"
    );

    drop(others);
    for wire in Wire::ALL {
        ping(&mut server.client_over(wire));
    }
    server.assert_running();
    assert!(!server.logged().contains("panicked"));
}
