//! Every request of a row once more, unhurried: each must be answered once, and rightly.

use std::net::SocketAddr;

use serde_json::Value;

use super::{Outcome, READ_BUFFER, Request};
use crate::wire::Wire;

/// How many requests are in flight.
const CHUNK: usize = 20;

/// Asks each request and checks its answer in full.
pub(super) async fn each_once(
    service: SocketAddr,
    requests: &[Request],
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut wire = Wire::connect(service, READ_BUFFER).await?;
    for (first, chunk) in (0..).step_by(CHUNK).zip(requests.chunks(CHUNK)) {
        let lines: Vec<&[u8]> = chunk
            .iter()
            .map(|request| request.line.as_slice())
            .collect();
        wire.send(&lines.concat()).await?;
        let mut ids = Vec::with_capacity(chunk.len());
        while ids.len() < chunk.len() {
            let message: Value = serde_json::from_slice(wire.line().await?)?;
            if message.get("method").is_none() {
                ids.push(outcome.check(requests, &message));
            }
        }
        ids.sort_unstable();
        let asked = first..first + chunk.len();
        if !ids.iter().copied().eq(asked.clone().map(Some)) {
            outcome.wrong(&format!(
                "expected one answer to each of {asked:?}, got {ids:?}"
            ));
        }
    }
    Ok(())
}
