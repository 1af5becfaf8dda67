//! Following the node: its best chain into the index, its mempool into ours, each state of both
//! published as one.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use electrode_coin::{Height, OutPoint, Txid};
use electrode_daemon::{Change, Changes, DaemonTip};
use electrode_index::{BlockRows, Index, IndexError, IndexView, Tip};
use electrode_mempool::{Mempool, MempoolConfig, NewTx, Prevout, Prevouts, Touched};
use electrode_server::{Service, Snapshot, Stage};
use tokio::task;

use crate::{
    Failure,
    build::{Blocks, build},
    chain,
    progress::Progress,
};

/// Transactions that are fetched and taken in at a time.
const TRANSACTIONS: usize = 2000;

/// Least time between two looks at the mempool, which a busy node would have back to back.
const MEMPOOL_PAUSE: Duration = Duration::from_millis(50);

/// How many times as long as the last look took the pause before the next one is: what following
/// the mempool may take of the machine.
const MEMPOOL_SHARE: u32 = 4;

/// Time before the next try when the node or a block could not be used.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Time after which a node that does not answer is said to be gone.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Block hashes asked for at a time.
const HASHES: u32 = 100;

/// Why the follower acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Something may have changed.
    Change(Change),
    /// The operator wants the last blocks taken back.
    Reorg(u32),
}

/// The one writer of index and mempool.
pub(crate) struct Follower {
    index: Index,
    mempool: Mempool,
    blocks: Blocks,
    service: Arc<Service>,
    /// Scripts touched since the last publication.
    touched: Touched,
    /// Whether blocks were disconnected since the mempool was last reconciled: the node has put
    /// their transactions back, and without them the mempool is not of this tip.
    is_unwound: bool,
}

impl Follower {
    pub(crate) fn new(index: Index, blocks: Blocks, service: Arc<Service>) -> Self {
        Self {
            index,
            mempool: Mempool::new(MempoolConfig::default()),
            blocks,
            service,
            touched: Touched::default(),
            is_unwound: false,
        }
    }

    /// Brings index and mempool up to the node's and publishes them.
    pub(crate) async fn catch_up(&mut self) -> Result<(), Failure> {
        loop {
            let tip = self.tip().await?;
            if self.is_behind(&tip) {
                // Its mempool is not of our tip; what is indexed can be served.
                return self.publish().await;
            }
            self.unwind().await?;
            self.build(tip.height).await?;
            self.service.set_stage(Stage::LoadingMempool);
            if self.follow_mempool().await? {
                return Ok(());
            }
        }
    }

    /// Follows every change of the node until the process ends.
    pub(crate) async fn follow(&mut self, mut changes: Changes) -> Result<(), Failure> {
        let mut next_look = Instant::now();
        loop {
            let cause = tokio::select! {
                change = changes.next() => Cause::Change(change),
                () = self.service.broadcast() => Cause::Change(Change::Mempool),
                count = self.service.reorg_ordered() => Cause::Reorg(count),
            };
            if cause == Cause::Change(Change::Mempool) {
                // A block waits for no look at the mempool.
                tokio::select! {
                    () = tokio::time::sleep_until(next_look.into()) => {}
                    () = changes.next_block() => {}
                }
            }
            let started = Instant::now();
            match self.react(cause).await {
                Ok(()) => self.service.set_stage(Stage::Serving),
                Err(failure) => self.endure(failure).await?,
            }
            let pause = started
                .elapsed()
                .saturating_mul(MEMPOOL_SHARE)
                .max(MEMPOOL_PAUSE);
            next_look = Instant::now() + pause;
        }
    }

    /// Goes on with what there is when the node or one of its blocks cannot be used for now.
    ///
    /// # Errors
    /// The failure is one that waiting does not mend.
    pub(crate) async fn endure(&mut self, failure: Failure) -> Result<(), Failure> {
        match &failure {
            Failure::Index(IndexError::Database(_) | IndexError::File { .. }) => {
                return Err(failure);
            }
            Failure::Index(_)
            | Failure::Broken(_)
            | Failure::Genesis { .. }
            | Failure::System { .. } => {
                let height = self.index.tip().map(|tip| tip.height).unwrap_or_default();
                self.service.set_stage(Stage::Stuck { height });
                tracing::error!(error = %failure, "cannot follow the node; what is indexed is served");
            }
            Failure::Daemon(error) => tracing::warn!(%error, "cannot follow the node for now"),
            _ => return Err(failure),
        }
        // Blocks that older snapshots stand on may have been replaced before it went wrong.
        if self.index.tip().is_some() {
            self.publish().await?;
        }
        tokio::time::sleep(RETRY_PAUSE).await;
        Ok(())
    }

    async fn react(&mut self, cause: Cause) -> Result<(), Failure> {
        if let Cause::Reorg(count) = cause {
            self.take_back(count)?;
        }
        self.step().await
    }

    /// Disconnects the last blocks, as far as that can be undone; following connects them again.
    fn take_back(&mut self, count: u32) -> Result<(), Failure> {
        let count = count.min(self.index.view().undo_depth()?);
        tracing::info!(count, "taking back blocks, as the operator ordered");
        for _ in 0..count {
            if let Some(tip) = self.index.tip() {
                self.disconnect(tip)?;
            }
        }
        Ok(())
    }

    async fn step(&mut self) -> Result<(), Failure> {
        let tip = self.follow_chain().await?;
        if self.is_at(&tip) {
            self.follow_mempool().await?;
        }
        Ok(())
    }

    /// Connects and disconnects blocks until the node has no other best chain; gives its tip.
    async fn follow_chain(&mut self) -> Result<DaemonTip, Failure> {
        loop {
            let tip = self.tip().await?;
            if self.is_at(&tip) || self.is_behind(&tip) {
                return Ok(tip);
            }
            self.unwind().await?;
            self.connect(self.index.next_height(), tip.height).await?;
        }
    }

    /// Asks the node for its tip, and says so when it takes long.
    async fn tip(&self) -> Result<DaemonTip, Failure> {
        let mut asked = pin!(self.blocks.daemon.tip());
        let tip = match tokio::time::timeout(ANSWER_TIMEOUT, &mut asked).await {
            Ok(tip) => tip?,
            Err(_elapsed) => {
                self.service.set_stage(Stage::WaitingForDaemon);
                asked.await?
            }
        };
        self.service.set_daemon_height(tip.height);
        Ok(tip)
    }

    /// Tells whether the node has the index's chain, only less of it: a node that catches up, not
    /// a reorganisation.
    fn is_behind(&self, tip: &DaemonTip) -> bool {
        let ours = self.index.tip().map(|tip| tip.height).unwrap_or_default();
        let is_behind = tip.height < ours && self.index.block_hash(tip.height) == Some(tip.hash);
        if is_behind {
            tracing::info!(node = %tip.height, index = %ours, "the node is behind the index");
        }
        is_behind
    }

    /// Disconnects the blocks that the node does not have in its best chain.
    async fn unwind(&mut self) -> Result<(), Failure> {
        let Some(fork) = self.find_fork().await? else {
            return Ok(());
        };
        while let Some(tip) = self.index.tip().filter(|tip| tip.height > fork) {
            self.disconnect(tip)?;
        }
        Ok(())
    }

    fn disconnect(&mut self, tip: Tip) -> Result<(), Failure> {
        let txids = self.index.view().block_txids(tip.height)?;
        let touched = task::block_in_place(|| self.index.disconnect())?;
        tracing::info!(height = %tip.height, hash = %tip.hash, "disconnected a block");
        self.touched.extend(touched);
        let txids = txids.unwrap_or_default();
        self.touched.extend(self.mempool.disconnect(&txids));
        self.is_unwound = true;
        Ok(())
    }

    /// Finds the last block that index and node have in common; `None` if the index has no other.
    ///
    /// # Errors
    /// The fork is deeper than can be disconnected, or the node is on another chain altogether:
    /// found out before anything is touched.
    async fn find_fork(&self) -> Result<Option<Height>, Failure> {
        let Some(ours) = self.index.tip() else {
            return Ok(None);
        };
        let mut end = ours.height.next();
        let mut count = 1;
        while end > Height(0) {
            let start = Height(end.0.saturating_sub(count));
            let theirs = self
                .blocks
                .daemon
                .block_hashes(start, end.0 - start.0)
                .await?;
            let common = (start.0..).map(Height).zip(theirs);
            let common =
                common.filter(|(height, hash)| self.index.block_hash(*height) == Some(*hash));
            if let Some((height, _)) = common.last() {
                return self.checked_fork(height, ours.height).await;
            }
            end = start;
            count = HASHES;
        }
        chain::check_genesis(&self.blocks.daemon, self.blocks.coin.as_ref()).await?;
        Ok(Some(Height(0)))
    }

    async fn checked_fork(&self, fork: Height, ours: Height) -> Result<Option<Height>, Failure> {
        if fork == ours {
            return Ok(None);
        }
        // A node that merely has fewer blocks of the same chain is waited for.
        let tip = self.blocks.daemon.tip().await?;
        if tip.height < ours && self.index.block_hash(tip.height) == Some(tip.hash) {
            return Ok(None);
        }
        if ours.0 - fork.0 > self.index.view().undo_depth()? {
            return Err(IndexError::NoUndo {
                height: fork.next(),
            }
            .into());
        }
        Ok(Some(fork))
    }

    /// Builds the index up to `target`; nobody is told of single blocks.
    async fn build(&mut self, target: Height) -> Result<(), Failure> {
        if self.index.next_height() > target {
            return Ok(());
        }
        let service = Arc::clone(&self.service);
        let mut progress = Progress::new(self.index.next_height(), target, move |height| {
            service.set_stage(Stage::Indexing { height, target });
        });
        build(&mut self.index, &self.blocks, target, &mut progress).await?;
        progress.finish();
        Ok(())
    }

    /// Connects blocks one by one, each published at once where the mempool allows it.
    async fn connect(&mut self, from: Height, to: Height) -> Result<(), Failure> {
        let count = to.0.saturating_sub(from.0).saturating_add(1).min(HASHES);
        let hashes = self.blocks.daemon.block_hashes(from, count).await?;
        for (height, hash) in (from.0..).map(Height).zip(hashes) {
            let rows = self.blocks.read(height, hash).await?;
            match task::block_in_place(|| self.index.connect(&rows)) {
                // The node has changed its mind: look again.
                Err(IndexError::NotConnected { .. }) => return Ok(()),
                touched => self.touched.extend(touched?),
            }
            tracing::info!(%height, %hash, transactions = rows.txids().len(), "connected a block");
            self.confirm(&rows);
            if !self.is_unwound {
                self.publish().await?;
            }
        }
        Ok(())
    }

    fn confirm(&mut self, rows: &BlockRows) {
        let spent: Vec<OutPoint> = rows.spent_outpoints().collect();
        self.touched
            .extend(self.mempool.confirm(rows.txids(), &spent));
    }

    /// Takes over the node's mempool and publishes; `false` if the node's tip moved meanwhile.
    async fn follow_mempool(&mut self) -> Result<bool, Failure> {
        let listing = self.blocks.daemon.mempool_txids().await?;
        if !self.is_at(&self.blocks.daemon.tip().await?) {
            return Ok(false);
        }
        let missing = self.mempool.missing(&listing);
        for txids in missing.chunks(TRANSACTIONS) {
            let new = self.fetch(txids).await?;
            self.take_in(&listing, new)?;
        }
        if missing.is_empty() {
            self.take_in(&listing, Vec::new())?;
        }
        self.is_unwound = false;
        self.publish().await?;
        Ok(true)
    }

    fn take_in(&mut self, listing: &[Txid], new: Vec<NewTx>) -> Result<(), Failure> {
        let confirmed = Confirmed(self.index.view());
        let touched = task::block_in_place(|| self.mempool.reconcile(listing, new, &confirmed))?;
        self.touched.extend(touched);
        Ok(())
    }

    async fn fetch(&mut self, txids: &[Txid]) -> Result<Vec<NewTx>, Failure> {
        let raws = self.blocks.daemon.raw_transactions(txids).await?;
        let mut new = Vec::with_capacity(raws.len());
        for (txid, raw) in txids.iter().zip(raws) {
            // What the node no longer has left its mempool since it was listed.
            let Some(raw) = raw else { continue };
            match NewTx::parse(self.blocks.coin.as_ref(), *txid, &raw) {
                Ok(Some(tx)) => new.push(tx),
                Ok(None) => self.mempool.refuse(*txid),
                Err(error) => {
                    tracing::warn!(%error, "skipped a mempool transaction");
                    self.mempool.refuse(*txid);
                }
            }
        }
        // Of a plugin that broke down meanwhile nothing counts.
        self.blocks.coin.health().map_err(Failure::Broken)?;
        Ok(new)
    }

    async fn publish(&mut self) -> Result<(), Failure> {
        let snapshot = Snapshot::new(self.index.view(), self.mempool.view())?;
        self.service
            .publish(snapshot, std::mem::take(&mut self.touched))
            .await;
        Ok(())
    }

    fn is_at(&self, tip: &DaemonTip) -> bool {
        self.index.tip().is_some_and(|ours| ours.hash == tip.hash)
    }
}

/// The index as the mempool asks it.
struct Confirmed(IndexView);

impl Prevouts for Confirmed {
    type Error = IndexError;

    fn prevouts(&self, outpoints: &[OutPoint]) -> Result<Vec<Option<Prevout>>, IndexError> {
        let outputs = self.0.outputs(outpoints)?;
        let prevout = |output: electrode_index::OwnedOutput| Prevout {
            key: output.script,
            value: output.value,
        };
        Ok(outputs
            .into_iter()
            .map(|output| output.map(prevout))
            .collect())
    }
}
