//! What the index says of scripts, remembered until a block touches them.

use std::sync::Arc;

use electrode_coin::{ScriptKey, TxNum};
use electrode_index::IndexError;
use electrode_protocol::CacheInfo;
use quick_cache::{Weighter, sync::Cache};

use crate::{Snapshot, costs::Origin, hits::Hits, numbers::as_u64};

/// Estimated bytes of an entry beside its rows.
const ENTRY_LEN: usize = 128;

/// Remembers rows of one kind for scripts that were asked for.
pub(crate) struct ScriptCache<T> {
    known: Cache<ScriptKey, Known<T>, RowsLen>,
    hits: Hits,
}

/// The rows of a script, as of some tip.
struct Known<T> {
    rows: Arc<[T]>,
    tx_count: TxNum,
    /// [`electrode_index::IndexView::reorganisations`] of the view they were read from.
    reorganisations: u64,
}

#[derive(Clone)]
struct RowsLen;

impl<T> Weighter<ScriptKey, Known<T>> for RowsLen {
    fn weight(&self, _: &ScriptKey, known: &Known<T>) -> u64 {
        as_u64(size_of_val::<[T]>(&known.rows) + ENTRY_LEN)
    }
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Self {
            rows: Arc::clone(&self.rows),
            ..*self
        }
    }
}

impl<T> ScriptCache<T> {
    pub(crate) fn new(max_bytes: u64) -> Self {
        let entries = usize::try_from(max_bytes).unwrap_or(usize::MAX) / ENTRY_LEN;
        Self {
            known: Cache::with_weighter(entries, max_bytes, RowsLen),
            hits: Hits::default(),
        }
    }

    /// Tells what it holds and how it does.
    pub(crate) fn info(&self) -> CacheInfo {
        self.hits.info(self.known.len(), self.known.weight())
    }

    /// Gives the rows of a script, at most `limit`, and reads them only if a block has touched it
    /// since they were read. Tells as well where they came from.
    ///
    /// # Errors
    /// [`IndexError::HistoryTooLarge`] when there are more.
    pub(crate) fn rows(
        &self,
        snapshot: &Snapshot,
        script: &ScriptKey,
        limit: usize,
        read: impl FnOnce() -> Result<Vec<T>, IndexError>,
    ) -> Result<(Arc<[T]>, Origin), IndexError> {
        let (rows, origin) = match self.hits.count(self.still_good(snapshot, script)?) {
            Some(known) => (known, Origin::Remembered),
            None => {
                let rows = self.remember(snapshot, script, read()?.into());
                (rows, Origin::Read)
            }
        };
        if rows.len() > limit {
            Err(IndexError::HistoryTooLarge)
        } else {
            Ok((rows, origin))
        }
    }

    fn still_good(
        &self,
        snapshot: &Snapshot,
        script: &ScriptKey,
    ) -> Result<Option<Arc<[T]>>, IndexError> {
        let index = &snapshot.index;
        let known = self.known.get(script);
        let known = known.filter(|known| known.reorganisations == index.reorganisations());
        let Some(known) = known.filter(|known| known.tx_count <= index.tx_count()) else {
            return Ok(None);
        };
        if known.tx_count == index.tx_count() {
            return Ok(Some(known.rows));
        }
        match index.history(script, known.tx_count, 0) {
            Ok(_untouched) => Ok(Some(self.remember(snapshot, script, known.rows))),
            Err(IndexError::HistoryTooLarge) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remember(&self, snapshot: &Snapshot, script: &ScriptKey, rows: Arc<[T]>) -> Arc<[T]> {
        let known = Known {
            rows: Arc::clone(&rows),
            tx_count: snapshot.index.tx_count(),
            reorganisations: snapshot.index.reorganisations(),
        };
        self.known.insert(*script, known);
        rows
    }
}
