//! Electrode.

use std::{fs, path::PathBuf};

use electrode_tests::Wire;
use tokio::process::Command;

use super::{Place, Server};
use crate::{node::Source, rpc::USER};

/// Electrode itself.
#[derive(Debug)]
pub(crate) struct Electrode {
    pub(crate) bin: PathBuf,
    /// `[index] cache`, its default when absent.
    pub(crate) cache: Option<String>,
    pub(crate) source: Source,
}

impl Server for Electrode {
    fn name(&self) -> &str {
        "electrode"
    }

    fn command(&self, place: &Place<'_>) -> anyhow::Result<Command> {
        let path = place.dir.join("electrode.toml");
        fs::write(&path, self.config(place)?)?;
        let mut command = Command::new(&self.bin);
        // What is measured is the server, not its patience with those who ask too much.
        command
            .arg("serve")
            .arg("--config")
            .arg(path)
            .env("COST_HARD_LIMIT", "0");
        Ok(command)
    }
}

impl Electrode {
    /// JSON strings are TOML strings.
    fn config(&self, place: &Place<'_>) -> anyhow::Result<String> {
        let data_dir = serde_json::to_string(&place.data_dir())?;
        let cache = match &self.cache {
            Some(cache) => format!("[index]\ncache = {}\n", serde_json::to_string(cache)?),
            None => String::new(),
        };
        let blocks_dir = match self.source {
            Source::Files => {
                let dir = serde_json::to_string(&place.node.blocks_dir())?;
                format!("blocks_dir = {dir}\n")
            }
            Source::Rest | Source::Rpc => String::new(),
        };
        let services = Wire::ALL.iter().zip(place.services);
        let services: Vec<String> = services
            .map(|(wire, address)| format!("\"{}://{address}\"", wire.as_str()))
            .collect();
        Ok(format!(
            "coin = \"Bitcoin\"\nnet = \"regtest\"\ndata_dir = {data_dir}\n\
             [daemon]\nurls = [\"http://{USER}:{USER}@{rpc}\"]\nzmq = \"tcp://{zmq}\"\n{blocks_dir}\
             [serve]\nservices = [{services}]\n\
             [limits]\nmax_sessions = 20000\n{cache}",
            rpc = place.node.rpc.address,
            zmq = place.node.zmq,
            services = services.join(", "),
        ))
    }
}
