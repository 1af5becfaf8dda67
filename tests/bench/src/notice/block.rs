//! A new block, and its header at many subscribers.

use std::{
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use bitcoin::{Transaction, consensus::encode::serialize_hex};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Delays, spend_in_run};
use crate::{
    chain::{Place, assemble, made_in_run},
    facts::{Facts, Spendable},
    rpc::Rpc,
    wire::{PATIENCE, Wire},
};

const TXS_PER_BLOCK: usize = 100;
/// Large enough for a notice, small enough for ten thousand subscribers.
const READ_BUFFER: usize = 1_024;
const METHOD: &str = "blockchain.headers.subscribe";

/// Connections that hear of every header.
#[derive(Debug)]
pub(crate) struct Subscribers {
    count: usize,
    heard: mpsc::Receiver<(Instant, Vec<u8>)>,
    /// Dropped, it ends the tasks that listen.
    _listeners: JoinSet<anyhow::Result<()>>,
}

impl Subscribers {
    /// Connects them; each subscribes to headers and to one script.
    pub(crate) async fn connect(
        service: SocketAddr,
        count: usize,
        facts: &Facts,
    ) -> anyhow::Result<Self> {
        let (sender, heard) = mpsc::channel(count.max(1));
        let mut listeners = JoinSet::new();
        for script in facts.fresh.iter().cycle().take(count) {
            let wire = Wire::connect(service, READ_BUFFER).await;
            let mut wire = wire.context("a subscriber: is `ulimit -n` above --subscribers?")?;
            wire.call(METHOD, json!([])).await?;
            wire.call(
                "blockchain.scripthash.subscribe",
                json!([script.script_hash]),
            )
            .await?;
            listeners.spawn(listen(wire, sender.clone()));
        }
        Ok(Self {
            count,
            heard,
            _listeners: listeners,
        })
    }

    /// Waits until every one has heard of a header and returns when each did.
    async fn hear(&mut self, height: usize, header: &str) -> anyhow::Result<Vec<Instant>> {
        let mut times = Vec::with_capacity(self.count);
        let mut lines = Vec::with_capacity(self.count);
        while times.len() < self.count {
            let heard = timeout(PATIENCE, self.heard.recv()).await.ok().flatten();
            let (time, line) = heard.with_context(|| {
                format!(
                    "{} of {} subscribers heard of block {height}",
                    times.len(),
                    self.count
                )
            })?;
            times.push(time);
            lines.push(line);
        }
        for line in lines {
            let notice: Value = serde_json::from_slice(&line)?;
            let expected = json!([{"height": height, "hex": header}]);
            ensure!(
                notice.get("params") == Some(&expected),
                "expected {expected}, got {notice}"
            );
        }
        Ok(times)
    }
}

/// Mines a block of each chunk of spends and returns how long after it its header was heard.
pub(crate) async fn blocks(
    rpc: &Rpc,
    facts: &Facts,
    spendable: &[Spendable],
    subscribers: &mut Subscribers,
) -> anyhow::Result<Delays> {
    let mut delays = Vec::new();
    let mut previous = facts
        .blocks
        .last()
        .context("a chain has blocks")?
        .hash
        .parse()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    for (index, spent) in (0..).zip(spendable.chunks(TXS_PER_BLOCK)) {
        let height = u32::try_from(facts.height())? + 1 + index;
        let place = Place {
            previous,
            height,
            // One second a block: a block's time must be above the median of the last eleven.
            time: u32::try_from(now.as_secs())? + index,
            // An earlier run's block of this height was undone and would be refused.
            note: u64::try_from(now.as_micros())?,
        };
        let block = assemble(&place, 0, made_in_run(0), transactions(spent)?);
        previous = block.block_hash();
        let params = json!([serialize_hex(&block)]);
        let began = Instant::now();
        let refused = rpc.call("submitblock", params).await?;
        ensure!(
            refused.is_null(),
            "the node refuses block {height}: {refused}"
        );
        let header = serialize_hex(&block.header);
        let times = subscribers.hear(usize::try_from(height)?, &header).await?;
        delays.extend(times.into_iter().map(|time| time.duration_since(began)));
    }
    Ok(Delays::new(delays))
}

fn transactions(spent: &[Spendable]) -> anyhow::Result<Vec<Transaction>> {
    (1..)
        .zip(spent)
        .map(|(index, fact)| spend_in_run(fact, made_in_run(index)))
        .collect()
}

async fn listen(mut wire: Wire, heard: mpsc::Sender<(Instant, Vec<u8>)>) -> anyhow::Result<()> {
    loop {
        let line = wire.line_at_leisure().await?;
        let time = Instant::now();
        // A block may also touch the script subscribed to.
        if line
            .windows(METHOD.len())
            .any(|window| window == METHOD.as_bytes())
        {
            heard.send((time, line.to_vec())).await?;
        }
    }
}
