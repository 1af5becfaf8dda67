//! The initial build: many blocks, fetched ahead, read on all cores, connected in runs.

use std::{collections::VecDeque, sync::Arc};

use electrode_coin::{BlockHash, Coin, Height};
use electrode_daemon::{BlockSource, Daemon};
use electrode_index::{BlockRows, Index, IndexError, RawBlock, Run};
use tokio::task::{self, JoinHandle};

use crate::{Failure, progress::Progress};

/// Block hashes asked for at a time.
const HASHES: u32 = 1000;

/// Blocks that are fetched or read ahead of the one that is needed next.
const AHEAD: usize = 32;

/// Where blocks come from, and how they are read.
#[derive(Clone)]
pub(crate) struct Blocks {
    pub(crate) coin: Arc<dyn Coin>,
    pub(crate) daemon: Daemon,
    pub(crate) source: Arc<dyn BlockSource>,
}

impl Blocks {
    /// Finds the best way to get blocks from the node.
    pub(crate) async fn new(coin: Arc<dyn Coin>, daemon: Daemon) -> Result<Self, Failure> {
        let source = Arc::from(daemon.block_source().await?);
        Ok(Self {
            coin,
            daemon,
            source,
        })
    }

    /// Fetches and reads one block.
    pub(crate) async fn read(&self, height: Height, hash: BlockHash) -> Result<BlockRows, Failure> {
        let fetched = self.source.fetch(&hash).await?;
        let coin = Arc::clone(&self.coin);
        let read = task::spawn_blocking(move || {
            let raw = RawBlock {
                height,
                hash,
                bytes: &fetched.block,
                spent: fetched.spent.as_deref(),
            };
            BlockRows::read(coin.as_ref(), raw)
        });
        let rows = read.await.map_err(|error| Failure::System {
            what: "reading a block",
            source: error.into(),
        })??;
        Ok(rows)
    }

    fn read_ahead(
        &self,
        height: Height,
        hash: BlockHash,
    ) -> JoinHandle<Result<BlockRows, Failure>> {
        let blocks = self.clone();
        tokio::spawn(async move { blocks.read(height, hash).await })
    }
}

/// Connects the node's blocks up to `target` in runs as large as memory allows.
///
/// Blocks that the node replaces meanwhile end it early and without an error: whoever follows the
/// chain sorts that out.
pub(crate) async fn build(
    index: &mut Index,
    blocks: &Blocks,
    target: Height,
    progress: &mut Progress,
) -> Result<(), Failure> {
    // The rest is for the database's own caches and writers.
    let max_memory = index.config().cache_bytes / 5 * 3;
    let mut ahead = Ahead::new(blocks, index.next_height(), target);
    let mut run = Run::new(index, target).with_room(max_memory);
    let ended = loop {
        let rows = match ahead.next().await {
            Ok(Some(rows)) => rows,
            // What was read before a block that cannot be had or read counts.
            ended => break ended.map(|_last| ()),
        };
        match run.push(&rows) {
            // The node has changed its mind.
            Err(IndexError::NotConnected { .. }) => break Ok(()),
            pushed => pushed?,
        }
        progress.block(&rows);
        if run.memory() >= max_memory {
            task::block_in_place(|| index.connect_run(run))?;
            run = Run::new(index, target).with_room(max_memory);
        }
    };
    if !run.is_empty() {
        task::block_in_place(|| index.connect_run(run))?;
    }
    ended
}

/// Blocks in chain order, some of them under way.
struct Ahead<'a> {
    blocks: &'a Blocks,
    hashes: VecDeque<BlockHash>,
    /// Height of the first block of `hashes`.
    next: Height,
    target: Height,
    reading: VecDeque<JoinHandle<Result<BlockRows, Failure>>>,
}

impl<'a> Ahead<'a> {
    fn new(blocks: &'a Blocks, next: Height, target: Height) -> Self {
        Self {
            blocks,
            hashes: VecDeque::new(),
            next,
            target,
            reading: VecDeque::new(),
        }
    }

    /// Gives the next block, `None` behind the target.
    async fn next(&mut self) -> Result<Option<BlockRows>, Failure> {
        self.fill().await?;
        let Some(read) = self.reading.pop_front() else {
            return Ok(None);
        };
        let stopped = |error: task::JoinError| Failure::System {
            what: "fetching a block",
            source: error.into(),
        };
        Ok(Some(read.await.map_err(stopped)??))
    }

    async fn fill(&mut self) -> Result<(), Failure> {
        while self.reading.len() < AHEAD && self.next <= self.target {
            if self.hashes.is_empty() {
                let count = HASHES.min(self.target.0 - self.next.0 + 1);
                self.hashes = self
                    .blocks
                    .daemon
                    .block_hashes(self.next, count)
                    .await?
                    .into();
            }
            let Some(hash) = self.hashes.pop_front() else {
                return Ok(());
            };
            self.reading
                .push_back(self.blocks.read_ahead(self.next, hash));
            self.next = self.next.next();
        }
        Ok(())
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        self.reading.iter().for_each(JoinHandle::abort);
    }
}
