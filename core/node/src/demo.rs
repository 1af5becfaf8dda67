//! A demonstration node: an in-process regtest "bitcoind" for a newcomer's first minute.
//!
//! Its chain is real (proof of work, merkle roots, witness commitments, signatures) and the same
//! at every start; then it lives on, with a payment every few seconds and a block now and then.
//! Electrode runs against it as against any node, over JSON-RPC. It has no peers, no disk, no
//! reorganisations and no replacement of transactions, and checks only what [`accept`] says.

mod accept;
mod assemble;
mod chain;
mod json;
mod methods;
mod params;
mod real;
mod rpc;
mod run;
mod signature;
mod story;
#[cfg(test)]
mod tests;
mod wallet;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
    time::{self, MissedTickBehavior},
};

use electrode_coin::{Height, Sats};

use chain::Chain;
pub(crate) use run::{Ports, run};
use story::Story;

/// How long open connections may take to finish when the node stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// How fast the demonstration lives; neither time may be zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// From one payment to the next.
    pub(crate) payment: Duration,
    /// From one block to the next.
    pub(crate) block: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            payment: Duration::from_secs(3),
            block: Duration::from_secs(20),
        }
    }
}

/// An address of the chain to try things with.
#[derive(Clone, Debug)]
pub(crate) struct DemoAddress {
    /// Whose it is.
    pub(crate) name: &'static str,
    /// The address.
    pub(crate) address: String,
    /// Its private key, as wallets import it, where the demo has it; worthless outside this chain.
    pub(crate) wif: Option<String>,
    /// What it holds, unconfirmed payments included.
    pub(crate) balance: Sats,
}

/// A running demonstration node; it stops when it is dropped.
#[derive(Debug)]
pub(crate) struct DemoNode {
    node: Arc<Node>,
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

/// What the server and the life of the chain share.
#[derive(Debug)]
struct Node {
    /// A mutex of everything, for the simplicity of a demonstration: it is held for milliseconds.
    world: Mutex<World>,
    signal: watch::Sender<Signal>,
}

#[derive(Debug)]
struct World {
    chain: Chain,
    story: Story,
}

/// What long polls wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Tip(Height),
    Closing,
}

impl DemoNode {
    /// Makes the chain, starts to serve it on a free port of this machine, and lets it live.
    ///
    /// # Errors
    /// No port can be listened on.
    pub(crate) async fn start(pace: Pace) -> io::Result<Self> {
        let world = tokio::task::spawn_blocking(World::new).await?;
        let (signal, _) = watch::channel(Signal::Tip(world.chain.tip()));
        let node = Arc::new(Node {
            world: Mutex::new(world),
            signal,
        });

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(rpc::serve(listener, Arc::clone(&node)));
        let life = tokio::spawn(live(Arc::clone(&node), pace));
        Ok(Self {
            node,
            address,
            tasks: [server, life],
        })
    }

    /// Gives the URL of the JSON-RPC, which needs no password.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Gives the addresses of the people in the story.
    pub(crate) fn addresses(&self) -> Vec<DemoAddress> {
        let world = self.node.lock();
        world.story.addresses(&world.chain)
    }

    /// Makes one payment now.
    #[cfg(test)]
    pub(crate) fn pay(&self) {
        self.node.pay();
    }

    /// Mines one block now.
    #[cfg(test)]
    pub(crate) fn mine(&self) {
        self.node.mine();
    }

    /// Stops: open requests are answered, connections are closed.
    pub(crate) async fn stop(mut self) {
        self.node.signal.send_replace(Signal::Closing);
        for task in &mut self.tasks {
            if time::timeout(STOP_TIMEOUT, &mut *task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for DemoNode {
    fn drop(&mut self) {
        self.node.signal.send_replace(Signal::Closing);
    }
}

impl Node {
    /// Locks the world; a demonstration goes on after a panic elsewhere.
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pay(&self) {
        let World { chain, story } = &mut *self.lock();
        story.pay(chain);
    }

    fn mine(&self) {
        let World { chain, story } = &mut *self.lock();
        story.mine(chain, unix_time());
        self.signal.send_if_modified(|signal| {
            let is_open = *signal != Signal::Closing;
            if is_open {
                *signal = Signal::Tip(chain.tip());
            }
            is_open
        });
    }

    /// Waits until the node closes.
    async fn closed(&self) {
        let mut signal = self.signal.subscribe();
        // An error means that the sender is gone, which is closed too.
        let _closed = signal.wait_for(|signal| *signal == Signal::Closing).await;
    }
}

impl World {
    fn new() -> Self {
        let mut chain = Chain::regtest();
        let mut story = Story::new();
        story.tell(&mut chain);
        Self { chain, story }
    }
}

/// Pays and mines at the given pace until the node closes.
async fn live(node: Arc<Node>, pace: Pace) {
    let now = time::Instant::now();
    let mut payments = time::interval_at(now + pace.payment, pace.payment);
    let mut blocks = time::interval_at(now + pace.block, pace.block);
    // A machine that slept does not make up for it.
    payments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    blocks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let closed = node.closed();
    tokio::pin!(closed);
    loop {
        tokio::select! {
            () = &mut closed => return,
            _ = payments.tick() => node.pay(),
            _ = blocks.tick() => node.mine(),
        }
    }
}

fn unix_time() -> u32 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u32::try_from(now.as_secs()).unwrap_or(u32::MAX)
}
