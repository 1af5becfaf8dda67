//! What greedy clients do to a polite one.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use serde_json::json;
use tokio::{
    runtime,
    task::{self, JoinSet},
    time::{Instant, interval},
};

use crate::{
    facts::{Facts, ScriptFact},
    notice::Delays,
    report::Report,
    wire::{Wire, request},
};

/// Clients that ask as fast as they can.
const GREEDY: usize = 50;
/// Requests that each of them has in flight.
const IN_FLIGHT: usize = 20;
/// How often the polite client asks.
const POLITE_INTERVAL: Duration = Duration::from_millis(5);
/// Scripts that are asked about in turn.
const SCRIPTS: usize = 1_000;
const READ_BUFFER: usize = 64 << 10;

const BALANCE: &str = "blockchain.scripthash.get_balance";
const HISTORY: &str = "blockchain.scripthash.get_history";

/// What the greedy clients ask, and the figures of the polite one beside them.
const CROWDS: [(&str, &str, &str); 2] = [
    (
        BALANCE,
        "polite beside balances, p50",
        "polite beside balances, p99",
    ),
    (
        HISTORY,
        "polite beside hot histories, p50",
        "polite beside hot histories, p99",
    ),
];

/// Measures how long a polite client waits for small answers beside each crowd.
pub(crate) async fn figures(
    service: SocketAddr,
    facts: &Facts,
    time: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    let small: Vec<&ScriptFact> = facts.fresh.iter().take(SCRIPTS).collect();
    let hot: Vec<&ScriptFact> = facts.hot.iter().collect();
    for (method, p50, p99) in CROWDS {
        let asked = if method == HISTORY { &hot } else { &small };
        let delays = beside(service, &lines(method, asked), lines(BALANCE, &small), time).await?;
        let how = format!("{GREEDY} greedy × {IN_FLIGHT} in flight");
        report.add(p50, delays.percentile_ms(50)?, "ms", &how)?;
        report.add(p99, delays.percentile_ms(99)?, "ms", &how)?;
    }
    Ok(())
}

fn lines(method: &str, scripts: &[&ScriptFact]) -> Vec<Vec<u8>> {
    let line = |script: &&ScriptFact| {
        let request = request(0, method, &json!([script.script_hash]));
        format!("{request}\n").into_bytes()
    };
    scripts.iter().map(line).collect()
}

/// Lets a polite client ask its requests beside greedy ones that ask theirs.
///
/// The polite one has a thread of its own: what it waits for is the server, not the crowd's turn in
/// this program.
async fn beside(
    service: SocketAddr,
    greedy: &[Vec<u8>],
    polite: Vec<Vec<u8>>,
    time: Duration,
) -> anyhow::Result<Delays> {
    // They end with the set.
    let mut crowd = JoinSet::new();
    for first in 0..GREEDY {
        let wire = Wire::connect(service, READ_BUFFER).await?;
        crowd.spawn(ask_greedily(wire, greedy.to_vec(), first));
    }
    let asking = task::spawn_blocking(move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(ask_politely(service, &polite, time))
    });
    let delays = asking.await??;
    if let Some(ended) = crowd.try_join_next() {
        ended?.context("a greedy client")?;
    }
    Ok(delays)
}

/// Asks one thing at a time, now and then.
async fn ask_politely(
    service: SocketAddr,
    lines: &[Vec<u8>],
    time: Duration,
) -> anyhow::Result<Delays> {
    let mut wire = Wire::connect(service, READ_BUFFER).await?;
    let mut ticks = interval(POLITE_INTERVAL);
    let (until, mut delays) = (Instant::now() + time, Vec::new());
    for line in lines.iter().cycle() {
        ticks.tick().await;
        let asked = Instant::now();
        if asked >= until {
            break;
        }
        wire.send(line).await?;
        wire.line().await?;
        delays.push(asked.elapsed());
    }
    Ok(Delays::new(delays))
}

/// Keeps requests in flight for ever.
async fn ask_greedily(mut wire: Wire, lines: Vec<Vec<u8>>, first: usize) -> anyhow::Result<()> {
    let mut lines = lines.iter().cycle().skip(first);
    for line in lines.by_ref().take(IN_FLIGHT) {
        wire.send(line).await?;
    }
    for line in lines {
        wire.line().await?;
        wire.send(line).await?;
    }
    Ok(())
}
