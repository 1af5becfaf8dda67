//! What sessions cost that say nothing: memory of each kind of connection, processor time of all.

use std::{net::SocketAddr, time::Duration};

use electrode_tests::{LineClient, Wire, tcp_to};
use serde_json::json;
use tokio::{task, time};

use crate::{facts::Facts, report::Report, server::Running};

/// Connections of each kind.
const SESSIONS: u16 = 1_000;
/// How long nothing is said.
const SILENCE: Duration = Duration::from_secs(5);

/// The figures of each kind of connection.
const KINDS: [(Wire, &str); 4] = [
    (Wire::Tcp, "memory of an idle session, tcp"),
    (Wire::Ssl, "memory of an idle session, ssl"),
    (Wire::Ws, "memory of an idle session, ws"),
    (Wire::Wss, "memory of an idle session, wss"),
];

/// Measures the memory of sessions of each kind, subscribed to headers and one script each.
///
/// All of them stay until the end: what the ones leave behind would hide what the next take.
pub(crate) async fn figures(
    running: &Running,
    facts: &Facts,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut clients = Vec::new();
    for ((kind, figure), address) in KINDS.into_iter().zip(running.services) {
        let scripts = facts.fresh.iter().cycle().take(SESSIONS.into());
        let scripts: Vec<_> = scripts.map(|script| script.script_hash.clone()).collect();
        let before = running.usage()?.rss_mb;
        let connected = move || connect(kind, address, scripts);
        clients.push(task::spawn_blocking(connected).await?);
        let each = (running.usage()?.rss_mb - before) * 1_000.0 / f64::from(SESSIONS);
        report.add(figure, each, "KB", &format!("{SESSIONS} sessions"))?;
    }
    Ok(())
}

fn connect(kind: Wire, address: SocketAddr, scripts: Vec<String>) -> Vec<LineClient> {
    let subscribed = |script| {
        let mut client = LineClient::over(kind.over(tcp_to(address)));
        client.call("server.version", &json!(["electrode-bench", "1.4"]));
        client.call("blockchain.headers.subscribe", &json!([]));
        client.call("blockchain.scripthash.subscribe", &json!([script]));
        client
    };
    scripts.into_iter().map(subscribed).collect()
}

/// Measures how many processors the server uses while nothing is said.
pub(crate) async fn processors(running: &Running) -> anyhow::Result<f64> {
    let before = running.usage()?.cpu_secs;
    time::sleep(SILENCE).await;
    let used = running.usage()?.cpu_secs - before;
    Ok(used / SILENCE.as_secs_f64())
}
