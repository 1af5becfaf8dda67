//! Measures an Electrum server end to end: chain generator, initial build, load, notices.
//!
//! `generate` writes a deterministic regtest chain; `run` loads it into a real bitcoind, lets the
//! server under test index it and drives load, checking the answers against what the generator
//! knows. Figures, not verdicts: a slow machine fails nothing, a wrong answer does.
//! A library, because the benches of hot functions (`benches/`) take their blocks from the generator.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures go to stdout, progress to stderr"
)]

pub mod chain;
mod facts;
mod fairness;
mod idle;
mod load;
mod node;
mod notice;
mod report;
mod rpc;
mod run;
mod server;
mod usage;
mod wire;

use clap::{Parser, Subcommand};

/// The command line of the program.
#[derive(Debug, Parser)]
#[command(about = "Measures an Electrum server end to end")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a deterministic regtest chain and the facts to check answers against.
    Generate(chain::Options),
    /// Measures a server on a generated chain.
    Run(run::Options),
}

/// Does what the command line says.
///
/// # Errors
/// A file or a process failed, or the server under test gave a wrong answer.
pub fn execute(cli: Cli) -> anyhow::Result<()> {
    // Ten thousand subscribers are as many open files; the server raises its own limit.
    rlimit::increase_nofile_limit(u64::MAX)?;
    match cli.command {
        Command::Generate(options) => chain::generate(&options),
        Command::Run(options) => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?
            .block_on(run::run(&options)),
    }
}
