//! One run: node, initial build, load, notices, figures.

use std::{path::PathBuf, time::Duration};

use anyhow::bail;

use crate::{
    chain::REFERENCE_TRANSACTIONS,
    facts::Facts,
    fairness, idle, load,
    node::{Node, Source},
    notice,
    report::{Figure, Goal, REFERENCE_GOALS, Report},
    server::{Electrode, Electrs, Running, Server},
    usage::{Busy, disk_mb},
};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The server under test.
    #[arg(long)]
    electrode: PathBuf,
    /// The node; Core 30 or Knots 29 and later give spent outputs by REST.
    #[arg(long)]
    bitcoind: PathBuf,
    /// Directory of a generated chain; the node's files are kept in it.
    #[arg(long)]
    chain: PathBuf,
    /// Where the server gets blocks from.
    #[arg(long, value_enum, default_value_t = Source::Rest)]
    source: Source,
    /// electrs 0.12, to measure first.
    #[arg(long)]
    electrs: Option<PathBuf>,
    /// The server's cache, such as "100MiB"; its own default when absent.
    #[arg(long)]
    cache: Option<String>,
    /// How long each row of load lasts.
    #[arg(long, default_value_t = 3)]
    row_secs: u64,
    /// Ends after the initial build: no load, no notices.
    #[arg(long)]
    only_build: bool,
    /// Goes on with notices after the initial build: no load.
    #[arg(long)]
    no_load: bool,
    /// Connections that hear of new blocks.
    #[arg(long, default_value_t = 1_000)]
    subscribers: usize,
    /// Writes the lines of figures to a file instead of stdout.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Prints the figures as a Markdown table at the end.
    #[arg(long)]
    table: bool,
}

/// Measures the server and prints its figures; fails when any answer was wrong.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let facts = Facts::read(&options.chain)?;
    let node = Node::start(&options.bitcoind, &options.chain, &facts, options.source).await?;
    let server = Electrode {
        bin: options.electrode.clone(),
        cache: options.cache.clone(),
        source: options.source,
    };
    let mut report = Report::new(options.json.as_deref())?;
    if let Some(bin) = options.electrs.clone() {
        measure_peer(options, &Electrs { bin }, &node, &facts, &mut report).await?;
    }
    report.begin(server.name());
    let measured = measure(options, &server, &node, &facts, &mut report).await;
    let stopped = node.stop().await;
    if options.table {
        println!("{}", report.table(goals(&facts)));
    }
    measured?;
    stopped?;
    match report.wrong() {
        Some(wrong) => bail!("wrong answers: {wrong}"),
        None => Ok(()),
    }
}

/// The goals hold for the reference chain alone.
fn goals(facts: &Facts) -> &'static [Goal] {
    // The genesis block's transaction counts in the facts.
    if facts.totals.transactions == REFERENCE_TRANSACTIONS + 1 {
        &REFERENCE_GOALS
    } else {
        &[]
    }
}

/// Measures what a server by others has in common with ours: initial build and load. Answers that
/// are wrong, or do not come, are shown.
async fn measure_peer(
    options: &Options,
    peer: &dyn Server,
    node: &Node,
    facts: &Facts,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.begin(peer.name());
    let dir = tempfile::tempdir()?;
    eprintln!("building the index of {}", peer.name());
    let running = Running::start(peer, node, dir.path(), facts).await?;
    build_figures("its own cache", &running, facts, report)?;
    if options.only_build {
        return Ok(());
    }
    for row in load::rows(facts)?.iter().filter(|row| row.is_repeated()) {
        eprintln!("load: {}", row.figure);
        let time = Duration::from_secs(options.row_secs);
        match row.drive_unverified(running.service, time).await {
            Ok(outcome) => {
                let figure = load_figure(report.server(), row, outcome);
                report.push(figure)?;
            }
            Err(error) => eprintln!(
                "{} gives no figure for {}: {error:#}",
                peer.name(),
                row.figure
            ),
        }
    }
    Ok(())
}

async fn measure(
    options: &Options,
    server: &dyn Server,
    node: &Node,
    facts: &Facts,
    report: &mut Report,
) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    eprintln!("building the index");
    let running = Running::start(server, node, dir.path(), facts).await?;
    let cache = options.cache.as_deref().unwrap_or("default");
    let how = format!("{cache} cache, {}", options.source.name());
    build_figures(&how, &running, facts, report)?;
    if options.only_build {
        return running.stop().await;
    }
    if !options.no_load {
        load_rows(options, &running, node, facts, report).await?;
        eprintln!("fairness");
        let time = Duration::from_secs(options.row_secs);
        fairness::figures(running.service, facts, time, report).await?;
    }
    running.stop().await?;
    eprintln!("starting again: idle sessions");
    let running = Running::start(server, node, dir.path(), facts).await?;
    idle::figures(&running, facts, report).await?;
    running.stop().await?;
    eprintln!("starting again: notices");
    // A fresh process: what the load left in the allocator would hide the memory of sessions.
    let running = Running::start(server, node, dir.path(), facts).await?;
    report.add(
        "restart",
        running.ready_after.as_secs_f64(),
        "s",
        "with an index",
    )?;
    report.add(
        "RSS without sessions",
        running.usage()?.rss_mb,
        "MB",
        "after the restart",
    )?;
    notice::figures(options.subscribers, &running, node, facts, report).await?;
    running.stop().await
}

fn build_figures(
    how: &str,
    running: &Running,
    facts: &Facts,
    report: &mut Report,
) -> anyhow::Result<()> {
    let usage = running.usage()?;
    let index = disk_mb(&running.data_dir)?;
    report.add("initial build", running.ready_after.as_secs_f64(), "s", how)?;
    report.add("initial build, CPU", usage.cpu_secs, "s", how)?;
    let transactions = u32::try_from(facts.totals.transactions)?;
    let each = usage.cpu_secs * 1e6 / f64::from(transactions);
    let of = format!("{transactions} transactions, {how}");
    report.add("initial build, CPU of a transaction", each, "µs", &of)?;
    report.add("initial build, peak RSS", usage.peak_rss_mb, "MB", how)?;
    report.add("index", index, "MB", how)
}

async fn load_rows(
    options: &Options,
    running: &Running,
    node: &Node,
    facts: &Facts,
    report: &mut Report,
) -> anyhow::Result<()> {
    let pids = [running.pid()?, node.pid()?, std::process::id()];
    let before = Busy::now(&pids)?;
    for row in load::rows(facts)? {
        eprintln!("load: {}", row.figure);
        let time = Duration::from_secs(options.row_secs);
        let outcome = row.drive(running.service, time).await?;
        let figure = load_figure(report.server(), &row, outcome);
        report.push(figure)?;
    }
    let others = Busy::now(&pids)?.others_since(&before);
    report.add(
        "processors used by others",
        others,
        "CPUs",
        "during the load",
    )?;
    let how = "after the load";
    report.add("peak RSS", running.usage()?.peak_rss_mb, "MB", how)?;
    report.add("index at the end", disk_mb(&running.data_dir)?, "MB", how)
}

fn load_figure(server: &str, row: &load::Row, outcome: load::Outcome) -> Figure {
    let first = outcome.first_wrong.unwrap_or_default();
    let wrong = format!(
        "{} of {} answers checked, first: {first}",
        outcome.wrong, outcome.checked
    );
    Figure {
        server: server.to_owned(),
        figure: row.figure,
        value: f64::from(outcome.answers) / outcome.took.as_secs_f64(),
        unit: "/s",
        how: format!(
            "{} clients × {} in flight",
            row.crew.clients, row.crew.in_flight
        ),
        wrong: (outcome.wrong > 0).then_some(wrong),
    }
}
