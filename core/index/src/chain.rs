//! The blocks of the chain, by height: a small record each, all of them in memory.

use electrode_coin::{BlockHash, Height, TxNum};
use imbl::Vector;

use crate::schema::BlockRecord;

/// Immutable when shared: cloning is cheap, and a clone does not see later changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    blocks: Vector<BlockRecord>,
}

impl Chain {
    pub(crate) fn new(blocks: Vector<BlockRecord>) -> Self {
        Self { blocks }
    }

    pub(crate) fn push(&mut self, block: BlockRecord) {
        self.blocks.push_back(block);
    }

    pub(crate) fn pop(&mut self) -> Option<BlockRecord> {
        self.blocks.pop_back()
    }

    /// Tells whether each block ends where the one before does, or behind.
    pub(crate) fn rises(&self) -> bool {
        let ends = self
            .blocks
            .iter()
            .map(|block| (block.end_tx_num, block.header_end));
        ends.is_sorted_by(|(tx_num, header), (next_tx_num, next_header)| {
            tx_num <= next_tx_num && header < next_header
        })
    }

    pub(crate) fn tip(&self) -> Option<(Height, BlockRecord)> {
        let height = self.block_count().checked_sub(1).map(Height)?;
        Some((height, *self.blocks.back()?))
    }

    /// Number of blocks, the genesis block included.
    pub(crate) fn block_count(&self) -> u32 {
        // Heights are 32 bits wide in every header known.
        u32::try_from(self.blocks.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn tx_count(&self) -> TxNum {
        self.blocks
            .back()
            .map_or(TxNum(0), |block| block.end_tx_num)
    }

    pub(crate) fn headers_len(&self) -> u64 {
        self.blocks.back().map_or(0, |block| block.header_end)
    }

    pub(crate) fn block_hash(&self, height: Height) -> Option<BlockHash> {
        self.get(height).map(|block| block.hash)
    }

    /// Up to `count` block hashes from `start` on.
    pub(crate) fn block_hashes(&self, start: Height, count: usize) -> Vec<BlockHash> {
        let len = self.blocks.len();
        let start = usize::try_from(start.0).unwrap_or(usize::MAX).min(len);
        let end = start.saturating_add(count).min(len);
        let blocks = self.blocks.focus().narrow(start..end);
        blocks.into_iter().map(|block| block.hash).collect()
    }

    /// `tx_nums` of the block's transactions.
    pub(crate) fn tx_nums(&self, height: Height) -> Option<std::ops::Range<u64>> {
        let end = self.get(height)?.end_tx_num.0;
        let start = match height.prev() {
            Some(prev) => self.get(prev)?.end_tx_num.0,
            None => 0,
        };
        Some(start..end)
    }

    /// Where the headers of `start..end` stand in their file.
    pub(crate) fn header_bytes(&self, start: Height, end: Height) -> Option<std::ops::Range<u64>> {
        let end_of = |height: Height| match height.prev() {
            Some(prev) => self.get(prev).map(|block| block.header_end),
            None => Some(0),
        };
        Some(end_of(start)?..end_of(end)?)
    }

    /// Height of the block that holds a transaction.
    pub(crate) fn height_of(&self, tx_num: TxNum) -> Option<Height> {
        if tx_num >= self.tx_count() {
            return None;
        }
        let found = self.blocks.binary_search_by(|block| {
            if block.end_tx_num <= tx_num {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Greater
            }
        });
        let (Ok(position) | Err(position)) = found;
        u32::try_from(position).ok().map(Height)
    }

    fn get(&self, height: Height) -> Option<&BlockRecord> {
        self.blocks.get(usize::try_from(height.0).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_heights_by_tx_num() {
        let ends = [0, 1, 4, 4, 9];
        let chain: Vector<_> = ends
            .iter()
            .map(|end| BlockRecord {
                hash: BlockHash([1; 32]),
                end_tx_num: TxNum(*end),
                header_end: 0,
            })
            .collect();
        let chain = Chain::new(chain);
        for (tx_num, height) in [(0, 1), (1, 2), (3, 2), (4, 4), (8, 4)] {
            assert_eq!(
                chain.height_of(TxNum(tx_num)),
                Some(Height(height)),
                "{tx_num}"
            );
        }
        assert_eq!(chain.height_of(TxNum(9)), None);
        assert_eq!(chain.tx_nums(Height(2)), Some(1..4));
        assert_eq!(chain.tx_nums(Height(5)), None);
    }
}
