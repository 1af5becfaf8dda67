//! Which undo data belongs to which block: the checksum behind it tells, and nothing else does.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bitcoin::hashes::{Hash as _, HashEngine as _, sha256d};

use super::{
    folder::PlainFile,
    record::{Layout, Record},
    undo,
};

/// Bytes of the checksum behind undo data.
pub(super) const CHECKSUM_LEN: u32 = 32;

/// Bytes of undo data that tell the number of its transactions.
const START_LEN: u32 = 9;

/// How far before the last match the search starts: blocks that are read at the same time ask in
/// any order.
const LOOK_BACK: usize = 64;

/// What is known of one file of undo data.
#[derive(Debug, Default)]
pub(super) struct UndoFile(Mutex<Known>);

/// A block whose undo data is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// Offset of the block in its file, which no other block has.
    pub(super) block: u32,
    /// Hash of the block before it, which the checksum covers.
    pub(super) prev_hash: &'a [u8],
    /// Its transactions but the coinbase, where that is known.
    pub(super) transactions: Option<u32>,
}

#[derive(Debug, Default)]
struct Known {
    undo: Vec<Undo>,
    /// Where the next record will be.
    end: u32,
    /// Position behind the last match.
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Undo {
    record: Record,
    /// The transactions it is about; `None` where even that cannot be read.
    transactions: Option<u32>,
    /// The block that it was matched to.
    block: Option<u32>,
}

impl UndoFile {
    /// Reads the undo data of a block, checksum left out; `None` if it is not there.
    ///
    /// Cost: as a rule one read. Undo data stands in the order in which blocks were connected, so
    /// the next is tried first; what is about another number of transactions is not read.
    pub(super) fn find(
        &self,
        file: &PlainFile,
        magic: [u8; 4],
        wanted: Wanted<'_>,
    ) -> io::Result<Option<Vec<u8>>> {
        let (start, count) = {
            let known = self.lock();
            (known.next.saturating_sub(LOOK_BACK), known.undo.len())
        };
        let order = (start..count).chain(0..start);
        if let Some(found) = self.search(file, wanted, order)? {
            return Ok(Some(found));
        }
        let count_now = self.look(file, magic)?;
        self.search(file, wanted, count..count_now)
    }

    /// Tries what was matched to the block before, then what is not matched yet.
    fn search(
        &self,
        file: &PlainFile,
        wanted: Wanted<'_>,
        order: impl Iterator<Item = usize> + Clone,
    ) -> io::Result<Option<Vec<u8>>> {
        let matched = order.clone().map(|position| (position, Some(wanted.block)));
        let unmatched = order.map(|position| (position, None));
        for (position, block) in matched.chain(unmatched) {
            let Some(record) = self.candidate(position, wanted, block) else {
                continue;
            };
            let bytes = file.read(record.offset.into(), record.len + CHECKSUM_LEN)?;
            if let Some(undo) = checked(bytes, wanted.prev_hash) {
                self.set_matched(position, wanted.block);
                return Ok(Some(undo));
            }
        }
        Ok(None)
    }

    fn candidate(&self, position: usize, wanted: Wanted<'_>, block: Option<u32>) -> Option<Record> {
        let undo = *self.lock().undo.get(position)?;
        let fits = wanted.transactions.is_none() || undo.transactions == wanted.transactions;
        (fits && undo.block == block).then_some(undo.record)
    }

    fn set_matched(&self, position: usize, block: u32) {
        let mut known = self.lock();
        known.next = position + 1;
        if let Some(undo) = known.undo.get_mut(position) {
            undo.block = Some(block);
        }
    }

    /// Takes in what the node has added; gives the number of records.
    fn look(&self, file: &PlainFile, magic: [u8; 4]) -> io::Result<usize> {
        let layout = Layout {
            magic,
            min_len: 1,
            trailer_len: CHECKSUM_LEN,
            start_len: START_LEN,
        };
        let mut known = self.lock();
        let Known { undo, end, .. } = &mut *known;
        *end = layout.walk(file, *end, |record, start| {
            undo.push(Undo {
                record,
                transactions: undo::transactions(start),
                block: None,
            });
        })?;
        Ok(undo.len())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cuts off the checksum, if it is right.
///
/// Shape: undo data ‖ double SHA-256 of hash of the block before ‖ undo data.
fn checked(mut bytes: Vec<u8>, prev_hash: &[u8]) -> Option<Vec<u8>> {
    let (undo, checksum) = bytes.split_last_chunk::<32>()?;
    let mut engine = sha256d::Hash::engine();
    engine.input(prev_hash);
    engine.input(undo);
    if sha256d::Hash::from_engine(engine).to_byte_array() != *checksum {
        return None;
    }
    bytes.truncate(undo.len());
    Some(bytes)
}
