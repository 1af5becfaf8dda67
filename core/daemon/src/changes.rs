//! Word of new blocks and mempool changes: by ZeroMQ, else by long poll, always by polling too.

mod announced;
mod zmq;

pub(crate) use announced::zmq_endpoint;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use electrode_coin::BlockHash;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::sleep,
};

use self::zmq::{Subscriber, ZmqFailure};
use crate::{Daemon, DaemonError, DaemonUrl, outage::Outage, rpc::FromText};

/// Longest one long poll: how soon ZeroMQ is tried again after it failed.
const LONG_POLL: Duration = Duration::from_secs(5);

/// Least time between two long polls that bring nothing: for nodes that answer at once.
const LONG_POLL_PAUSE: Duration = Duration::from_millis(100);

/// First long poll of a node that is not known yet.
const TRIAL: Duration = Duration::from_secs(1);

/// Time that a short request beside a long poll may take.
const SHORT: Duration = Duration::from_millis(500);

/// Time after which a node that keeps others waiting meanwhile is tried again.
const BETWEEN_TRIALS: Duration = Duration::from_secs(600);

/// What has changed on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its best chain.
    Block,
    /// Its mempool.
    Mempool,
}

/// By which way word of new blocks comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeSource {
    /// The node is asked every few seconds.
    Polling,
    /// The node answers when it has a new block; the mempool is polled.
    LongPoll,
    /// The node publishes.
    Zmq,
}

/// Tells of changes, for as long as it lives. Holds at most one change of each kind: who is slow
/// to ask misses none and finds no queue.
#[derive(Debug)]
pub struct Changes {
    signals: Arc<Signals>,
    source: watch::Receiver<ChangeSource>,
    /// Ends the tasks when dropped.
    _tasks: JoinSet<()>,
}

/// Where the tasks leave what they learn.
#[derive(Debug, Default)]
struct Signals {
    block: Notify,
    mempool: Notify,
    tip: Mutex<Option<BlockHash>>,
}

#[derive(Deserialize)]
struct AwaitedBlock {
    hash: FromText<BlockHash>,
}

impl Daemon {
    /// Starts watching the node. A first change of each kind comes at once.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn changes(&self) -> Changes {
        let signals = Arc::new(Signals::default());
        let (sender, source) = watch::channel(ChangeSource::Polling);
        // One place for the poll, one for what the follower asks.
        let daemon = self.with_own_queue(2);
        let mut tasks = JoinSet::new();
        tasks.spawn(poll_blocks(daemon.clone(), Arc::clone(&signals)));
        tasks.spawn(poll_mempool(
            self.config().poll_mempool,
            Arc::clone(&signals),
        ));
        let follower = Follower {
            daemon,
            signals: Arc::clone(&signals),
            source: sender,
            outage: Outage::default(),
            last_poll: None,
        };
        tasks.spawn(follower.follow());
        Changes {
            signals,
            source,
            _tasks: tasks,
        }
    }
}

impl Changes {
    /// Waits for the next change. A change may be reported that is none: it is an occasion to
    /// look, not a fact.
    pub async fn next(&mut self) -> Change {
        tokio::select! {
            biased;
            () = self.signals.block.notified() => Change::Block,
            () = self.signals.mempool.notified() => Change::Mempool,
        }
    }

    /// Waits for the next change of the chain; one of the mempool stays for [`Self::next`].
    pub async fn next_block(&mut self) {
        self.signals.block.notified().await;
    }

    /// Tells by which way changes come at present, for the log.
    #[must_use]
    pub fn source(&self) -> ChangeSource {
        *self.source.borrow()
    }
}

impl fmt::Display for ChangeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Polling => "polling",
            Self::LongPoll => "long poll",
            Self::Zmq => "ZeroMQ",
        })
    }
}

impl Signals {
    fn changed(&self, change: Change) {
        match change {
            Change::Block => self.block.notify_one(),
            Change::Mempool => self.mempool.notify_one(),
        }
    }

    /// Takes note of the best block and tells whether it is a new one.
    fn tip_is_new(&self, tip: BlockHash) -> bool {
        let mut known = self.tip.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = known.replace(tip) != Some(tip);
        drop(known);
        if is_new {
            self.changed(Change::Block);
        }
        is_new
    }
}

async fn poll_blocks(daemon: Daemon, signals: Arc<Signals>) {
    loop {
        match daemon.call("getbestblockhash", json!([])).await {
            Ok(FromText(hash)) => {
                signals.tip_is_new(hash);
            }
            Err(error) => tracing::debug!("polling for blocks: {error}"),
        }
        sleep(daemon.config().poll_blocks).await;
    }
}

/// Reports a change each time, unseen: the counters of a mempool hide replacements, and finding
/// out is what the one who asks does anyway.
async fn poll_mempool(interval: Duration, signals: Arc<Signals>) {
    loop {
        signals.changed(Change::Mempool);
        sleep(interval).await;
    }
}

/// Keeps the best way of being told that the node offers.
struct Follower {
    daemon: Daemon,
    signals: Arc<Signals>,
    source: watch::Sender<ChangeSource>,
    outage: Outage,
    last_poll: Option<LastPoll>,
}

/// What the last long poll told of a node.
#[derive(Debug)]
struct LastPoll {
    url: DaemonUrl,
    /// Whether the node answered others while it let one wait.
    answers_others: bool,
    at: Instant,
}

impl Follower {
    /// Asks the node anew after every failure, because it may be another one by then.
    async fn follow(mut self) {
        loop {
            if let Err(failure) = self.listen().await {
                self.outage.failed(&failure);
            }
            match self.long_poll().await {
                Ok(true) => self.switch(ChangeSource::LongPoll),
                Ok(false) => {
                    self.switch(ChangeSource::Polling);
                    sleep(LONG_POLL).await;
                }
                Err(error) => {
                    tracing::debug!("waiting for a block: {error}");
                    self.switch(ChangeSource::Polling);
                    sleep(LONG_POLL).await;
                }
            }
        }
    }

    /// Passes on what the node publishes, if it does, until a publisher fails.
    async fn listen(&self) -> Result<(), ZmqFailure> {
        let publishers = announced::publishers(&self.daemon).await;
        if publishers.is_empty() {
            return Ok(());
        }
        let mut listeners = JoinSet::new();
        for subscriber in zmq::subscribe(&publishers).await? {
            listeners.spawn(forward(subscriber, Arc::clone(&self.signals)));
        }
        self.outage.over(&"the ZeroMQ publisher");
        self.switch(ChangeSource::Zmq);
        // What happened before the subscription was not heard.
        self.signals.changed(Change::Block);
        self.signals.changed(Change::Mempool);
        match listeners.join_next().await {
            Some(Ok(failure)) => Err(failure),
            _ => Ok(()),
        }
    }

    /// Waits for a new block, or until a long poll is over; `false` if the node had better not be
    /// made to wait: with a single thread for requests (`rpcthreads=1`) all others would wait as
    /// long, wallets as well.
    async fn long_poll(&mut self) -> Result<bool, DaemonError> {
        let node = self.daemon.node();
        let known = self.last_poll.take().filter(|last| last.url == node.url);
        let wait = match &known {
            Some(last) if last.answers_others => LONG_POLL,
            Some(last) if last.at.elapsed() < BETWEEN_TRIALS => {
                self.last_poll = known;
                return Ok(false);
            }
            _ => TRIAL,
        };
        let wait = wait.min(self.daemon.config().request_timeout / 2);
        let (is_new, beside) = tokio::try_join!(self.await_block(wait), self.ask_beside())?;
        let answers_others = beside < SHORT;
        if !answers_others {
            tracing::info!(
                "the node at {} answers one request at a time, so it is polled for blocks; with \
                 rpcthreads=4 in its configuration, or ZeroMQ, they are noticed at once",
                node.url
            );
        }
        self.last_poll = Some(LastPoll {
            url: node.url.clone(),
            answers_others,
            at: Instant::now(),
        });
        if !is_new {
            sleep(LONG_POLL_PAUSE).await;
        }
        Ok(answers_others)
    }

    /// Waits for a new block, up to `wait`; tells whether one came.
    async fn await_block(&self, wait: Duration) -> Result<bool, DaemonError> {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let best: AwaitedBlock = self.daemon.call("waitfornewblock", json!([millis])).await?;
        Ok(self.signals.tip_is_new(best.hash.0))
    }

    /// Asks for something short while the node lets another request wait; gives how long it took.
    async fn ask_beside(&self) -> Result<Duration, DaemonError> {
        sleep(LONG_POLL_PAUSE).await;
        let began = Instant::now();
        let _: FromText<BlockHash> = self.daemon.call("getbestblockhash", json!([])).await?;
        Ok(began.elapsed())
    }

    fn switch(&self, to: ChangeSource) {
        let is_other = |from: &mut ChangeSource| std::mem::replace(from, to) != to;
        if self.source.send_if_modified(is_other) {
            tracing::info!("new blocks are announced by {to}");
        }
    }
}

async fn forward(mut subscriber: Subscriber, signals: Arc<Signals>) -> ZmqFailure {
    loop {
        match subscriber.next().await {
            Ok(change) => signals.changed(change),
            Err(failure) => return failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use serde_json::Value;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::{
        DaemonConfig,
        testing::{Node, daemon_with},
    };

    const UNKNOWN_METHOD: i64 = -32601;

    fn config(poll: Duration) -> DaemonConfig {
        DaemonConfig {
            poll_blocks: poll,
            poll_mempool: poll,
            ..DaemonConfig::default()
        }
    }

    async fn await_change(changes: &mut Changes, expected: Change) {
        let found = async { while changes.next().await != expected {} };
        tokio::time::timeout(Duration::from_secs(20), found)
            .await
            .unwrap();
    }

    async fn await_source(changes: &mut Changes, expected: ChangeSource) {
        let found = changes.source.wait_for(|source| *source == expected);
        tokio::time::timeout(Duration::from_secs(20), found)
            .await
            .unwrap()
            .unwrap();
    }

    async fn await_first_poll(changes: &Changes) {
        while changes.signals.tip.lock().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn polls_a_node_that_offers_nothing_better() {
        let height = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&height);
        let node = Node::of_methods(move |method, _| match method {
            "getbestblockhash" => Ok(json!(format!("{:064x}", seen.load(Ordering::Relaxed)))),
            _ => Err(UNKNOWN_METHOD),
        })
        .await;
        let mut changes = daemon_with(&[&node.url()], config(Duration::from_millis(5))).changes();
        await_change(&mut changes, Change::Block).await;
        for _ in 0..5 {
            assert_eq!(changes.next().await, Change::Mempool, "no block is new");
        }
        height.store(1, Ordering::Relaxed);
        await_change(&mut changes, Change::Block).await;
        assert_eq!(changes.source(), ChangeSource::Polling);
    }

    #[tokio::test]
    async fn waits_for_blocks_by_long_poll() {
        let height = AtomicU64::new(0);
        let node = Node::of_methods(move |method, _| match method {
            "getbestblockhash" => Ok(json!("00".repeat(32))),
            "waitfornewblock" => {
                let height = height.fetch_add(1, Ordering::Relaxed);
                Ok(json!({"hash": format!("{height:064x}"), "height": height}))
            }
            _ => Err(UNKNOWN_METHOD),
        })
        .await;
        let mut changes = daemon_with(&[&node.url()], config(Duration::from_secs(3600))).changes();
        for _ in 0..3 {
            await_change(&mut changes, Change::Block).await;
        }
        await_source(&mut changes, ChangeSource::LongPoll).await;
    }

    /// Changes that nobody has asked for yet.
    fn untold(changes: impl IntoIterator<Item = Change>) -> Changes {
        let signals = Signals::default();
        changes
            .into_iter()
            .for_each(|change| signals.changed(change));
        Changes {
            signals: Arc::new(signals),
            source: watch::channel(ChangeSource::Polling).1,
            _tasks: JoinSet::new(),
        }
    }

    #[tokio::test]
    async fn tells_of_a_block_to_who_waits_for_nothing_else() {
        let mut changes = untold([Change::Mempool, Change::Block]);
        changes.next_block().await;
        assert_eq!(changes.next().await, Change::Mempool);
    }

    #[tokio::test]
    async fn holds_one_change_of_each_kind_for_who_is_slow() {
        let both = [Change::Mempool, Change::Block];
        let mut changes = untold(both.into_iter().cycle().take(2000));
        assert_eq!(changes.next().await, Change::Block);
        assert_eq!(changes.next().await, Change::Mempool);
        let more = tokio::time::timeout(Duration::from_millis(10), changes.next()).await;
        assert!(more.is_err());
    }

    #[tokio::test]
    async fn ends_its_tasks_when_dropped() {
        let node = Node::of_methods(|_, _| Err(UNKNOWN_METHOD)).await;
        let changes = daemon_with(&[&node.url()], config(Duration::from_millis(1))).changes();
        let signals = Arc::downgrade(&changes.signals);
        drop(changes);
        while signals.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn hears_a_publisher_and_connects_again() {
        let publisher = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = publisher.local_addr().unwrap().port();
        let announce = Arc::new(AtomicBool::new(true));
        let announced = Arc::clone(&announce);
        let node = Node::of_methods(move |method, _| match method {
            "getzmqnotifications" if announced.load(Ordering::Relaxed) => {
                Ok(json!([{"type": "pubsequence", "address": format!("tcp://0.0.0.0:{port}"), "hwm": 9}]))
            }
            "waitfornewblock" => Ok(json!({"hash": "00".repeat(32), "height": 0})),
            "getbestblockhash" => Ok(Value::from("00".repeat(32))),
            _ => Err(UNKNOWN_METHOD),
        })
        .await;
        let mut changes = daemon_with(&[&node.url()], config(Duration::from_secs(3600))).changes();
        for _ in 0..2 {
            let mut stream = accept_subscriber(&publisher).await;
            await_source(&mut changes, ChangeSource::Zmq).await;
            await_first_poll(&changes).await;
            // What comes with a subscription; after it, there is only what is published.
            assert_eq!(changes.next().await, Change::Block);
            assert_eq!(changes.next().await, Change::Mempool);
            stream.write_all(&sequence(b'C')).await.unwrap();
            assert_eq!(changes.next().await, Change::Block);
            stream.write_all(&sequence(b'A')).await.unwrap();
            assert_eq!(changes.next().await, Change::Mempool);
        }
        announce.store(false, Ordering::Relaxed);
        await_source(&mut changes, ChangeSource::LongPoll).await;
    }

    /// Does the publisher's part of the handshake.
    async fn accept_subscriber(publisher: &TcpListener) -> TcpStream {
        let (mut stream, _) = publisher.accept().await.unwrap();
        let mut greeting = [0; 64];
        stream.read_exact(&mut greeting).await.unwrap();
        stream.write_all(&greeting).await.unwrap();
        let mut ready = [0; 27];
        stream.read_exact(&mut ready).await.unwrap();
        assert!(ready.ends_with(b"SUB"));
        stream
            .write_all(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB")
            .await
            .unwrap();
        let mut subscription = [0; 11];
        stream.read_exact(&mut subscription).await.unwrap();
        assert_eq!(&subscription, b"\0\x09\x01sequence");
        stream
    }

    /// Shape: topic ‖ hash and label ‖ counter, three frames.
    fn sequence(label: u8) -> Vec<u8> {
        [
            b"\x01\x08sequence\x01\x21",
            &[0; 32][..],
            &[label],
            b"\0\x04\0\0\0\0",
        ]
        .concat()
    }
}
