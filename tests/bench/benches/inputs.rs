//! What the benches measure with: the same on every machine.

use electrode_bench::chain::{Size, blocks};
use electrode_coin::{BlockHash, Coin, Height, Txid, sha256d};
use electrode_coins::KnownCoins;
use electrode_index::RawBlock;

/// Of the blocks, the first hundred hold a coinbase each, the others the rest.
const SIZE: Size = Size {
    transactions: 20_000,
    blocks: Some(110),
    seed: 1,
};

/// A generated chain and its coin.
pub(crate) struct Chain {
    pub(crate) coin: Box<dyn Coin>,
    /// By height.
    pub(crate) blocks: Vec<(BlockHash, Vec<u8>)>,
}

impl Chain {
    pub(crate) fn generate() -> Self {
        let known = KnownCoins::built_in();
        let coin = known.find("Bitcoin", "regtest").unwrap().coin.clone();
        let blocks = blocks(SIZE).unwrap().into_iter();
        let blocks = blocks.map(|block| (hash(&coin, &block), block)).collect();
        Self {
            coin: Box::new(coin),
            blocks,
        }
    }

    /// Every block in chain order.
    pub(crate) fn raw_blocks(&self) -> impl Iterator<Item = RawBlock<'_>> {
        let heights = (0..).map(Height);
        heights
            .zip(&self.blocks)
            .map(|(height, (hash, bytes))| RawBlock {
                height,
                hash: *hash,
                bytes,
                spent: None,
            })
    }

    /// The last block, of some 1,990 transactions.
    pub(crate) fn busy_block(&self) -> RawBlock<'_> {
        self.raw_blocks().last().unwrap()
    }
}

/// So many txids of no chain.
pub(crate) fn txids(count: u32) -> Vec<Txid> {
    (0..count)
        .map(|number| Txid(sha256d(&number.to_le_bytes())))
        .collect()
}

/// A history of so many transactions, a few to a block.
pub(crate) fn history(count: u32) -> Vec<(Txid, Height)> {
    let heights = (0..).map(|number| Height(800_000 + number / 4));
    txids(count).into_iter().zip(heights).collect()
}

fn hash(coin: &dyn Coin, block: &[u8]) -> BlockHash {
    let header = coin.header_len(Height(0), block).unwrap();
    let header = block.get(..header).unwrap();
    coin.header_hash(Height(0), header).unwrap().unwrap()
}
