//! The coins and nets that are known, and where each comes from.

use std::{collections::BTreeSet, path::Path};

use electrode_coin::{AddressVersion, Coin as _, Descriptor};
use electrode_coins::{KnownCoin, KnownCoins};
use electrode_loader::{ForeignCoin, LoadError, Plugin, PluginFile, Reason, Wanted};
use serde_json::{Value, json};

use crate::{
    Failure,
    config::{CoinFolders, PluginsSection},
    log::{complain, say},
};

/// A coin and net in the list.
struct Listed {
    descriptor: Descriptor,
    source: String,
    /// Version of the border, of a plugin.
    abi: Option<String>,
}

/// Lists the coins and nets that are known; descriptors and plugins that cannot be used are told
/// on standard error.
pub(crate) fn list(folders: &CoinFolders, json: bool) -> Result<(), Failure> {
    let known = KnownCoins::gather(folders.coins_dir.as_deref())?;
    known.faults().for_each(complain);
    let known = known.list();
    let nets = known.iter().map(|known| &*known.coin.descriptor().net);
    let nets: BTreeSet<&str> = nets.collect();
    let mut listed = match &folders.plugins.dir {
        Some(dir) => by_plugins(dir, &folders.plugins, &nets)?,
        None => Vec::new(),
    };
    listed.extend(known.into_iter().map(Listed::from));
    // Stable, so that of the same names the first stays, which is the one that counts.
    listed.sort_by_key(Listed::name);
    listed.dedup_by_key(|listed| listed.name());
    if json {
        return say(Value::from_iter(listed.iter().map(Listed::to_json)));
    }
    say(format_args!(
        "{:<19} {:<15} {:<4} source",
        "coin", "net", "abi"
    ))?;
    listed.iter().try_for_each(say_one)
}

fn say_one(listed: &Listed) -> Result<(), Failure> {
    let Descriptor {
        coin, net, note, ..
    } = &listed.descriptor;
    let abi = listed.abi.as_deref().unwrap_or("-");
    say(format_args!(
        "{coin:<19} {net:<15} {abi:<4} {}",
        listed.source
    ))?;
    match note {
        Some(note) => say(format_args!("    note: {note}")),
        None => Ok(()),
    }
}

/// Asks every plugin of a folder for every net; which it has, only it knows.
fn by_plugins(
    dir: &Path,
    section: &PluginsSection,
    nets: &BTreeSet<&str>,
) -> Result<Vec<Listed>, Failure> {
    let dir = std::path::absolute(dir).map_err(|source| Failure::System {
        what: "cannot tell the current folder",
        source,
    })?;
    let files = electrode_loader::list(&dir)?;
    let coins = files.iter().filter_map(PluginFile::coin);
    let coins: BTreeSet<String> = coins.map(str::to_ascii_lowercase).collect();
    let mut listed = Vec::new();
    for coin in coins {
        let found = electrode_loader::find(&dir, &coin);
        let made = found.and_then(|file| match file {
            Some(mut file) => {
                file.sha256 = section.pin(&file.path);
                by_plugin(&file, &coin, nets)
            }
            None => Ok(Vec::new()),
        });
        match made {
            Ok(coins) => listed.extend(coins),
            Err(error) => complain(error),
        }
    }
    Ok(listed)
}

/// Gives what a plugin makes; an error where that is nothing.
fn by_plugin(
    file: &PluginFile,
    coin: &str,
    nets: &BTreeSet<&str>,
) -> Result<Vec<Listed>, LoadError> {
    let plugin = Plugin::open(file)?;
    let mut listed = Vec::new();
    let mut refused = None;
    for net in nets {
        match plugin.make(Wanted::new(coin, net)) {
            Ok(coin) => listed.push(Listed::from(&coin)),
            Err(error) if matches!(error.reason, Reason::Create(_)) => refused = Some(error),
            Err(error) => return Err(error),
        }
    }
    match refused {
        Some(error) if listed.is_empty() => Err(error),
        _ => Ok(listed),
    }
}

impl Listed {
    fn name(&self) -> [String; 2] {
        let names = [&self.descriptor.coin, &self.descriptor.net];
        names.map(|name| name.to_ascii_lowercase())
    }

    fn to_json(&self) -> Value {
        let Descriptor {
            coin,
            net,
            chain,
            note,
            genesis_hash,
            rpc_port,
            reorg_limit,
            transactions,
            header_hash,
            header,
            addresses,
            ..
        } = &self.descriptor;
        let versions = |versions: &[AddressVersion]| -> Vec<_> {
            versions.iter().map(ToString::to_string).collect()
        };
        json!({
            "coin": coin,
            "net": net,
            "chain": chain,
            "note": note,
            "genesis_hash": genesis_hash,
            "rpc_port": rpc_port,
            "reorg_limit": reorg_limit,
            "transactions": transactions,
            "header_hash": header_hash,
            "header": header,
            "addresses": {
                "p2pkh": versions(&addresses.p2pkh),
                "p2sh": versions(&addresses.p2sh),
                "bech32": addresses.bech32,
            },
            "source": self.source,
            "abi": self.abi,
        })
    }
}

impl From<&KnownCoin> for Listed {
    fn from(known: &KnownCoin) -> Self {
        Self {
            descriptor: known.coin.descriptor().clone(),
            source: known.source.to_string(),
            abi: None,
        }
    }
}

impl From<&ForeignCoin> for Listed {
    fn from(coin: &ForeignCoin) -> Self {
        let info = coin.info();
        let (major, minor) = info.abi;
        Self {
            descriptor: coin.descriptor().clone(),
            source: info.path.display().to_string(),
            abi: Some(format!("{major}.{minor}")),
        }
    }
}
