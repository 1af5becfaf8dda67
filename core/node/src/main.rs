//! `electrode`: an Electrum server for Bitcoin and every coin that descends from it.
//!
//! The story of a run: read the command line ([`cli`]), put the configuration together
//! ([`config`]), then do what was asked: serve a node's chain to wallets ([`serve`]), do so for a
//! chain made up on the spot ([`demo`]), look after an index ([`offline`]), or ask a running server
//! for something ([`admin`]).

mod admin;
mod build;
mod chain;
mod check;
mod cli;
mod coins;
mod config;
mod data_dir;
mod demo;
mod failure;
mod follow;
mod limits;
mod listen;
mod log;
mod offline;
mod open_files;
mod permissions;
mod progress;
mod reload;
mod serve;
mod session_log;
mod tls;

use std::{process::ExitCode, time::Duration};

use clap::Parser as _;

use cli::{AdminCommand, Cli, CoinCommand, Command, ConfigCommand, IndexCommand};
use failure::{Failure, USAGE};

/// Many threads allocate small pieces that others free, which this one is made for.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Longest time that blocking work gets to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cli::explain(&error),
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::complain(&failure);
            failure.exit_code()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Some(Command::Demo {
            port,
            http_port,
            real,
            bitcoind,
        }) => {
            let on_path = real.then(|| "bitcoind".into());
            let ports = demo::Ports {
                wallets: port,
                http: http_port,
            };
            // Goes when the runtime is down, whose last tasks may still write into it.
            let dir = tempfile::tempdir().map_err(|source| Failure::System {
                what: "cannot make a folder for the demo",
                source,
            })?;
            on_runtime(demo::run(dir.path(), ports, bitcoind.or(on_path)))
        }
        Some(Command::Coins { json }) => coins::list(&cli.source.coin_folders()?, json),
        Some(Command::Coin(CoinCommand::Check(check))) => coins::check(&check),
        Some(Command::Config(ConfigCommand::Check)) => {
            on_runtime(check::check(&cli.source.load()?))
        }
        Some(Command::Config(ConfigCommand::Print)) => {
            log::say(cli.source.load()?.print().trim_end())
        }
        Some(Command::Index(command)) => {
            let config = cli.source.load()?;
            log::start(&config.log);
            match command {
                IndexCommand::Info { hash } => offline::info(&config, hash),
                IndexCommand::Verify => on_runtime(offline::verify(&config)),
                IndexCommand::Rewind { blocks } => offline::rewind(&config, blocks),
            }
        }
        Some(Command::Admin { command, target }) => admin::ask(command, &target, &cli.source),
        Some(Command::Query { query, target }) => {
            admin::ask(AdminCommand::Query(query), &target, &cli.source)
        }
        Some(Command::Serve) | None => {
            let config = cli.source.load()?;
            log::start(&config.log);
            let reread = || cli.source.load();
            on_runtime(serve::serve(&config, reread, serve::until_signal()))
        }
    }
}

/// Runs on a runtime that, when all is done, does not wait for a scan that nobody waits for.
fn on_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|source| Failure::System {
        what: "cannot start the runtime",
        source,
    })?;
    let ended = runtime.block_on(work);
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    ended
}
