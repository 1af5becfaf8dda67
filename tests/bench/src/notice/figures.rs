//! The figures of notices.

use super::{Delays, Subscribers, blocks, transactions};
use crate::{
    facts::Facts,
    idle,
    node::Node,
    report::Report,
    server::Running,
    usage::{Busy, Usage},
};

/// How many of the facts' spendable outputs are spent by the blocks mined.
const SPENT_IN_BLOCKS: usize = 2_000;
/// How many of the rest are spent by transactions sent to the mempool.
const SENT: usize = 200;
/// Figures and the percentiles that they tell.
const BLOCK_NOTICES: [(&str, usize); 3] = [
    ("new block to notice, p50", 50),
    ("new block to notice, p99", 99),
    ("new block to notice, last", 100),
];
/// Processor time of a block, by whom, shared among those who heard of it.
const NOTICE_CPU: [&str; 3] = [
    "CPU of a block notice, server",
    "CPU of a block notice, load generator",
    "CPU of a block notice, node",
];
const TRANSACTION_NOTICES: [(&str, usize); 2] = [
    ("new transaction to notice, p50", 50),
    ("new transaction to notice, p99", 99),
];

/// Measures subscribers that idle, and how soon they hear of blocks and transactions.
pub(crate) async fn figures(
    count: usize,
    running: &Running,
    node: &Node,
    facts: &Facts,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (mined, rest) = facts
        .spendable
        .split_at(facts.spendable.len().min(SPENT_IN_BLOCKS));
    let sent = rest.get(..SENT).unwrap_or(rest);
    eprintln!("notices: {count} subscribers");
    let how = format!("{count} subscribers");
    let before = running.usage()?.rss_mb;
    let mut subscribers = Subscribers::connect(running.service, count, facts).await?;
    let subscribed = running.usage()?.rss_mb - before;
    let each = subscribed * 1_000.0 / u32::try_from(count).map_or(1.0, f64::from);
    report.add("memory of all subscribed sessions", subscribed, "MB", &how)?;
    report.add("memory of a subscribed session", each, "KB", &how)?;
    let used = idle::processors(running).await?;
    report.add("processors used while idle", used, "CPUs", &how)?;

    let pids = [running.pid()?, std::process::id(), node.pid()?];
    let (began, before) = (Busy::now(&pids)?, cpu_secs(pids)?);
    let delays = blocks(&node.rpc, facts, mined, &mut subscribers).await?;
    let used = cpu_secs(pids)?.into_iter().zip(before);
    let others = Busy::now(&pids)?.others_since(&began);
    let during = "during the block notices";
    report.add("processors used by others", others, "CPUs", during)?;
    drop(subscribers);
    block_figures(
        &delays,
        used.map(|(after, before)| after - before),
        &how,
        report,
    )?;

    let delays = transactions(&node.rpc, running.service, sent).await?;
    let how = format!("{} transactions", sent.len());
    for (figure, percent) in TRANSACTION_NOTICES {
        report.add(figure, delays.percentile_ms(percent)?, "ms", &how)?;
    }
    Ok(())
}

fn block_figures(
    delays: &Delays,
    used: impl Iterator<Item = f64>,
    how: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let notices = f64::from(u32::try_from(delays.count())?);
    for (figure, secs) in NOTICE_CPU.into_iter().zip(used) {
        report.add(figure, secs * 1e6 / notices, "µs", how)?;
    }
    for (figure, percent) in BLOCK_NOTICES {
        report.add(figure, delays.percentile_ms(percent)?, "ms", how)?;
    }
    Ok(())
}

fn cpu_secs(pids: [u32; 3]) -> anyhow::Result<[f64; 3]> {
    let mut secs = [0.0; 3];
    for (secs, pid) in secs.iter_mut().zip(pids) {
        *secs = Usage::of(pid)?.cpu_secs;
    }
    Ok(secs)
}
