//! Merkle proofs: of transactions in their block, and of headers below a checkpoint.

use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use electrode_coin::{BlockHash, Height, TxNum, Txid};
use electrode_index::{IndexError, IndexView};
use electrode_protocol::{
    CacheInfo,
    merkle::{Hash, HeaderTree, Proof, Tree},
};
use quick_cache::{Weighter, sync::Cache};

use crate::{costs::Origin, hits::Hits, numbers::as_u64};

/// Blocks whose trees are remembered, at most; their bytes are bounded as well.
const REMEMBERED_BLOCKS: usize = 4096;

/// Proves, and remembers what it read for it.
pub(crate) struct Proofs {
    blocks: Cache<BlockHash, Arc<Tree>, TreeLen>,
    hits: Hits,
    headers: Mutex<KnownHeaders>,
}

/// The tree over the block hashes of the best chain.
#[derive(Default)]
struct KnownHeaders {
    tree: HeaderTree,
    /// Hash of the last block of each segment: what tells that it is still of the best chain.
    ends: Vec<BlockHash>,
}

#[derive(Clone)]
struct TreeLen;

impl Weighter<BlockHash, Arc<Tree>> for TreeLen {
    fn weight(&self, _: &BlockHash, tree: &Arc<Tree>) -> u64 {
        as_u64(tree.memory()).saturating_add(128)
    }
}

impl Proofs {
    pub(crate) fn new(max_bytes: u64) -> Self {
        Self {
            blocks: Cache::with_weighter(REMEMBERED_BLOCKS, max_bytes, TreeLen),
            hits: Hits::default(),
            headers: Mutex::default(),
        }
    }

    /// Tells what it holds of blocks and how it does.
    pub(crate) fn info(&self) -> CacheInfo {
        self.hits.info(self.blocks.len(), self.blocks.weight())
    }

    /// Proves the transaction at a position of the block at `height`: gives the hashes that it,
    /// and what it is hashed to, is paired with; `None` if there is no such transaction. Tells as
    /// well where the txids of the block came from.
    pub(crate) fn transaction(
        &self,
        index: &IndexView,
        height: Height,
        position: u64,
    ) -> Result<(Option<Vec<Hash>>, Origin), IndexError> {
        let Some((hash, tx_nums)) = index.block_hash(height).zip(index.block_tx_nums(height))
        else {
            return Ok((None, Origin::Remembered));
        };
        let read = |tx_nums: Range<TxNum>| -> Result<Vec<Hash>, IndexError> {
            Ok(index
                .txids(tx_nums)?
                .into_iter()
                .map(|Txid(hash)| hash)
                .collect())
        };
        let (tree, origin) = match self.hits.count(self.blocks.get(&hash)) {
            Some(tree) => (tree, Origin::Remembered),
            None => {
                let tree = Arc::new(Tree::new(&read(tx_nums.clone())?));
                self.blocks.insert(hash, Arc::clone(&tree));
                (tree, Origin::Read)
            }
        };
        let tx_num = |position: usize| TxNum(tx_nums.start.0 + as_u64(position));
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let branch = tree.branch(position, |range| {
            read(tx_num(range.start)..tx_num(range.end))
        })?;
        Ok((branch, origin))
    }

    /// Proves the header at `height` below the checkpoint at `cp_height`.
    ///
    /// Cost: two segments of block hashes read and hashed, as long as [`Self::follow`] keeps up.
    pub(crate) fn header(
        &self,
        index: &IndexView,
        height: Height,
        cp_height: Height,
    ) -> Result<Option<Proof>, IndexError> {
        let tree = {
            let mut known = self.lock();
            known.forget_replaced(index);
            known.tree.clone()
        };
        let [position, checkpoint] = [height, cp_height].map(|height| to_usize(height.0));
        tree.prove(position, checkpoint.saturating_add(1), |range| {
            Ok(read_hashes(index, range))
        })
    }

    /// Remembers the segments of block hashes that are complete by now.
    pub(crate) fn follow(&self, index: &IndexView) {
        let count = index
            .tip()
            .map_or(0, |tip| to_usize(tip.height.0).saturating_add(1));
        let mut known = self.lock();
        known.forget_replaced(index);
        while let start = known.tree.remembered()
            && let end = start + HeaderTree::SEGMENT_LEN
            && end <= count
        {
            let hashes = read_hashes(index, start..end);
            let Some((segment, last)) = hashes.first_chunk().zip(hashes.last()) else {
                return;
            };
            known.tree.push(segment);
            known.ends.push(BlockHash(*last));
        }
    }

    fn lock(&self) -> MutexGuard<'_, KnownHeaders> {
        // Nothing in here panics half-way through a change.
        self.headers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KnownHeaders {
    fn forget_replaced(&mut self, index: &IndexView) {
        while let Some(end) = self.ends.last() {
            let last = self.ends.len() * HeaderTree::SEGMENT_LEN - 1;
            if index.block_hash(to_height(last)) == Some(*end) {
                return;
            }
            self.ends.pop();
            self.tree
                .truncate(self.ends.len() * HeaderTree::SEGMENT_LEN);
        }
    }
}

fn read_hashes(index: &IndexView, range: Range<usize>) -> Vec<Hash> {
    let hashes = index.block_hashes(to_height(range.start), range.len());
    hashes.into_iter().map(|BlockHash(hash)| hash).collect()
}

fn to_height(position: usize) -> Height {
    Height(u32::try_from(position).unwrap_or(u32::MAX))
}

fn to_usize(height: u32) -> usize {
    usize::try_from(height).unwrap_or(usize::MAX)
}
