//! Transactions that were asked for, remembered as they are.

use std::sync::Arc;

use electrode_coin::{BlockHash, Height, Txid};
use electrode_protocol::CacheInfo;
use quick_cache::{Weighter, sync::Cache};

use crate::{Snapshot, hits::Hits, numbers::as_u64};

/// Estimated bytes of an entry beside its transaction.
const ENTRY_LEN: usize = 160;

/// Bytes of an average transaction: what the table of entries is sized by.
const USUAL_LEN: u64 = 512;

/// Remembers confirmed transactions. Those of the mempool are asked for each time: whoever mines one
/// may confirm another witness under the same txid.
pub(crate) struct TransactionCache {
    known: Cache<Txid, Known, RawLen>,
    hits: Hits,
}

/// A transaction of a block.
#[derive(Clone)]
struct Known {
    raw: Arc<[u8]>,
    height: Height,
    block: BlockHash,
}

#[derive(Clone)]
struct RawLen;

impl Weighter<Txid, Known> for RawLen {
    fn weight(&self, _: &Txid, known: &Known) -> u64 {
        as_u64(known.raw.len() + ENTRY_LEN)
    }
}

impl TransactionCache {
    pub(crate) fn new(max_bytes: u64) -> Self {
        let entries = usize::try_from(max_bytes / USUAL_LEN).unwrap_or(usize::MAX);
        Self {
            known: Cache::with_weighter(entries, max_bytes, RawLen),
            hits: Hits::default(),
        }
    }

    /// Tells what it holds and how it does.
    pub(crate) fn info(&self) -> CacheInfo {
        self.hits.info(self.known.len(), self.known.weight())
    }

    /// Gives a transaction whose block is still of the best chain.
    pub(crate) fn get(&self, snapshot: &Snapshot, txid: &Txid) -> Option<Arc<[u8]>> {
        let known = self.known.get(txid);
        let is_confirmed =
            |known: &Known| snapshot.index.block_hash(known.height) == Some(known.block);
        let known = self.hits.count(known.filter(is_confirmed))?;
        Some(known.raw)
    }

    /// Remembers a transaction of the block at `height`.
    pub(crate) fn remember(&self, txid: Txid, height: Height, block: BlockHash, raw: &Arc<[u8]>) {
        let known = Known {
            raw: Arc::clone(raw),
            height,
            block,
        };
        self.known.insert(txid, known);
    }
}
