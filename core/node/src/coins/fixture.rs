//! A block in a file, beside what a node says of it.

use std::{fs, ops::ControlFlow, path::Path};

use bitcoin::hex::FromHex as _;
use electrode_coin::{
    BlockHash, Coin, CoinError, Height, MerkleTree, Parsed, TxView, Txid, merkle_root,
};
use serde::Deserialize;

/// What `getblock` prints, and the raw block; what else is there is not looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Fixture {
    height: Height,
    hash: BlockHash,
    /// The genesis block builds on none.
    #[serde(default, rename = "previousblockhash")]
    prev: BlockHash,
    /// Printed in the same order as a txid.
    #[serde(rename = "merkleroot")]
    merkle_root: Txid,
    #[serde(rename = "tx")]
    txids: Vec<Txid>,
    /// The raw block in hex.
    block: String,
}

/// How a block differs from what its file says.
#[derive(Debug, thiserror::Error)]
pub(super) enum Difference {
    #[error("{0}")]
    File(#[from] std::io::Error),
    #[error("no block as `getblock` prints it, with the raw block as `block`: {0}")]
    Json(#[from] serde_json::Error),
    #[error("`block` is not hex: {0}")]
    Hex(#[from] bitcoin::hex::HexToBytesError),
    #[error("the coin cannot read it: {0}")]
    Coin(#[from] CoinError),
    #[error("{what}: the file says {expected}, the coin {got}")]
    Other {
        what: String,
        expected: String,
        got: String,
    },
}

impl Fixture {
    pub(super) fn read(path: &Path) -> Result<Self, Difference> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }

    /// Reads the block by the rules of a coin and compares.
    pub(super) fn compare(&self, coin: &dyn Coin) -> Result<(), Difference> {
        let block = Vec::from_hex(&self.block)?;
        let header_len = coin.header_len(self.height, &block)?;
        let header = block.get(..header_len).unwrap_or_default();
        if let Some(hash) = coin.header_hash(self.height, header)? {
            same("hash", &self.hash, &hash)?;
        }
        same("previousblockhash", &self.prev, &coin.header_prev(header)?)?;

        let seen = self.transactions(coin, &block)?;
        same("number of transactions", &self.txids.len(), &seen.len())?;
        for (position, (expected, got)) in self.txids.iter().zip(&seen).enumerate() {
            same(&format!("txid of transaction {position}"), expected, got)?;
        }
        if coin.descriptor().merkle_tree == MerkleTree::Sha256d {
            same("merkleroot", &self.merkle_root, &Txid(merkle_root(&seen)))?;
        }
        Ok(())
    }

    /// Reads the transactions: each must start where the one before ends, and read the same alone.
    fn transactions(&self, coin: &dyn Coin, block: &[u8]) -> Result<Vec<Txid>, Difference> {
        let mut seen: Vec<(Txid, usize, usize)> = Vec::new();
        coin.parse_block(self.height, block, &mut |tx: &TxView<'_>| {
            seen.push((tx.txid, tx.offset, tx.len));
            ControlFlow::Continue(())
        })?;
        let starts = seen.iter().skip(1).map(|(_, offset, _)| *offset);
        for ((txid, offset, len), start) in seen.iter().zip(starts) {
            same(
                &format!("end of {txid}"),
                &start,
                &offset.saturating_add(*len),
            )?;
        }
        for (txid, offset, len) in &seen {
            let raw = block.get(*offset..offset.saturating_add(*len));
            let mut alone = None;
            let parsed = coin.parse_tx(raw.unwrap_or_default(), &mut |tx: &TxView<'_>| {
                alone = Some(tx.txid);
                ControlFlow::Continue(())
            })?;
            same(&format!("{txid} alone"), &Parsed::Tx, &parsed)?;
            same("a transaction alone", &Some(*txid), &alone)?;
        }
        Ok(seen.into_iter().map(|(txid, ..)| txid).collect())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    expected: &T,
    got: &T,
) -> Result<(), Difference> {
    if expected == got {
        return Ok(());
    }
    Err(Difference::Other {
        what: what.to_owned(),
        expected: format!("{expected:?}"),
        got: format!("{got:?}"),
    })
}
