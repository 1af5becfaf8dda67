//! The bitcoind that holds the chain: loaded once, kept beside it, put back to its tip at each start.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::{
    chain::BLOCKS_FILE,
    facts::Facts,
    rpc::{Rpc, USER},
};

/// Says that all blocks are in.
const LOADED: &str = "loaded";
const LOAD_TIMEOUT: Duration = Duration::from_secs(1_800);
const START_TIMEOUT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);
/// Far longer than the chain is old, else the node holds itself for unsynced.
const MAX_TIP_AGE_SECS: u64 = 10_000_000_000;

/// Where a server gets blocks from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Source {
    /// The node's files, and REST for what they lack.
    Files,
    /// The node's REST interface.
    Rest,
    /// JSON-RPC, of a node that has no REST.
    Rpc,
}

impl Source {
    /// What figures call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Files => "block files",
            Self::Rest => "REST",
            Self::Rpc => "JSON-RPC",
        }
    }
}

/// A running node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) rpc: Rpc,
    pub(crate) zmq: SocketAddr,
    pub(crate) dir: PathBuf,
    child: Child,
}

impl Node {
    /// Starts the node of a chain; the first time this loads its blocks, which takes minutes.
    pub(crate) async fn start(
        bitcoind: &Path,
        chain: &Path,
        facts: &Facts,
        source: Source,
    ) -> anyhow::Result<Self> {
        let dir = std::path::absolute(chain.join("node"))?;
        let rest = match source {
            Source::Files | Source::Rest => "-rest=1",
            Source::Rpc => "-rest=0",
        };
        if !dir.join(LOADED).exists() {
            Self::load(bitcoind, chain, &dir, facts).await?;
        }
        let mut node = Self::launch(bitcoind, &dir, &[rest]).await?;
        if node.height().await? > facts.height() {
            // An earlier run mined; the restart drops what the undone blocks put into the mempool.
            let above = node
                .rpc
                .call("getblockhash", json!([facts.height() + 1]))
                .await?;
            node.rpc.call("invalidateblock", json!([above])).await?;
            node.stop().await?;
            node = Self::launch(bitcoind, &dir, &[rest]).await?;
        }
        let tip = node.rpc.call("getbestblockhash", json!([])).await?;
        let expected = facts.blocks.last().map(|block| block.hash.as_str());
        ensure!(
            tip.as_str() == expected,
            "the node in {} has tip {tip}, expected {expected:?}: delete it to load it again",
            dir.display()
        );
        Ok(node)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the node has ended")
    }

    /// Where its block files are.
    pub(crate) fn blocks_dir(&self) -> PathBuf {
        self.dir.join("regtest/blocks")
    }

    /// Ends the node in order.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.rpc.call("stop", json!([])).await?;
        self.child.wait().await?;
        Ok(())
    }

    async fn load(bitcoind: &Path, chain: &Path, dir: &Path, facts: &Facts) -> anyhow::Result<()> {
        eprintln!("loading the chain into {}, once", dir.display());
        if dir.exists() {
            fs::remove_dir_all(dir)?; // a load that was cut short
        }
        fs::create_dir_all(dir)?;
        let blocks = std::path::absolute(chain.join(BLOCKS_FILE))?;
        let load = format!("-loadblock={}", blocks.display());
        let node = Self::launch(bitcoind, dir, &[&load]).await?;
        let deadline = Instant::now() + LOAD_TIMEOUT;
        while node.height().await? < facts.height() {
            ensure!(
                Instant::now() < deadline,
                "the node is at height {} after {LOAD_TIMEOUT:?}, expected {}: see {}/regtest/debug.log",
                node.height().await?,
                facts.height(),
                dir.display()
            );
            sleep(POLL).await;
        }
        node.stop().await?;
        fs::write(dir.join(LOADED), "")?;
        Ok(())
    }

    async fn launch(bitcoind: &Path, dir: &Path, args: &[&str]) -> anyhow::Result<Self> {
        let [address, zmq] = free_addresses()?;
        let rpc = Rpc { address };
        let mut command = Command::new(bitcoind);
        command.args([
            "-regtest",
            "-server=1",
            "-txindex=0",
            "-listen=0",
            "-connect=0",
        ]);
        command.args(["-checkblockindex=0", "-checkmempool=0", "-persistmempool=0"]);
        command.args([
            "-acceptnonstdtxn=1",
            "-acceptnonstddatacarrier=1",
            "-printtoconsole=0",
        ]);
        command.args([
            "-rpcthreads=8",
            "-rpcworkqueue=256",
            "-rpcallowip=127.0.0.1",
        ]);
        command.arg(format!("-maxtipage={MAX_TIP_AGE_SECS}"));
        command.arg(format!("-datadir={}", dir.display()));
        command
            .arg(format!("-rpcuser={USER}"))
            .arg(format!("-rpcpassword={USER}"));
        command
            .arg("-rpcbind=127.0.0.1")
            .arg(format!("-rpcport={}", rpc.address.port()));
        for topic in ["hashblock", "hashtx", "sequence"] {
            command.arg(format!("-zmqpub{topic}=tcp://{zmq}"));
        }
        command.args(args);
        let child = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", bitcoind.display()))?;
        let mut node = Self {
            rpc,
            zmq,
            dir: dir.to_owned(),
            child,
        };
        node.await_start().await?;
        Ok(node)
    }

    async fn await_start(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let Err(error) = self.height().await else {
                return Ok(());
            };
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the node ended at its start: {status}: does another run use {}?",
                    self.dir.display()
                );
            }
            if Instant::now() > deadline {
                return Err(error.context("the node does not answer"));
            }
            sleep(POLL).await;
        }
    }

    async fn height(&self) -> anyhow::Result<usize> {
        let height: Value = self.rpc.call("getblockcount", json!([])).await?;
        let height = height.as_u64().context("getblockcount answers a number")?;
        Ok(usize::try_from(height)?)
    }
}

/// Addresses of this machine that nothing listens on.
pub(crate) fn free_addresses<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    // All at once, so that none is given twice.
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); N];
    let mut listeners = Vec::new();
    for address in &mut addresses {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(addresses)
}
