//! The walk over a block's transactions.

use crate::{CoinError, Reader, TransactionFamily, Truncated, TxSink, tx::TxParser};

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
    let mut parser = TxParser::new(family);
    for _ in 0..reader.count(MIN_TX_LEN).map_err(malformed_block)? {
        let tx = parser.parse(block, &mut reader).map_err(malformed_block)?;
        if sink.tx(&tx).is_break() {
            return Err(CoinError::Stopped);
        }
    }
    Ok(())
}

fn malformed_block(Truncated { offset }: Truncated) -> CoinError {
    CoinError::Malformed {
        what: "block",
        offset,
    }
}
