//! Servers by others, measured on the same chain, node and machine.

use std::{fs, path::PathBuf, str::FromStr};

use anyhow::{Context as _, bail};
use tokio::process::Command;

use super::{Place, Server};
use crate::{node::free_addresses, rpc::USER};

/// A server by others: which, and its program.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    kind: Kind,
    bin: PathBuf,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// electrs 0.12; its node must have `/rest/spenttxouts` and `/rest/blockpart`.
    Electrs,
    /// `ElectrumX` 1.20 with `LevelDB`.
    ElectrumX,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Electrs, Self::ElectrumX];

    fn name(self) -> &'static str {
        match self {
            Self::Electrs => "electrs",
            Self::ElectrumX => "electrumx",
        }
    }
}

impl FromStr for Peer {
    type Err = anyhow::Error;

    /// Reads `NAME=PROGRAM`.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, bin) = text
            .split_once('=')
            .with_context(|| format!("expected NAME=PROGRAM, got {text:?}"))?;
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) else {
            let names = Kind::ALL.map(Kind::name).join(" or ");
            bail!("expected {names} before \"=\", got {name:?}");
        };
        let bin = bin.into();
        Ok(Self { kind, bin })
    }
}

impl Server for Peer {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn command(&self, place: &Place<'_>) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.bin);
        match self.kind {
            Kind::Electrs => electrs(&mut command, place)?,
            Kind::ElectrumX => electrumx(&mut command, place),
        }
        Ok(command)
    }
}

fn electrs(command: &mut Command, place: &Place<'_>) -> anyhow::Result<()> {
    let [monitoring] = free_addresses()?;
    let path = place.dir.join("electrs.toml");
    fs::write(&path, format!("auth = \"{USER}:{USER}\"\n"))?;
    command
        .arg("--skip-default-conf-files")
        .arg("--conf")
        .arg(path)
        .args(["--network", "regtest", "--daemon-dir"])
        .arg(place.dir)
        .arg("--db-dir")
        .arg(place.data_dir())
        .arg(format!("--daemon-rpc-addr={}", place.node.rpc.address))
        .arg(format!("--electrum-rpc-addr={}", place.service()))
        .arg(format!("--monitoring-addr={monitoring}"));
    Ok(())
}

/// Without its limits, as Electrode is measured; with its own cache size.
fn electrumx(command: &mut Command, place: &Place<'_>) {
    let daemon_url = format!("http://{USER}:{USER}@{}/", place.node.rpc.address);
    command
        .env_clear()
        .envs([
            ("COIN", "Bitcoin"),
            ("NET", "regtest"),
            ("PEER_DISCOVERY", "self"),
            ("COST_SOFT_LIMIT", "0"),
            ("COST_HARD_LIMIT", "0"),
            ("ALLOW_ROOT", "1"),
        ])
        .env("DAEMON_URL", daemon_url)
        .env("DB_DIRECTORY", place.data_dir())
        .env("SERVICES", format!("tcp://{}", place.service()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_name_and_program() {
        let peer: Peer = "electrs=/opt/a=b".parse().unwrap();
        assert_eq!(
            (peer.name(), peer.bin.to_str()),
            ("electrs", Some("/opt/a=b"))
        );
        for wrong in ["electrs", "fulcrum=/opt/fulcrum"] {
            let error = wrong.parse::<Peer>().unwrap_err().to_string();
            assert!(error.contains("expected"), "{error}");
        }
    }
}
