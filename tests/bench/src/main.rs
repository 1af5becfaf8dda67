//! Measures an Electrum server end to end: chain generator, initial build, load, notices.
//!
//! `generate` writes a deterministic regtest chain; `run` loads it into a real bitcoind, lets the
//! server under test index it and drives load, checking the answers against what the generator
//! knows. Figures, not verdicts: a slow machine fails nothing, a wrong answer does.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures go to stdout, progress to stderr"
)]

mod chain;
mod facts;
mod load;
mod node;
mod notice;
mod report;
mod rpc;
mod run;
mod server;
mod usage;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures an Electrum server end to end")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes a deterministic regtest chain and the facts to check answers against.
    Generate(chain::Options),
    /// Measures a server on a generated chain.
    Run(run::Options),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("electrode-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Generate(options) => chain::generate(&options),
        Command::Run(options) => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?
            .block_on(run::run(&options)),
    }
}
