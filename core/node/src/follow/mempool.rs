//! The node's mempool into ours.

use std::time::{Duration, Instant};

use electrode_coin::{OutPoint, Txid};
use electrode_daemon::DaemonChain;
use electrode_index::{IndexError, IndexView, OwnedOutput};
use electrode_mempool::{NewTx, Prevout, Prevouts};
use electrode_server::Stage;
use tokio::task;

use super::{Follower, Looked, MAX_MEMPOOL_PAUSE, MEMPOOL_PAUSE, MEMPOOL_SHARE};
use crate::Failure;

/// Transactions that are fetched and taken in at a time.
const TRANSACTIONS: usize = 2000;

impl Follower {
    /// Takes over the mempool of a node that has this chain.
    ///
    /// Dropping the future loses nothing: what was taken in stays, and is told with the next look.
    pub(super) async fn follow_mempool(&mut self, chain: &DaemonChain) -> Result<Looked, Failure> {
        let has_loaded = self.blocks.daemon.has_loaded_mempool().await?;
        if !self.service.has_snapshot() {
            if !has_loaded {
                return Ok(Looked::Partial(Stage::DaemonLoadingMempool));
            }
            self.service.set_stage(Stage::LoadingMempool);
        }
        let started = Instant::now();
        let mut listing = self.blocks.daemon.mempool_txids().await?;
        if self.blocks.daemon.tip().await? != chain.tip {
            return Ok(Looked::Moved);
        }
        let is_whole = has_loaded && self.short_of(chain).is_none();
        if !is_whole {
            // What it does not list any more it may list again.
            listing.extend(self.mempool.txids());
        }
        self.take_over(&listing, chain).await?;
        if is_whole {
            self.is_unwound = false;
        }
        self.next_mempool = Instant::now() + self.pause_since(started);
        Ok(match has_loaded {
            true => Looked::Whole,
            false => Looked::Partial(Stage::DaemonLoadingMempool),
        })
    }

    /// Gives the pause after a look at the mempool. Waiting for a node that does not answer is no
    /// work that would have to be made up for.
    fn pause_since(&self, started: Instant) -> Duration {
        if self.blocks.daemon.has_failed_since(started) {
            return MEMPOOL_PAUSE;
        }
        let pause = started.elapsed().saturating_mul(MEMPOOL_SHARE);
        pause.clamp(MEMPOOL_PAUSE, MAX_MEMPOOL_PAUSE)
    }

    async fn take_over(&mut self, listing: &[Txid], chain: &DaemonChain) -> Result<(), Failure> {
        let mut missing = self.mempool.missing(listing);
        if !self.is_at(&chain.tip) {
            // A node that lost its last blocks lists what they confirm.
            let index = self.index.view();
            let is_unconfirmed = |txid: &Txid| Ok(index.find(txid)?.is_none());
            missing = filter(missing, is_unconfirmed)?;
        }
        for txids in missing.chunks(TRANSACTIONS) {
            let new = self.fetch(txids).await?;
            self.take_in(listing, new)?;
        }
        if missing.is_empty() {
            self.take_in(listing, Vec::new())?;
        }
        Ok(())
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
}

fn filter(
    txids: Vec<Txid>,
    mut is_kept: impl FnMut(&Txid) -> Result<bool, IndexError>,
) -> Result<Vec<Txid>, IndexError> {
    let kept = txids
        .into_iter()
        .filter_map(|txid| is_kept(&txid).map(|kept| kept.then_some(txid)).transpose());
    kept.collect()
}

/// The index as the mempool asks it.
struct Confirmed(IndexView);

impl Prevouts for Confirmed {
    type Error = IndexError;

    fn prevouts(&self, outpoints: &[OutPoint]) -> Result<Vec<Option<Prevout>>, IndexError> {
        let outputs = self.0.outputs(outpoints)?;
        let prevout = |output: OwnedOutput| Prevout {
            key: output.script,
            value: output.value,
        };
        Ok(outputs
            .into_iter()
            .map(|output| output.map(prevout))
            .collect())
    }
}
