//! A new transaction in the node's mempool, and the new status of the script that it pays.

use std::net::SocketAddr;

use anyhow::ensure;
use bitcoin::consensus::encode::serialize_hex;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Delays, spend_in_run};
use crate::{
    chain::{made_in_run, script_hash},
    facts::Spendable,
    rpc::Rpc,
    wire::Wire,
};

const READ_BUFFER: usize = 4_096;
/// Scripts paid from here on; below are those that blocks of this run pay.
const FIRST_SCRIPT: u32 = 1_000_000;

/// Sends transactions one by one and returns how long after each its script's subscriber heard.
pub(crate) async fn transactions(
    rpc: &Rpc,
    service: SocketAddr,
    spendable: &[Spendable],
) -> anyhow::Result<Delays> {
    let mut wire = Wire::connect(service, READ_BUFFER).await?;
    let mut delays = Vec::new();
    for (index, fact) in (FIRST_SCRIPT..).zip(spendable) {
        let script = made_in_run(index);
        let script_hash = script_hash(script);
        let status = wire
            .call("blockchain.scripthash.subscribe", json!([script_hash]))
            .await?;
        ensure!(
            status.is_null(),
            "expected no history of a new script, got {status}"
        );
        let params = json!([serialize_hex(&spend_in_run(fact, script)?)]);
        let began = Instant::now();
        rpc.call("sendrawtransaction", params).await?;
        hear(&mut wire, &script_hash).await?;
        delays.push(began.elapsed());
    }
    Ok(Delays::new(delays))
}

async fn hear(wire: &mut Wire, script_hash: &str) -> anyhow::Result<()> {
    let notice: Value = serde_json::from_slice(wire.line().await?)?;
    let heard = notice.pointer("/params/0") == Some(&json!(script_hash))
        && notice.pointer("/params/1").is_some_and(Value::is_string);
    ensure!(
        heard,
        "expected a new status of {script_hash}, got {notice}"
    );
    Ok(())
}
