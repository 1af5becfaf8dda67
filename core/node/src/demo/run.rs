//! The demonstration itself: a node, a server on it, and what a newcomer can try.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use electrode_coin::{Coin as _, ScriptHash};

use super::{DemoAddress, DemoNode, Pace, real::RealNode};
use crate::{
    Failure, cli,
    config::{Config, Sources},
    log::{self, say},
    serve::{serve, until_signal},
};

/// Where a demonstration listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// For wallets.
    pub(crate) wallets: u16,
    /// For the status page.
    pub(crate) http: u16,
}

/// Serves a chain made up on the spot until Ctrl-C, with its files in `dir`. With a `bitcoind` the
/// chain is that of a real node, started for the occasion.
pub(crate) async fn run(
    dir: &Path,
    ports: Ports,
    bitcoind: Option<PathBuf>,
) -> Result<(), Failure> {
    match bitcoind {
        Some(program) => {
            let program = OsString::from(program);
            let node = RealNode::start(&program, &dir.join("node"), Pace::default()).await?;
            let cookie = [(
                "daemon.cookie_file",
                node.cookie_file().display().to_string(),
            )];
            let served = demonstrate(dir, node.url(), &cookie, node.people(), ports).await;
            node.stop().await;
            served
        }
        None => {
            let node = DemoNode::start(Pace::default());
            let node = node.await.map_err(|source| Failure::System {
                what: "cannot start the demo",
                source,
            })?;
            let served = demonstrate(dir, &node.url(), &[], &node.addresses(), ports).await;
            node.stop().await;
            served
        }
    }
}

async fn demonstrate(
    dir: &Path,
    url: &str,
    login: &[(&'static str, String)],
    people: &[DemoAddress],
    ports: Ports,
) -> Result<(), Failure> {
    let mut overrides = vec![
        ("coin", "Bitcoin".to_owned()),
        ("net", "regtest".to_owned()),
        ("data_dir", dir.join("index").display().to_string()),
        ("daemon.urls", url.to_owned()),
        ("daemon.poll_interval_mempool", "500ms".to_owned()),
        (
            "serve.services",
            format!("tcp://127.0.0.1:{}", ports.wallets),
        ),
        ("serve.http", format!("127.0.0.1:{}", ports.http)),
        ("log.format", "compact".to_owned()),
    ];
    overrides.extend_from_slice(login);
    // A demo is the same everywhere, whatever the environment says.
    let config: Config = cli::load(Sources {
        file: None,
        env: Vec::new(),
        overrides,
    })?;
    log::start(&config.log);
    invite(people, ports)?;
    serve(&config, || Ok(config.clone()), until_signal()).await
}

fn invite(people: &[DemoAddress], ports: Ports) -> Result<(), Failure> {
    let Ports { wallets, http } = ports;
    say(
        "Electrode demo: a regtest chain made up on the spot; Ctrl-C ends it and removes its files.\n",
    )?;
    say(format_args!(
        "  Status page   http://127.0.0.1:{http}/status"
    ))?;
    say(format_args!(
        "  Wallets       127.0.0.1:{wallets} (plain TCP, regtest)\n"
    ))?;
    say("People on the chain, and what they own now:\n")?;
    for person in people {
        let coins = person.balance.0 / 100_000_000;
        let rest = person.balance.0 % 100_000_000;
        say(format_args!(
            "  {:<6} {coins:>8}.{rest:08} BTC  {}",
            person.name, person.address
        ))?;
    }
    match people.get(1) {
        Some(person) => propose(person, wallets),
        None => Ok(()),
    }
}

fn propose(person: &DemoAddress, port: u16) -> Result<(), Failure> {
    let known = electrode_coins::KnownCoins::built_in();
    let coin = &known.find("Bitcoin", "regtest")?.coin;
    let script = coin.address_to_script(&person.address).unwrap_or_default();
    let hash = ScriptHash::of(&script);
    let program = program();
    say(format_args!(
        "\nTry, in another terminal, what a wallet asks about {}:\n",
        person.name
    ))?;
    for (method, note) in [
        ("get_balance", ""),
        ("subscribe", "   # stays open: payments are pushed"),
    ] {
        say(format_args!(
            "  {program} call 127.0.0.1:{port} blockchain.scripthash.{method} {hash}{note}"
        ))?;
    }
    match &person.wif {
        Some(wif) => say(format_args!(
            "\nOr a real wallet, with {}'s key {wif}:\n",
            person.name
        ))?,
        None => say("\nOr a real wallet:\n")?,
    }
    say(format_args!(
        "  electrum --regtest --oneserver -s 127.0.0.1:{port}:t\n"
    ))
}

/// Names this program as another terminal finds it: as it was typed if that was on the path.
fn program() -> String {
    let typed = env::args_os().next().map(PathBuf::from);
    let path = match typed {
        Some(name) if name.components().count() == 1 => name,
        Some(path) => env::current_exe().unwrap_or(path),
        None => PathBuf::from("electrode"),
    };
    quoted(&path.display().to_string())
}

/// Writes a word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,=".contains(c);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_take_apart() {
        for (word, expected) in [
            ("/usr/bin/electrode", "/usr/bin/electrode"),
            ("/my disk/electrode", "'/my disk/electrode'"),
            ("/it's/$(x)", r"'/it'\''s/$(x)'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
