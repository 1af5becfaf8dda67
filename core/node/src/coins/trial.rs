//! A coin reads a block: what comes out, and whether it is what a node says.

use std::{fmt, ops::ControlFlow};

use electrode_coin::{
    BlockHash, Coin, CoinError, HeaderFamily, Height, MerkleTree, Parsed, TxView, Txid, merkle_root,
};

use super::sample::Sample;

/// Where a header has the root of the tree over the transactions.
const MERKLE_ROOT: std::ops::Range<usize> = 36..68;

/// A block that a coin reads as it should.
#[derive(Debug)]
pub(super) struct Read {
    /// Its hash, unless only the node knows it.
    hash: Option<BlockHash>,
    transactions: usize,
    /// Whether anyone said what should come out.
    is_compared: bool,
}

/// How a block is read otherwise than it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum Difference {
    #[error("the coin cannot read it: {0}")]
    Coin(#[from] CoinError),
    #[error("{what}: the node says {expected}, the coin {got}")]
    Other {
        what: String,
        expected: String,
        got: String,
    },
}

/// Reads a block by the rules of a coin and compares with what is said of it.
///
/// A block of which nothing is said is compared with itself, above all the root in its header with
/// its transactions.
pub(super) fn attempt(coin: &dyn Coin, sample: &Sample) -> Result<Read, Difference> {
    if let Some(told) = &sample.told {
        return at(coin, sample, told.height);
    }
    let mut tried = heights(coin)
        .into_iter()
        .map(|height| at(coin, sample, height));
    let first = tried.next().unwrap_or_else(|| at(coin, sample, Height(0)));
    first.or_else(|difference| tried.find_map(Result::ok).ok_or(difference))
}

/// Gives a height of each form that headers have: a block alone does not say where it stands.
fn heights(coin: &dyn Coin) -> Vec<Height> {
    match &coin.descriptor().header {
        HeaderFamily::Stepped { steps } => steps.iter().map(|step| step.from).collect(),
        _ => vec![Height(0)],
    }
}

fn at(coin: &dyn Coin, sample: &Sample, height: Height) -> Result<Read, Difference> {
    let block = &sample.block;
    let header_len = coin.header_len(height, block)?;
    let header = block.get(..header_len).unwrap_or_default();
    let hash = coin.header_hash(height, header)?;
    let prev = coin.header_prev(header)?;
    let txids = transactions(coin, block, height)?;
    if let Some(told) = &sample.told {
        if let Some(hash) = &hash {
            same("hash", &told.hash, hash)?;
        }
        same("previousblockhash", &told.prev, &prev)?;
        same("number of transactions", &told.txs.len(), &txids.len())?;
        for (position, (expected, got)) in told.txs.iter().zip(&txids).enumerate() {
            same(&format!("txid of transaction {position}"), &expected.0, got)?;
        }
    }
    if coin.descriptor().merkle_tree == MerkleTree::Sha256d {
        let root = Txid(merkle_root(&txids));
        if let Some(told) = &sample.told {
            same("merkleroot", &told.merkle_root, &root)?;
        }
        let in_header = header.get(MERKLE_ROOT).unwrap_or_default();
        same("merkleroot in the header", &in_header, &&root.0[..])?;
    }
    Ok(Read {
        hash,
        transactions: txids.len(),
        is_compared: sample.told.is_some(),
    })
}

/// Reads the transactions: each must start where the one before ends, and read the same alone.
fn transactions(coin: &dyn Coin, block: &[u8], height: Height) -> Result<Vec<Txid>, Difference> {
    let mut seen: Vec<(Txid, usize, usize)> = Vec::new();
    coin.parse_block(height, block, &mut |tx: &TxView<'_>| {
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

fn same<T: PartialEq + fmt::Debug>(what: &str, expected: &T, got: &T) -> Result<(), Difference> {
    if expected == got {
        return Ok(());
    }
    Err(Difference::Other {
        what: what.to_owned(),
        expected: format!("{expected:?}"),
        got: format!("{got:?}"),
    })
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.hash, self.is_compared) {
            (Some(_), true) => f.write_str("ok"),
            (None, true) => f.write_str("ok, hash: the node's"),
            (Some(hash), false) => {
                write!(f, "ok, {} transactions, hash: {hash}", self.transactions)
            }
            (None, false) => write!(
                f,
                "ok, {} transactions, hash: the node's",
                self.transactions
            ),
        }
    }
}
