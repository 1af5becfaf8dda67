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

/// What is asked for with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskFor {
    /// The block alone: what it spends is looked up in the index, and the source need not be
    /// believed.
    BlockOnly,
    /// The outputs that it spends as well, where the source has them.
    WithSpent,
}

/// Where blocks come from, and how they are read.
#[derive(Clone)]
pub(crate) struct Blocks {
    pub(crate) coin: Arc<dyn Coin>,
    pub(crate) daemon: Daemon,
    source: Arc<dyn BlockSource>,
    ask_for: AskFor,
    /// As many blocks are read at once as there are processors: more only take memory.
    readers: Arc<Semaphore>,
}

impl Blocks {
    /// Finds the best way to get blocks from the node.
    pub(crate) async fn new(
        coin: Arc<dyn Coin>,
        daemon: Daemon,
        ask_for: AskFor,
    ) -> Result<Self, Failure> {
        let source = Arc::from(daemon.block_source().await?);
        Ok(Self {
            coin,
            daemon,
            source,
            ask_for,
            readers: Arc::new(Semaphore::new(processors())),
        })
    }

    /// Fetches and reads one block.
    pub(crate) async fn read(&self, height: Height, hash: BlockHash) -> Result<BlockRows, Failure> {
        self.read_with(self.ask_for, height, hash).await
    }

    async fn read_with(
        &self,
        ask_for: AskFor,
        height: Height,
        hash: BlockHash,
    ) -> Result<BlockRows, Failure> {
        let missing = |error| Failure::no_block(height, error);
        let fetched = match ask_for {
            AskFor::BlockOnly => FetchedBlock {
                block: self.source.fetch_block(&hash).await.map_err(missing)?,
                spent: None,
            },
            AskFor::WithSpent => self.source.fetch(&hash).await.map_err(missing)?,
        };
        match self.rows(height, hash, fetched).await {
            Err(Failure::Index(error)) if error.is_of_the_source() => {
                self.read_elsewhere(height, hash, error).await
            }
            read => read,
        }
    }

    /// Reads a block that came damaged from somewhere else: past files and REST, and from the next
    /// node in the end.
    async fn read_elsewhere(
        &self,
        height: Height,
        hash: BlockHash,
        damage: IndexError,
    ) -> Result<BlockRows, Failure> {
        tracing::warn!(%damage, "asking for the block in another way");
        for is_last in [false, true] {
            if is_last {
                self.daemon.ask_next_node();
            }
            let block = self.daemon.block(&hash).await;
            let block = block.map_err(|error| Failure::no_block(height, error))?;
            let fetched = FetchedBlock { block, spent: None };
            match self.rows(height, hash, fetched).await {
                Err(Failure::Index(error)) if error.is_of_the_source() && !is_last => {
                    tracing::warn!(%error, "so is what the node gives");
                }
                read => return read,
            }
        }
        Err(damage.into())
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
            ahead.ask_for = AskFor::of_a_run_on(index, blocks.ask_for);
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
    ask_for: AskFor,
    max_memory: usize,
    /// What the rows of a block took lately.
    block_memory: usize,
}

impl AskFor {
    /// The first run makes all that it spends itself; in later ones, a source that gives spent
    /// outputs saves their look-up.
    fn of_a_run_on(index: &Index, most: Self) -> Self {
        match index.next_height() {
            Height(0) => Self::BlockOnly,
            _ => most,
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
            ask_for: AskFor::of_a_run_on(index, blocks.ask_for),
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
        let (blocks, ask_for, height) = (self.blocks.clone(), self.ask_for, self.next);
        tokio::spawn(async move { blocks.read_with(ask_for, height, hash).await })
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        self.reading.iter().for_each(JoinHandle::abort);
    }
}
