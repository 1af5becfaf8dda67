//! The walk over a block's transactions.

use std::ops::Range;

use crate::{
    CoinError, Descriptor, MerkleTree, Reader, TransactionFamily, TxSink, Txid,
    coin::malformed,
    sha256d,
    tx::{TxParser, Unread},
};

/// Fewest bytes a transaction takes: version, no input, no output, lock time.
const MIN_TX_LEN: usize = 10;

/// Where a header holds the root of the tree over its transactions, in every chain known.
const MERKLE_ROOT: Range<usize> = 36..68;

/// Hands every transaction behind the header to the sink, in block order.
///
/// Shape: header ‖ `CompactSize` transactions ‖ transactions ‖ whatever the chain appends.
pub(crate) fn walk(
    family: TransactionFamily,
    block: &[u8],
    header_len: usize,
    sink: &mut dyn TxSink,
) -> Result<(), CoinError> {
    let mut reader = Reader::new(block, header_len);
    let mut parser = TxParser::new(family)?;
    for _ in 0..reader.count(MIN_TX_LEN).map_err(malformed("block"))? {
        let offset = reader.offset();
        let tx = parser
            .parse(block, &mut reader)
            .map_err(|unread| match unread {
                Unread::Truncated(truncated) => malformed("block")(truncated),
                Unread::Skip(_) => CoinError::Malformed {
                    what: "block",
                    offset,
                },
            })?;
        if sink.tx(&tx).is_break() {
            return Err(CoinError::Stopped);
        }
    }
    Ok(())
}

/// Compares the transactions of a block with what its header says of them, for chains whose
/// headers hold the root of the tree over the txids.
///
/// # Errors
/// [`CoinError::OtherTransactions`]: a byte of the block is not what it was, or its parser reads
/// transactions that are not there.
pub fn check_transactions(
    descriptor: &Descriptor,
    header: &[u8],
    txids: &[Txid],
) -> Result<(), CoinError> {
    if descriptor.merkle_tree == MerkleTree::Unknown {
        return Ok(());
    }
    let expected = header.get(MERKLE_ROOT);
    let is_tree = !txids.is_empty() && !has_twins(txids);
    if is_tree && expected == Some(&merkle_root(txids)) {
        Ok(())
    } else {
        Err(CoinError::OtherTransactions)
    }
}

/// Computes what bytes 36..68 of a header hold: the root of the tree over its transactions.
#[must_use]
pub fn merkle_root(txids: &[Txid]) -> [u8; 32] {
    let mut level: Vec<[u8; 32]> = txids.iter().map(|txid| txid.0).collect();
    let mut pair = [0; 64];
    while level.len() > 1 {
        // One without a partner stands for both.
        if level.len() % 2 == 1 {
            level.extend(level.last().copied());
        }
        let (nodes, _) = level.as_chunks::<2>();
        let parents = nodes.iter().map(|[left, right]| {
            let (first, second) = pair.split_at_mut(32);
            first.copy_from_slice(left);
            second.copy_from_slice(right);
            sha256d(&pair)
        });
        level = parents.collect();
    }
    level.first().copied().unwrap_or_default()
}

/// Tells whether the last transactions stand there twice, which gives the same root as once
/// (CVE-2012-2459).
fn has_twins(txids: &[Txid]) -> bool {
    let mut len = 1;
    while len * 2 <= txids.len() {
        let (before, last) = txids.split_at(txids.len() - len);
        if before.ends_with(last) {
            return true;
        }
        len *= 2;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn txids(count: u8) -> Vec<Txid> {
        (0..count).map(|n| Txid([n; 32])).collect()
    }

    fn header_of(txids: &[Txid]) -> Vec<u8> {
        let mut header = vec![0; 80];
        header[MERKLE_ROOT].copy_from_slice(&merkle_root(txids));
        header
    }

    fn check(descriptor: &Descriptor, header: &[u8], txids: &[Txid]) -> bool {
        check_transactions(descriptor, header, txids).is_ok()
    }

    #[test]
    fn compares_transactions_with_the_header() {
        let descriptor = Descriptor::default();
        for count in 1..20 {
            let txids = txids(count);
            let header = header_of(&txids);
            assert!(check(&descriptor, &header, &txids), "{count}");
            for damaged in 0..txids.len() {
                let mut others = txids.clone();
                others[damaged].0[7] ^= 1;
                assert!(!check(&descriptor, &header, &others), "{count} {damaged}");
            }
            assert!(!check(&descriptor, &header, &txids[1..]), "{count}");
        }
        assert!(!check(&descriptor, &[0; 80], &[]));
        assert!(!check(&descriptor, &[], &txids(1)));
    }

    #[test]
    fn finds_transactions_that_stand_there_twice() {
        let descriptor = Descriptor::default();
        for (count, twice) in [(3, 1), (6, 2), (12, 4), (5, 1), (7, 1)] {
            let txids = txids(count);
            let last = &txids[txids.len() - twice..];
            let others = [&txids[..], last].concat();
            assert_eq!(merkle_root(&txids), merkle_root(&others), "{count}");
            assert!(!check(&descriptor, &header_of(&txids), &others), "{count}");
        }
    }

    #[test]
    fn believes_headers_that_say_something_else() {
        let descriptor = Descriptor {
            merkle_tree: MerkleTree::Unknown,
            ..Descriptor::default()
        };
        assert!(check(&descriptor, &[0; 80], &txids(3)));
    }
}
