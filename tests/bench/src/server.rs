//! The server under test: how it is started, and when it is ready.

mod electrode;
mod electrs;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

pub(crate) use electrode::Electrode;
pub(crate) use electrs::Electrs;

use electrode_tests::{Wire as Kind, terminate};

use crate::{
    facts::{Facts, ScriptFact},
    node::{Node, free_addresses},
    usage::Usage,
    wire::Wire,
};

const BUILD_TIMEOUT: Duration = Duration::from_secs(1_800);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);
const LOG_FILE: &str = "server.log";

/// A program that speaks the Electrum protocol.
pub(crate) trait Server {
    /// What figures call it.
    fn name(&self) -> &str;

    /// Writes its configuration and returns the command that serves at `place`.
    fn command(&self, place: &Place<'_>) -> anyhow::Result<Command>;
}

/// Where a server finds its node and keeps its files.
pub(crate) struct Place<'a> {
    pub(crate) node: &'a Node,
    pub(crate) dir: &'a Path,
    /// Where each kind of connection is served, in the order of [`Kind::ALL`].
    pub(crate) services: [SocketAddr; Kind::ALL.len()],
}

impl Place<'_> {
    /// Where lines over TCP are served.
    pub(crate) fn service(&self) -> SocketAddr {
        let [service, ..] = self.services;
        service
    }

    /// Where the index goes, and nothing else.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }
}

/// A server that has caught up.
#[derive(Debug)]
pub(crate) struct Running {
    /// Where lines over TCP are served.
    pub(crate) service: SocketAddr,
    /// Where each kind of connection is served, in the order of [`Kind::ALL`].
    pub(crate) services: [SocketAddr; Kind::ALL.len()],
    /// From the start of the process to the first right answer.
    pub(crate) ready_after: Duration,
    pub(crate) data_dir: PathBuf,
    child: Child,
}

impl Running {
    /// Starts a server on a directory, empty or its own, and waits until it answers at the tip.
    pub(crate) async fn start(
        server: &dyn Server,
        node: &Node,
        dir: &Path,
        facts: &Facts,
    ) -> anyhow::Result<Self> {
        let place = Place {
            node,
            dir,
            services: free_addresses()?,
        };
        fs::create_dir_all(place.data_dir())?;
        let log = fs::File::create(dir.join(LOG_FILE))?;
        let mut command = server.command(&place)?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", server.name()))?;
        let (services, data_dir) = (place.services, place.data_dir());
        let [service, ..] = services;
        let mut running = Self {
            service,
            services,
            ready_after: Duration::ZERO,
            data_dir,
            child,
        };
        let witness = facts.fresh.first().context("the facts name a script")?;
        let ready = running.await_ready(started, facts.height(), witness).await;
        ready.with_context(|| format!("its log ends:\n{}\n", tail(&dir.join(LOG_FILE))))?;
        running.ready_after = started.elapsed();
        Ok(running)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// What its process uses.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.pid()?)
    }

    /// Asks it to end and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        terminate(self.pid()?).context("cannot send SIGTERM to the server")?;
        let status = timeout(STOP_TIMEOUT, self.child.wait()).await;
        let status =
            status.with_context(|| format!("the server runs {STOP_TIMEOUT:?} after SIGTERM"))??;
        ensure!(
            status.success(),
            "the server ended with {status} after SIGTERM"
        );
        Ok(())
    }

    async fn await_ready(
        &mut self,
        started: Instant,
        height: usize,
        witness: &ScriptFact,
    ) -> anyhow::Result<()> {
        loop {
            let Err(error) = ready(self.service, height, witness).await else {
                return Ok(());
            };
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended before it was ready: {status}");
            }
            if started.elapsed() > BUILD_TIMEOUT {
                return Err(error.context("the server is not ready"));
            }
            sleep(POLL).await;
        }
    }
}

/// Whether it answers with the tip and with what a script has there.
async fn ready(service: SocketAddr, height: usize, witness: &ScriptFact) -> anyhow::Result<()> {
    let mut wire = Wire::connect(service, 4_096).await?;
    let tip = wire.call("blockchain.headers.subscribe", json!([])).await?;
    ensure!(
        tip.get("height") == Some(&json!(height)),
        "expected height {height}, got {tip}"
    );
    let params = json!([witness.script_hash]);
    let balance = wire
        .call("blockchain.scripthash.get_balance", params)
        .await?;
    ensure!(
        balance.get("confirmed") == Some(&json!(witness.sats)),
        "got balance {balance}"
    );
    Ok(())
}

/// The last lines of a log, for an error message.
fn tail(path: &Path) -> String {
    let log = fs::read(path).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().rev().take(8).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
