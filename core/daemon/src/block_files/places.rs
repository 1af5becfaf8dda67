//! Where each block is.

use std::collections::{BTreeMap, HashMap};

use electrode_coin::BlockHash;

/// Where a block starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the file.
    pub(super) file: u32,
    /// Offset of the block in it.
    pub(super) offset: u32,
}

/// The blocks of one file, or those that were added to it.
#[derive(Debug)]
pub(super) struct Found {
    /// Number of the file.
    pub(super) file: u32,
    /// Where the next record will be.
    pub(super) end: u32,
    /// Blocks and their offsets.
    pub(super) blocks: Vec<(BlockKey, u32)>,
}

/// Part of a block's hash. Whoever reads the block compares all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BlockKey([u8; 8]);

/// Finds blocks by their hash.
///
/// Cost: 17 bytes a block, times two where the table has just grown.
#[derive(Debug, Default)]
pub(super) struct Places {
    by_key: HashMap<BlockKey, Place>,
    ends: BTreeMap<u32, u32>,
}

impl From<&BlockHash> for BlockKey {
    fn from(BlockHash(hash): &BlockHash) -> Self {
        // The last bytes are zeros, that is the proof of work.
        let [a, b, c, d, e, f, g, h, ..] = *hash;
        Self([a, b, c, d, e, f, g, h])
    }
}

impl Places {
    pub(super) fn get(&self, hash: &BlockHash) -> Option<Place> {
        self.by_key.get(&hash.into()).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Gives the last files, which may still grow, and where they ended, the last one first.
    pub(super) fn ends(&self) -> impl Iterator<Item = (u32, u32)> {
        self.ends.iter().rev().map(|(file, end)| (*file, *end))
    }

    pub(super) fn add(&mut self, found: Found) {
        let Found { file, end, blocks } = found;
        self.ends.insert(file, end);
        let places = blocks
            .into_iter()
            .map(|(key, offset)| (key, Place { file, offset }));
        self.by_key.extend(places);
    }
}
