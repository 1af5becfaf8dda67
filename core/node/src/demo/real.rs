//! The demonstration on a real node: a bitcoind of its own on regtest, in the demo's folder.

use std::{
    ffi::OsStr,
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use electrode_coin::Sats;
use electrode_daemon::{Daemon, DaemonConfig, DaemonError, DaemonUrl};
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    task::JoinHandle,
    time,
};

use super::{DemoAddress, Pace};
use crate::Failure;

/// Blocks mined at the start: the first coinbases can be spent then.
const FIRST_BLOCKS: u32 = 110;

/// Payments made at the start to each person.
const FIRST_PAYMENTS: usize = 20;

/// Longest time that the node may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// People who are paid; the miner pays.
const PEOPLE: [&str; 6] = ["miner", "alice", "bob", "carol", "dave", "erin"];

/// A running bitcoind, with a life like that of the made-up node.
#[derive(Debug)]
pub(super) struct RealNode {
    child: Child,
    url: String,
    cookie_file: PathBuf,
    people: Vec<DemoAddress>,
    life: JoinHandle<()>,
}

impl RealNode {
    /// Starts `program` in `dir`, mines a chain with it and lets it live.
    pub(super) async fn start(program: &OsStr, dir: &Path, pace: Pace) -> Result<Self, Failure> {
        let failed = |what| move |source| Failure::System { what, source };
        std::fs::create_dir_all(dir).map_err(failed("cannot make a folder for the node"))?;
        let [rpc_port, port] = free_ports().map_err(failed("no port is free for the node"))?;
        let child = Command::new(program)
            .args([
                "-regtest",
                "-server=1",
                "-rest=1",
                "-listen=0",
                "-fallbackfee=0.0001",
            ])
            .arg(format!("-datadir={}", dir.display()))
            .arg(format!("-rpcport={rpc_port}"))
            .arg(format!("-zmqpubhashblock=tcp://127.0.0.1:{port}"))
            .arg(format!("-zmqpubhashtx=tcp://127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed("cannot start bitcoind"))?;
        let url = format!("http://127.0.0.1:{rpc_port}");
        let cookie_file = dir.join("regtest/.cookie");
        let daemon = Daemon::new(DaemonConfig {
            urls: vec![DaemonUrl::parse(&url, rpc_port)?],
            cookie_file: Some(cookie_file.clone()),
            ..DaemonConfig::default()
        })?;
        let made = time::timeout(PATIENCE, make_chain(&daemon)).await;
        let timed_out = |_elapsed| Failure::System {
            what: "bitcoind does not get ready",
            source: io::ErrorKind::TimedOut.into(),
        };
        let people = made.map_err(timed_out)??;
        let life = tokio::spawn(live(daemon, people.clone(), pace));
        Ok(Self {
            child,
            url,
            cookie_file,
            people,
            life,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn cookie_file(&self) -> &Path {
        &self.cookie_file
    }

    pub(super) fn people(&self) -> &[DemoAddress] {
        &self.people
    }

    /// Ends the node: what it has is thrown away, so it need not save it.
    pub(super) async fn stop(mut self) {
        self.life.abort();
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "bitcoind may still run");
        }
    }
}

async fn make_chain(daemon: &Daemon) -> Result<Vec<DemoAddress>, DaemonError> {
    daemon
        .call::<Value>("createwallet", json!(["demo"]))
        .await?;
    let mut people = Vec::new();
    for name in PEOPLE {
        let address: String = daemon.call("getnewaddress", json!([name])).await?;
        people.push(DemoAddress {
            name,
            address,
            wif: None,
            balance: Sats(0),
        });
    }
    mine(daemon, &people, FIRST_BLOCKS).await?;
    for turn in 0..FIRST_PAYMENTS {
        for person in people.iter().skip(1) {
            pay(daemon, person, turn).await?;
        }
    }
    mine(daemon, &people, 1).await?;
    for person in &mut people {
        let received: f64 = daemon
            .call("getreceivedbyaddress", json!([person.address, 1]))
            .await?;
        person.balance = to_sats(received);
    }
    Ok(people)
}

/// Pays now and then and mines now and then, until the node is gone.
async fn live(daemon: Daemon, people: Vec<DemoAddress>, pace: Pace) {
    let mut payments = time::interval(pace.payment);
    let mut blocks = time::interval(pace.block);
    blocks.reset();
    let mut turns = 0..;
    loop {
        let turn = turns.next().unwrap_or_default();
        let done = tokio::select! {
            _ = payments.tick() => match people.iter().skip(1).cycle().nth(turn) {
                Some(person) => pay(&daemon, person, turn).await,
                None => Ok(()),
            },
            _ = blocks.tick() => mine(&daemon, &people, 1).await,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the demo's node did not do its part");
        }
    }
}

async fn pay(daemon: &Daemon, person: &DemoAddress, turn: usize) -> Result<(), DaemonError> {
    let amount = format!("0.{:04}", 1 + turn % 97);
    let paid = daemon
        .call::<Value>("sendtoaddress", json!([person.address, amount]))
        .await;
    paid.map(drop)
}

async fn mine(daemon: &Daemon, people: &[DemoAddress], blocks: u32) -> Result<(), DaemonError> {
    let miner = people.first().map(|miner| &miner.address);
    let mined = daemon
        .call::<Value>("generatetoaddress", json!([blocks, miner]))
        .await;
    mined.map(drop)
}

/// Finds two ports that nobody listens on.
fn free_ports() -> io::Result<[u16; 2]> {
    let listeners = [
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
    ];
    let [a, b] = listeners.each_ref().map(TcpListener::local_addr);
    Ok([a?.port(), b?.port()])
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an amount in coins that the node made, rounded for people"
)]
fn to_sats(coins: f64) -> Sats {
    Sats((coins * 1e8).round() as u64)
}
