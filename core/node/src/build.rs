//! The initial build: many blocks, fetched ahead, read on all cores, connected in runs.

use std::{
    collections::VecDeque, num::NonZeroUsize, ops::RangeInclusive, sync::Arc, thread, time::Instant,
};

use electrode_coin::{BlockHash, Coin, Height};
use electrode_daemon::{BlockSource, Daemon, FetchedBlock};
use electrode_index::{BlockRows, Index, IndexError, RawBlock, Run};
use tokio::{
    sync::Semaphore,
    task::{self, JoinHandle},
};

use crate::{Failure, progress::Progress};

/// Block hashes asked for at a time.
const HASHES: u32 = 1000;

/// Blocks that are fetched or read ahead of the one that is needed next, at most and at least.
const AHEAD: RangeInclusive<usize> = 2..=32;

/// How many times as much as its rows a block takes while it is read: the block itself and the
/// outputs that it spends are about as large each.
const READING: usize = 3;

/// Where blocks come from, and how they are read.
#[derive(Clone)]
pub(crate) struct Blocks {
    pub(crate) coin: Arc<dyn Coin>,
    pub(crate) daemon: Daemon,
    pub(crate) source: Arc<dyn BlockSource>,
    /// As many blocks are read at once as there are processors: more only take memory.
    readers: Arc<Semaphore>,
}

impl Blocks {
    /// Finds the best way to get blocks from the node.
    pub(crate) async fn new(coin: Arc<dyn Coin>, daemon: Daemon) -> Result<Self, Failure> {
        let source = Arc::from(daemon.block_source().await?);
        Ok(Self {
            coin,
            daemon,
            source,
            readers: Arc::new(Semaphore::new(processors())),
        })
    }

    /// Fetches and reads one block, and the outputs that it spends.
    pub(crate) async fn read(&self, height: Height, hash: BlockHash) -> Result<BlockRows, Failure> {
        let fetched = self.source.fetch(&hash).await?;
        self.rows(height, hash, fetched).await
    }

    /// Fetches and reads one block alone.
    async fn read_block(&self, height: Height, hash: BlockHash) -> Result<BlockRows, Failure> {
        let block = self.source.fetch_block(&hash).await?;
        let fetched = FetchedBlock { block, spent: None };
        self.rows(height, hash, fetched).await
    }

    async fn rows(
        &self,
        height: Height,
        hash: BlockHash,
        fetched: FetchedBlock,
    ) -> Result<BlockRows, Failure> {
        let coin = Arc::clone(&self.coin);
        // It is never closed.
        let _reader = self.readers.acquire().await;
        let read = task::spawn_blocking(move || {
            let raw = RawBlock {
                height,
                hash,
                bytes: &fetched.block,
                spent: fetched.spent.as_deref(),
            };
            read_rows(coin.as_ref(), raw)
        });
        let rows = read.await.map_err(|error| Failure::System {
            what: "reading a block",
            source: error.into(),
        })??;
        Ok(rows)
    }
}

/// Reads a block; spent outputs that do not fit it are left to the index, which finds its own.
fn read_rows(coin: &dyn Coin, raw: RawBlock<'_>) -> Result<BlockRows, IndexError> {
    match BlockRows::read(coin, raw) {
        Err(error @ IndexError::SpentOutputs { .. }) => {
            tracing::warn!(%error, "they are looked up instead");
            BlockRows::read(coin, RawBlock { spent: None, ..raw })
        }
        read => read,
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
    let max_memory = index.config().run_memory();
    let mut ahead = Ahead::new(blocks, index, target);
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
            index.pause_compaction()?;
            connect(index, run)?;
            ahead.spent = SpentOutputs::of_a_run_on(index);
            run = Run::new(index, target).with_room(max_memory);
        }
    };
    if !run.is_empty() {
        connect(index, run)?;
    }
    index.resume_compaction()?;
    ended
}

fn connect(index: &mut Index, run: Run) -> Result<(), IndexError> {
    let memory = run.memory();
    let started = Instant::now();
    task::block_in_place(|| index.connect_run(run))?;
    let (to, took) = (index.next_height().0.saturating_sub(1), started.elapsed());
    tracing::debug!(to, memory, ?took, "connected a run of blocks");
    Ok(())
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Blocks in chain order, some of them under way.
struct Ahead<'a> {
    blocks: &'a Blocks,
    hashes: VecDeque<BlockHash>,
    /// Height of the first block of `hashes`.
    next: Height,
    target: Height,
    reading: VecDeque<JoinHandle<Result<BlockRows, Failure>>>,
    spent: SpentOutputs,
    max_memory: usize,
    /// What the rows of a block took lately.
    block_memory: usize,
}

/// Where the outputs are that blocks spend.
#[derive(Clone, Copy)]
enum SpentOutputs {
    /// The run has them all: it starts with the first block.
    InTheRun,
    /// Some are older; a node that gives them saves their look-up.
    Older,
}

impl SpentOutputs {
    fn of_a_run_on(index: &Index) -> Self {
        match index.next_height() {
            Height(0) => Self::InTheRun,
            _ => Self::Older,
        }
    }
}

impl<'a> Ahead<'a> {
    fn new(blocks: &'a Blocks, index: &Index, target: Height) -> Self {
        Self {
            blocks,
            hashes: VecDeque::new(),
            next: index.next_height(),
            target,
            reading: VecDeque::new(),
            spent: SpentOutputs::of_a_run_on(index),
            max_memory: index.config().ahead_memory(),
            block_memory: 0,
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
        let rows = read.await.map_err(stopped)??;
        // Large blocks count at once, and for a while.
        self.block_memory = rows.memory().max(self.block_memory / 8 * 7);
        Ok(Some(rows))
    }

    /// Gives how many blocks may be under way.
    fn max_reading(&self) -> usize {
        let blocks = self.max_memory / (self.block_memory * READING).max(1);
        blocks.clamp(*AHEAD.start(), *AHEAD.end())
    }

    async fn fill(&mut self) -> Result<(), Failure> {
        while self.reading.len() < self.max_reading() && self.next <= self.target {
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
            self.reading.push_back(self.read(hash));
            self.next = self.next.next();
        }
        Ok(())
    }

    fn read(&self, hash: BlockHash) -> JoinHandle<Result<BlockRows, Failure>> {
        let (blocks, height) = (self.blocks.clone(), self.next);
        match self.spent {
            SpentOutputs::InTheRun => {
                tokio::spawn(async move { blocks.read_block(height, hash).await })
            }
            SpentOutputs::Older => tokio::spawn(async move { blocks.read(height, hash).await }),
        }
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        self.reading.iter().for_each(JoinHandle::abort);
    }
}
