//! Following the node: its best chain into the index, its mempool into ours, each state of both
//! published as one.
//!
//! [`Follower::run`] is a loop of looks. A look brings the index to the node's chain
//! ([`chain`]), then the mempool to the node's ([`mempool`]), and tells whether the two are the
//! node's latest. Wallets are let in after the first look of which that is so; what keeps a look
//! from it is told as a [`Stage`], and looked at again soon.

mod chain;
mod mempool;
mod trouble;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use electrode_daemon::{Change, Changes, DaemonChain, DaemonTip};
use electrode_index::Index;
use electrode_mempool::{Mempool, MempoolConfig, Touched};
use electrode_server::{Service, Snapshot, Stage};
use tokio::task;

use self::trouble::Complaints;
use crate::{Failure, build::Blocks, listen::Listeners};

/// Least time between two looks at the mempool, which a busy node would have back to back.
const MEMPOOL_PAUSE: Duration = Duration::from_millis(50);

/// Longest time between two looks at a mempool that changes.
const MAX_MEMPOOL_PAUSE: Duration = Duration::from_secs(5);

/// How many times as long as the last look took the pause before the next one is: what following
/// the mempool may take of the machine.
const MEMPOOL_SHARE: u32 = 4;

/// Time before the next look when the last one did not get to the node's latest state.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Why the follower looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Something may have changed.
    Change(Change),
    /// The last look did not get to the node's latest state.
    Retry,
    /// The operator wants the last blocks taken back.
    Reorg(u32),
}

/// What came of a look at the mempool.
#[derive(Debug)]
enum Looked {
    /// The node's chain moved meanwhile.
    Moved,
    /// Ours is the node's.
    Whole,
    /// The node's is not whole yet, and ours neither.
    Partial(Stage),
}

/// The one writer of index and mempool.
pub(crate) struct Follower {
    index: Index,
    mempool: Mempool,
    blocks: Blocks,
    service: Arc<Service>,
    waits_for_download: bool,
    /// Scripts touched since the last publication.
    touched: Touched,
    /// Whether blocks were disconnected since the mempool was last reconciled: the node has put
    /// their transactions back, and without them the mempool is not of this tip.
    is_unwound: bool,
    /// When the mempool may be looked at again.
    next_mempool: Instant,
    complaints: Complaints,
}

impl Follower {
    /// Takes over an index. `waits_for_download`: a node that is downloading the chain counts as
    /// one that does not have it.
    pub(crate) fn new(
        index: Index,
        blocks: Blocks,
        service: Arc<Service>,
        waits_for_download: bool,
    ) -> Self {
        Self {
            index,
            mempool: Mempool::new(MempoolConfig::default()),
            blocks,
            service,
            waits_for_download,
            touched: Touched::default(),
            is_unwound: false,
            next_mempool: Instant::now(),
            complaints: Complaints::default(),
        }
    }

    /// Follows every change of the node until the process ends; lets wallets in once there is
    /// nothing that they would miss.
    pub(crate) async fn run(
        mut self,
        mut changes: Changes,
        mut listeners: Listeners,
    ) -> Result<(), Failure> {
        let mut cause = Cause::Change(Change::Block);
        loop {
            self.service.fall_behind();
            let looked = self.react(cause, &mut changes).await;
            let is_in_step = matches!(looked, Ok(None));
            match looked {
                Ok(None) => self.serve(&mut listeners),
                Ok(Some(stage)) => {
                    self.complaints.of(&stage);
                    self.service.set_stage(stage);
                }
                Err(failure) => self.endure(failure).await?,
            }
            cause = match is_in_step {
                true => self.next_change(&mut changes).await,
                false => self.next_try().await,
            };
        }
    }

    /// Lets wallets in: index and mempool are the node's.
    fn serve(&mut self, listeners: &mut Listeners) {
        self.complaints.end();
        self.service.set_stage(Stage::Serving);
        listeners.open();
    }

    async fn next_change(&self, changes: &mut Changes) -> Cause {
        let cause = tokio::select! {
            change = changes.next() => Cause::Change(change),
            () = self.service.broadcast() => Cause::Change(Change::Mempool),
            count = self.service.reorg_ordered() => Cause::Reorg(count),
        };
        if cause == Cause::Change(Change::Mempool) {
            // A block waits for no look at the mempool.
            tokio::select! {
                () = tokio::time::sleep_until(self.next_mempool.into()) => {}
                () = changes.next_block() => {}
            }
        }
        cause
    }

    async fn next_try(&self) -> Cause {
        tokio::select! {
            () = tokio::time::sleep(RETRY_PAUSE) => Cause::Retry,
            count = self.service.reorg_ordered() => Cause::Reorg(count),
        }
    }

    /// Looks at the node; gives what keeps the server from the node's latest state, if anything.
    async fn react(
        &mut self,
        cause: Cause,
        changes: &mut Changes,
    ) -> Result<Option<Stage>, Failure> {
        self.index.check_place()?;
        if let Cause::Reorg(count) = cause {
            self.take_back(count)?;
        }
        loop {
            let chain = self.follow_chain().await?;
            let mut short_of = self.short_of(&chain);
            if short_of.is_some() && !self.service.has_snapshot() {
                return Ok(short_of);
            }
            let looked = tokio::select! {
                biased;
                // A look at a large mempool takes long, and goes on where it was after the block.
                () = changes.next_block() => Looked::Moved,
                looked = self.follow_mempool(&chain) => looked?,
            };
            match looked {
                Looked::Moved => continue,
                Looked::Whole => {}
                Looked::Partial(stage) => {
                    short_of.get_or_insert(stage);
                }
            }
            if short_of.is_none() || self.service.has_snapshot() {
                self.publish().await?;
            }
            task::block_in_place(|| self.index.tidy())?;
            return Ok(short_of);
        }
    }

    /// Tells what the node's chain is short of, when the index has all of it.
    fn short_of(&self, chain: &DaemonChain) -> Option<Stage> {
        if !self.is_at(&chain.tip) {
            return Some(Stage::DaemonBehind {
                daemon: chain.tip.height,
                index: self.index.tip().map(|tip| tip.height).unwrap_or_default(),
            });
        }
        let target = chain.download_target()?;
        self.waits_for_download.then_some(Stage::Downloading {
            height: chain.tip.height,
            target,
        })
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
