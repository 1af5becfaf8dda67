//! `electrode`: an Electrum server for Bitcoin and every coin that descends from it.
//!
//! The story of a run: read the command line ([`cli`]), put the configuration together
//! ([`config`]), then do what was asked: serve a node's chain to wallets ([`serve`]), do so for a
//! chain made up on the spot ([`demo`]), look after an index ([`offline`]), or ask a running server
//! for something, as its operator ([`admin`]) or as a wallet ([`call`]).

mod admin;
mod build;
mod call;
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
mod pages;
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
            if !matches!(failure, Failure::NobodyReads) {
                log::complain(&failure);
            }
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
            cli.source.expect_none("demo")?;
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
        Some(Command::Coin(CoinCommand::Check(check))) => {
            on_runtime(coins::check(&check, &cli.source))
        }
        Some(Command::Config(ConfigCommand::Check)) => {
            on_runtime(check::check(&cli.source.load()?))
        }
        Some(Command::Config(ConfigCommand::Print)) => {
            let config = cli.source.load()?;
            let coin = chain::coin(&config).ok();
            let port = coin.map(|coin| coin.descriptor().rpc_port);
            log::say(config.print(port).trim_end())
        }
        Some(Command::Index(command)) => {
            let config = cli.source.load()?;
            log::start(&config.log);
            match command {
                IndexCommand::Info { hash } => offline::info(&config, hash),
                IndexCommand::Verify => on_runtime(offline::verify(&config)),
                IndexCommand::Repair => on_runtime(offline::repair(&config)),
                IndexCommand::Rewind { blocks } => offline::rewind(&config, blocks),
            }
        }
        Some(Command::Admin { command, target }) => admin::ask(command, &target, &cli.source),
        Some(Command::Query { query, target }) => {
            admin::ask(AdminCommand::Query(query), &target, &cli.source)
        }
        Some(Command::Call(args)) => {
            cli.source.expect_none("call")?;
            on_runtime(call::call(&args))
        }
        Some(Command::Completions { shell }) => {
            cli.source.expect_none("completions")?;
            pages::complete(shell)
        }
        Some(Command::Man { folder }) => {
            cli.source.expect_none("man")?;
            pages::write_manual(&folder)
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
