//! Statuses without reading the same history twice.

use std::sync::Arc;

use electrode_coin::{ScriptKey, TxNum};
use electrode_index::IndexError;
use electrode_protocol::{
    CacheInfo, MempoolEntry, MempoolHeight, Status, StatusHasher, sort_mempool,
};
use quick_cache::{Weighter, sync::Cache};

use crate::{Snapshot, costs::Origin, hits::Hits};

/// Estimated bytes of a cached entry, its place in the cache included.
const ENTRY_LEN: u64 = 256;

/// Remembers how far the confirmed part of each history was hashed, so that a block costs only
/// the entries it adds.
pub(crate) struct StatusCache {
    midstates: Cache<ScriptKey, Arc<Midstate>, EntryLen>,
    hits: Hits,
}

/// The confirmed part of a history, hashed.
#[derive(Clone)]
struct Midstate {
    hasher: StatusHasher,
    entries: usize,
    /// Transactions of the chain that were looked through.
    tx_count: TxNum,
    /// [`electrode_index::IndexView::reorganisations`] of the view they were read from.
    reorganisations: u64,
}

/// A status, and what it took.
pub(crate) struct Computed {
    pub(crate) status: Option<Status>,
    /// Entries of the history that it is the hash of.
    pub(crate) entries: usize,
    /// Where the confirmed ones came from.
    pub(crate) origin: Origin,
}

#[derive(Clone)]
struct EntryLen;

impl Weighter<ScriptKey, Arc<Midstate>> for EntryLen {
    fn weight(&self, _: &ScriptKey, _: &Arc<Midstate>) -> u64 {
        ENTRY_LEN
    }
}

impl StatusCache {
    pub(crate) fn new(max_bytes: u64) -> Self {
        let entries = usize::try_from(max_bytes / ENTRY_LEN).unwrap_or(usize::MAX);
        Self {
            midstates: Cache::with_weighter(entries, max_bytes, EntryLen),
            hits: Hits::default(),
        }
    }

    /// Tells what it holds and how it does. What was hashed before some last blocks counts as
    /// known.
    pub(crate) fn info(&self) -> CacheInfo {
        self.hits
            .info(self.midstates.len(), self.midstates.weight())
    }

    /// Computes the status of a script.
    ///
    /// # Errors
    /// [`IndexError::HistoryTooLarge`] when more than `limit` entries would have to be read, or
    /// the history has more than `max_entries`.
    pub(crate) fn status(
        &self,
        snapshot: &Snapshot,
        script: &ScriptKey,
        limit: usize,
        max_entries: usize,
    ) -> Result<Computed, IndexError> {
        let (confirmed, origin) = self.confirmed(snapshot, script, limit, max_entries)?;
        let mempool = mempool_entries(snapshot, script);
        let entries = confirmed.entries.saturating_add(mempool.len());
        if entries > max_entries {
            return Err(IndexError::HistoryTooLarge);
        }
        Ok(Computed {
            status: confirmed.hasher.finish(&mempool),
            entries,
            origin,
        })
    }

    fn confirmed(
        &self,
        snapshot: &Snapshot,
        script: &ScriptKey,
        limit: usize,
        max_entries: usize,
    ) -> Result<(Arc<Midstate>, Origin), IndexError> {
        let index = &snapshot.index;
        let (tx_count, reorganisations) = (index.tx_count(), index.reorganisations());
        let usable = |known: &Arc<Midstate>| {
            known.reorganisations == reorganisations && known.tx_count <= tx_count
        };
        let known = self.hits.count(self.midstates.get(script).filter(usable));
        if let Some(known) = known.as_ref().filter(|known| known.tx_count == tx_count) {
            return Ok((Arc::clone(known), Origin::Remembered));
        }
        let origin = known.as_ref().map_or(Origin::Read, |_| Origin::Remembered);
        let mut state = known.map_or_else(Midstate::empty, |known| Midstate::clone(&known));
        let unread = limit.min(max_entries.saturating_sub(state.entries));
        for tx in index.history(script, state.tx_count, unread)? {
            state.hasher.push_confirmed(&tx.txid, tx.height);
            state.entries += 1;
        }
        let state = Arc::new(Midstate {
            tx_count,
            reorganisations,
            ..state
        });
        self.midstates.insert(*script, Arc::clone(&state));
        Ok((state, origin))
    }
}

impl Midstate {
    fn empty() -> Self {
        Self {
            hasher: StatusHasher::new(),
            entries: 0,
            tx_count: TxNum(0),
            reorganisations: 0,
        }
    }
}

/// Lists what the mempool adds to a history, in the order of the protocol.
pub(crate) fn mempool_entries(snapshot: &Snapshot, script: &ScriptKey) -> Vec<MempoolEntry> {
    let height = |has_unconfirmed_inputs| match has_unconfirmed_inputs {
        true => MempoolHeight::UnconfirmedInputs,
        false => MempoolHeight::AllConfirmed,
    };
    let history = snapshot.mempool.history(script);
    let mut entries: Vec<_> = history
        .into_iter()
        .map(|entry| MempoolEntry {
            txid: entry.txid,
            height: height(entry.has_unconfirmed_inputs),
            fee: entry.fee,
        })
        .collect();
    sort_mempool(&mut entries);
    entries
}
