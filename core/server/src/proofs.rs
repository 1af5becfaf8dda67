//! Merkle proofs: of transactions in their block, and of headers below a checkpoint.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use electrode_coin::{BlockHash, Height, Txid};
use electrode_index::{IndexError, IndexView};
use electrode_protocol::merkle::{Hash, HeaderTree, Proof, branch_and_root};
use quick_cache::{Weighter, sync::Cache};

/// Blocks whose txids are remembered, at most; their bytes are bounded as well.
const REMEMBERED_BLOCKS: usize = 4096;

/// Proves, and remembers what it read for it.
pub(crate) struct Proofs {
    txids: Cache<BlockHash, Arc<[Hash]>, TxidsLen>,
    headers: Mutex<KnownHeaders>,
}

/// The tree over the block hashes of the best chain, as of some tip.
#[derive(Default)]
struct KnownHeaders {
    tree: HeaderTree,
    /// [`IndexView::reorganisations`] of the view it was read from.
    reorganisations: u64,
}

#[derive(Clone)]
struct TxidsLen;

impl Weighter<BlockHash, Arc<[Hash]>> for TxidsLen {
    fn weight(&self, _: &BlockHash, txids: &Arc<[Hash]>) -> u64 {
        u64::try_from(size_of_val::<[Hash]>(txids))
            .unwrap_or(u64::MAX)
            .saturating_add(64)
    }
}

impl Proofs {
    pub(crate) fn new(max_bytes: u64) -> Self {
        Self {
            txids: Cache::with_weighter(REMEMBERED_BLOCKS, max_bytes, TxidsLen),
            headers: Mutex::default(),
        }
    }

    /// Gives the txids of a block, `None` above the tip.
    pub(crate) fn block_txids(
        &self,
        index: &IndexView,
        height: Height,
    ) -> Result<Option<Arc<[Hash]>>, IndexError> {
        let Some(hash) = index.block_hash(height) else {
            return Ok(None);
        };
        if let Some(txids) = self.txids.get(&hash) {
            return Ok(Some(txids));
        }
        let Some(txids) = index.block_txids(height)? else {
            return Ok(None);
        };
        let txids: Arc<[Hash]> = txids.into_iter().map(|Txid(hash)| hash).collect();
        self.txids.insert(hash, Arc::clone(&txids));
        Ok(Some(txids))
    }

    /// Proves the transaction at a position of a block, `None` if there is none.
    pub(crate) fn transaction(
        &self,
        index: &IndexView,
        height: Height,
        position: usize,
    ) -> Result<Option<Proof>, IndexError> {
        let txids = self.block_txids(index, height)?;
        Ok(txids.and_then(|txids| branch_and_root(&txids, position)))
    }

    /// Proves the header at `height` below the checkpoint at `cp_height`.
    ///
    /// Cost: two segments of block hashes read, once all complete segments are remembered.
    pub(crate) fn header(
        &self,
        index: &IndexView,
        height: Height,
        cp_height: Height,
    ) -> Result<Option<Proof>, IndexError> {
        let tree = self.header_tree(index)?;
        let [position, checkpoint] = [height, cp_height].map(|height| to_usize(height.0));
        tree.prove(position, checkpoint.saturating_add(1), |range| {
            read_hashes(index, range)
        })
    }

    /// Gives the tree with every complete segment of the chain in it.
    fn header_tree(&self, index: &IndexView) -> Result<HeaderTree, IndexError> {
        let mut known = self.headers.lock().unwrap_or_else(PoisonError::into_inner);
        if known.reorganisations != index.reorganisations() {
            // Nobody says how deep it went; what is dropped here is read again below.
            *known = KnownHeaders {
                tree: HeaderTree::new(),
                reorganisations: index.reorganisations(),
            };
        }
        let count = index
            .tip()
            .map_or(0, |tip| to_usize(tip.height.0).saturating_add(1));
        known.tree.truncate(count);
        while let start = known.tree.remembered()
            && start + HeaderTree::SEGMENT_LEN <= count
        {
            let hashes = read_hashes(index, start..start + HeaderTree::SEGMENT_LEN)?;
            let segment = hashes.first_chunk();
            known.tree.push(segment.ok_or(IndexError::Corrupt {
                what: "block hashes",
            })?);
        }
        Ok(known.tree.clone())
    }
}

fn read_hashes(index: &IndexView, range: Range<usize>) -> Result<Vec<Hash>, IndexError> {
    let start = Height(u32::try_from(range.start).unwrap_or(u32::MAX));
    let hashes = index.block_hashes(start, range.len());
    Ok(hashes.into_iter().map(|BlockHash(hash)| hash).collect())
}

fn to_usize(height: u32) -> usize {
    usize::try_from(height).unwrap_or(usize::MAX)
}
