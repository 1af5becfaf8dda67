//! The demonstration itself: the made-up node, a server on it, and what a newcomer can try.

use std::path::Path;

use electrode_coin::{Coin as _, ScriptHash};
use electrode_coins::KnownCoins;

use super::{DemoAddress, DemoNode, Pace};
use crate::{
    Failure, cli,
    config::{Config, Sources},
    log::{self, say},
    serve::{serve, until_signal},
};

/// Serves a chain made up on the spot until Ctrl-C, and leaves no file behind.
pub(crate) async fn run(port: u16, http_port: u16) -> Result<(), Failure> {
    let failed = |what| move |source| Failure::System { what, source };
    let dir = tempfile::tempdir().map_err(failed("cannot make a folder for the demo"))?;
    let node = DemoNode::start(Pace::default())
        .await
        .map_err(failed("cannot start the demo"))?;
    let config = config(dir.path(), &node.url(), port, http_port)?;
    log::start(&config.log);
    invite(&node.addresses(), port, http_port)?;
    let served = serve(&config, until_signal()).await;
    node.stop().await;
    served
}

fn config(dir: &Path, url: &str, port: u16, http_port: u16) -> Result<Config, Failure> {
    let overrides = [
        ("coin", "Bitcoin".to_owned()),
        ("net", "regtest".to_owned()),
        ("data_dir", dir.display().to_string()),
        ("daemon.urls", url.to_owned()),
        ("daemon.poll_interval_mempool", "500ms".to_owned()),
        ("serve.services", format!("tcp://127.0.0.1:{port}")),
        ("serve.http", format!("127.0.0.1:{http_port}")),
        ("log.format", "compact".to_owned()),
    ];
    // A demo is the same everywhere, whatever the environment says.
    cli::load(Sources {
        file: None,
        env: Vec::new(),
        overrides: overrides.to_vec(),
    })
}

fn invite(addresses: &[DemoAddress], port: u16, http_port: u16) -> Result<(), Failure> {
    let known = KnownCoins::built_in();
    let coin = &known.find("Bitcoin", "regtest")?.coin;
    say(
        "Electrode demo: a regtest chain made up on the spot; Ctrl-C ends it and removes its files.\n",
    )?;
    say(format_args!(
        "  Status page   http://127.0.0.1:{http_port}/status"
    ))?;
    say(format_args!(
        "  Wallets       127.0.0.1:{port} (plain TCP, regtest)\n"
    ))?;
    say("People on the chain, and what they own now:\n")?;
    for person in addresses {
        let coins = person.balance.0 / 100_000_000;
        let rest = person.balance.0 % 100_000_000;
        say(format_args!(
            "  {:<6} {:>8}.{rest:08} BTC  {}",
            person.name, coins, person.address
        ))?;
    }
    let Some(person) = addresses.get(1) else {
        return Ok(());
    };
    let script = coin.address_to_script(&person.address).unwrap_or_default();
    let hash = ScriptHash::of(&script);
    say(format_args!(
        "\nTry, in another terminal, what a wallet asks about {}:\n",
        person.name
    ))?;
    for (method, note) in [
        ("get_balance", ""),
        ("subscribe", "   # stays open: payments are pushed"),
    ] {
        say(format_args!(
            "  (echo '{{\"id\":1,\"method\":\"blockchain.scripthash.{method}\",\"params\":[\"{hash}\"]}}'; cat) | nc 127.0.0.1 {port}{note}"
        ))?;
    }
    say(format_args!(
        "\nOr a real wallet with {}'s key {}:\n",
        person.name, person.wif
    ))?;
    say(format_args!(
        "  electrum --regtest --oneserver -s 127.0.0.1:{port}:t\n"
    ))
}
