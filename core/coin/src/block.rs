//! The walk over a block's transactions.

use crate::{
    CoinError, Reader, TransactionFamily, TxSink, Txid,
    coin::malformed,
    sha256d,
    tx::{TxParser, Unread},
};

/// Fewest bytes a transaction takes: version, no input, no output, lock time.
const MIN_TX_LEN: usize = 10;

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

/// Computes what bytes 36..68 of a header hold: the root of the tree over its transactions.
#[must_use]
pub fn merkle_root(txids: &[Txid]) -> [u8; 32] {
    let mut level: Vec<[u8; 32]> = txids.iter().map(|txid| txid.0).collect();
    while level.len() > 1 {
        let parent = |pair: &[[u8; 32]]| match pair {
            [left, right] => sha256d(&[*left, *right].concat()),
            // One without a partner stands for both.
            pair => sha256d(&[pair, pair].concat().concat()),
        };
        level = level.chunks(2).map(parent).collect();
    }
    level.first().copied().unwrap_or_default()
}
