//! The node's best chain into the index.

use std::{pin::pin, sync::Arc, time::Duration};

use electrode_coin::{Height, OutPoint};
use electrode_daemon::{DaemonChain, DaemonTip};
use electrode_index::{BlockRows, IndexError, Tip};
use electrode_server::Stage;
use tokio::task;

use super::Follower;
use crate::{Failure, build::build, chain::check_genesis, progress::Progress};

/// Time after which a node that does not answer is said to be gone.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Block hashes asked for at a time.
const HASHES: u32 = 100;

impl Follower {
    /// Connects and disconnects blocks until the index has the node's best chain, or the node
    /// has only a part of the index's.
    pub(super) async fn follow_chain(&mut self) -> Result<DaemonChain, Failure> {
        loop {
            let chain = self.ask_chain().await?;
            if self.is_at(&chain.tip) {
                return Ok(chain);
            }
            let ahead = self.ahead_of(&chain.tip);
            let is_invalidated = match ahead {
                Some(ours) => self.blocks.daemon.has_invalidated(ours).await?,
                None => false,
            };
            match ahead {
                Some(ours) if is_invalidated => {
                    tracing::info!(hash = %ours.hash, "the node has invalidated a block");
                    self.unwind_to(chain.tip.height)?;
                }
                Some(_) => return Ok(chain),
                None => self.switch_to(&chain.tip).await?,
            }
        }
    }

    /// Takes over the chain of a tip, or the first blocks of it.
    async fn switch_to(&mut self, tip: &DaemonTip) -> Result<(), Failure> {
        self.unwind().await?;
        if self.service.has_snapshot() {
            self.connect(tip.height).await
        } else {
            self.build(tip.height).await
        }
    }

    /// Disconnects the last blocks, as far as that can be undone; following connects them again.
    pub(super) fn take_back(&mut self, count: u32) -> Result<(), Failure> {
        let count = count.min(self.index.view().undo_depth()?);
        tracing::info!(count, "taking back blocks, as the operator ordered");
        for _ in 0..count {
            if let Some(tip) = self.index.tip() {
                self.disconnect(tip)?;
            }
        }
        Ok(())
    }

    /// Asks the node for its chain, and says so when it takes long.
    async fn ask_chain(&self) -> Result<DaemonChain, Failure> {
        let mut asked = pin!(self.blocks.daemon.chain());
        let chain = match tokio::time::timeout(ANSWER_TIMEOUT, &mut asked).await {
            Ok(chain) => chain?,
            Err(_elapsed) => {
                self.service.set_stage(Stage::WaitingForDaemon);
                asked.await?
            }
        };
        self.service.set_daemon_height(chain.tip.height);
        Ok(chain)
    }

    /// Gives the tip of the index if the node has the same chain, only less of it: a node that
    /// catches up, not a reorganisation.
    fn ahead_of(&self, tip: &DaemonTip) -> Option<DaemonTip> {
        let Tip { height, hash } = self.index.tip()?;
        let is_ahead = tip.height < height && self.index.block_hash(tip.height) == Some(tip.hash);
        is_ahead.then_some(DaemonTip { height, hash })
    }

    /// Disconnects the blocks that the node does not have in its best chain.
    async fn unwind(&mut self) -> Result<(), Failure> {
        match self.find_fork().await? {
            Some(fork) => self.unwind_to(fork),
            None => Ok(()),
        }
    }

    /// Disconnects the blocks above `fork`.
    ///
    /// # Errors
    /// They are more than can be disconnected: found out before anything is touched.
    fn unwind_to(&mut self, fork: Height) -> Result<(), Failure> {
        let ours = self.index.tip().map(|tip| tip.height).unwrap_or_default();
        if ours.0.saturating_sub(fork.0) > self.index.view().undo_depth()? {
            return Err(IndexError::NoUndo {
                height: fork.next(),
            }
            .into());
        }
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
    /// The node is on another chain altogether.
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
        check_genesis(&self.blocks.daemon, self.blocks.coin.as_ref()).await?;
        Ok(Some(Height(0)))
    }

    async fn checked_fork(&self, fork: Height, ours: Height) -> Result<Option<Height>, Failure> {
        if fork == ours {
            return Ok(None);
        }
        // A node that merely has fewer blocks of the same chain is waited for.
        let tip = self.blocks.daemon.tip().await?;
        Ok(self.ahead_of(&tip).is_none().then_some(fork))
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

    /// Connects blocks up to `target` one by one, each published at once where the mempool allows
    /// it.
    async fn connect(&mut self, target: Height) -> Result<(), Failure> {
        let from = self.index.next_height();
        let count = target
            .0
            .saturating_sub(from.0)
            .saturating_add(1)
            .min(HASHES);
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
}
