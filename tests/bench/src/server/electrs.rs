//! electrs 0.12, the fastest to build among servers by others.

use std::{fs, path::PathBuf};

use tokio::process::Command;

use super::{Place, Server};
use crate::{node::free_addresses, rpc::USER};

/// electrs; its node must have `/rest/spenttxouts` and `/rest/blockpart`.
#[derive(Clone, Debug)]
pub(crate) struct Electrs {
    pub(crate) bin: PathBuf,
}

impl Server for Electrs {
    fn name(&self) -> &'static str {
        "electrs"
    }

    fn command(&self, place: &Place<'_>) -> anyhow::Result<Command> {
        let path = place.dir.join("electrs.toml");
        fs::write(&path, format!("auth = \"{USER}:{USER}\"\n"))?;
        let [monitoring] = free_addresses()?;
        let mut command = Command::new(&self.bin);
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
        Ok(command)
    }
}
