//! Where transactions stand among consecutive ones, by txid: five to ten bytes each, because the
//! txids themselves are kept elsewhere.

use electrode_coin::{TxNum, Txid};
use hashbrown::HashTable;

use crate::{IndexError, lookup::txid_at, store::Store};

/// Positions by txid.
#[derive(Debug, Default)]
pub(crate) struct Places(HashTable<u32>);

impl Places {
    /// Remembers the transaction at a position of `txids`. Of coinbases made twice the later one
    /// stays, as in the node.
    pub(crate) fn insert(&mut self, txids: &[[u8; 32]], position: u32) {
        let Some(txid) = at(txids, position) else {
            return;
        };
        let is_same = |other: &u32| at(txids, *other) == Some(txid);
        match self.0.find_mut(hash(txid), is_same) {
            Some(known) => *known = position,
            None => {
                let rehash = |other: &u32| at(txids, *other).map_or(0, hash);
                self.0.insert_unique(hash(txid), position, rehash);
            }
        }
    }

    /// Finds a transaction among `txids`.
    pub(crate) fn find(&self, txids: &[[u8; 32]], txid: &Txid) -> Option<u32> {
        let is_same = |other: &u32| at(txids, *other) == Some(&txid.0);
        self.0.find(hash(&txid.0), is_same).copied()
    }

    /// Gives the bytes of memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        /// A number and a byte for each, an eighth of them free.
        const PLACE: usize = 5;
        self.0.capacity() / 7 * 8 * PLACE
    }
}

/// Where the transactions of runs that were connected stand, the newest runs last: what a later
/// run spends is mostly among them, and costs no search in the database.
#[derive(Debug, Default)]
pub(crate) struct RecentRuns {
    runs: Vec<(TxNum, Places)>,
}

impl RecentRuns {
    /// Remembers a run that starts at `base`; forgets the oldest ones above `max_memory` bytes.
    pub(crate) fn push(&mut self, base: TxNum, places: Places, max_memory: usize) {
        self.runs.push((base, places));
        while self.memory() > max_memory {
            self.runs.remove(0);
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
    }

    /// Finds the last transaction with a txid; what is found was compared with the flat file.
    pub(crate) fn find(&self, store: &Store, txid: &Txid) -> Result<Option<TxNum>, IndexError> {
        let newest_first = self.runs.iter().rev();
        let candidates = newest_first.flat_map(|(base, Places(places))| {
            let places = places.iter_hash(hash(&txid.0));
            places.map(|place| TxNum(base.0 + u64::from(*place)))
        });
        for tx_num in candidates {
            if txid_at(store, tx_num)? == *txid {
                return Ok(Some(tx_num));
            }
        }
        Ok(None)
    }

    fn memory(&self) -> usize {
        self.runs.iter().map(|(_, places)| places.memory()).sum()
    }
}

fn at(txids: &[[u8; 32]], position: u32) -> Option<&[u8; 32]> {
    txids.get(usize::try_from(position).ok()?)
}

/// The first bytes of a txid are as good as random.
fn hash(txid: &[u8; 32]) -> u64 {
    txid.first_chunk()
        .map_or(0, |first| u64::from_le_bytes(*first))
}
