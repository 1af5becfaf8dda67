//! The outputs a block spends, as a node hands them out beside the block.

use crate::{Reader, Sats, Truncated};

/// One output that an input of the block spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpentOutput<'a> {
    /// Its amount.
    pub value: Sats,
    /// Its script.
    pub script: &'a [u8],
}

/// Reads the body of a node's `/rest/spenttxouts/<hash>.bin`, input by input in block order.
///
/// Shape: `CompactSize` transactions, for each (the coinbase has none) `CompactSize` inputs, for
/// each value (8 bytes LE) ‖ `CompactSize` script length ‖ script.
/// Source: Bitcoin Core's `rest.cpp`, `rest_spent_txouts`.
#[derive(Clone, Debug)]
pub struct SpentOutputs<'a> {
    reader: Reader<'a>,
    transactions: usize,
    inputs: usize,
}

impl<'a> SpentOutputs<'a> {
    /// Starts reading.
    ///
    /// # Errors
    /// The body ends inside its transaction count.
    pub fn new(body: &'a [u8]) -> Result<Self, Truncated> {
        let mut reader = Reader::new(body, 0);
        let transactions = reader.count(1)?;
        Ok(Self {
            reader,
            transactions,
            inputs: 0,
        })
    }

    /// Moves on to the next transaction and gives the number of its spent outputs.
    ///
    /// # Errors
    /// The body ends first, or the transaction before has spent outputs that were not read.
    pub fn next_transaction(&mut self) -> Result<usize, Truncated> {
        let truncated = Truncated {
            offset: self.reader.offset(),
        };
        if self.inputs != 0 {
            return Err(truncated);
        }
        self.transactions = self.transactions.checked_sub(1).ok_or(truncated)?;
        self.inputs = self.reader.count(9)?;
        Ok(self.inputs)
    }

    /// Reads the next spent output of the transaction.
    ///
    /// # Errors
    /// The transaction has no more, or the body ends.
    pub fn next_output(&mut self) -> Result<SpentOutput<'a>, Truncated> {
        let truncated = Truncated {
            offset: self.reader.offset(),
        };
        self.inputs = self.inputs.checked_sub(1).ok_or(truncated)?;
        let value = Sats(self.reader.u64()?);
        let script = self.reader.var_bytes()?;
        Ok(SpentOutput { value, script })
    }

    /// Tells whether everything was read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.transactions == 0 && self.inputs == 0 && self.reader.remaining() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_outputs_by_transaction() {
        let body = [
            &[2, 0, 2][..],
            &7u64.to_le_bytes(),
            &[2, 0x51, 0x52],
            &9u64.to_le_bytes(),
            &[0],
        ]
        .concat();
        let mut spent = SpentOutputs::new(&body).unwrap();
        assert_eq!(spent.next_transaction(), Ok(0));
        assert!(spent.next_output().is_err());
        assert_eq!(spent.next_transaction(), Ok(2));
        let first = spent.next_output().unwrap();
        assert_eq!(
            first,
            SpentOutput {
                value: Sats(7),
                script: &[0x51, 0x52]
            }
        );
        assert_eq!(
            spent.next_output(),
            Ok(SpentOutput {
                value: Sats(9),
                script: &[]
            })
        );
        assert!(spent.is_done());
        assert!(spent.next_transaction().is_err());
    }

    #[test]
    fn refuses_counts_that_cannot_fit() {
        assert!(SpentOutputs::new(&[0xfe, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(
            SpentOutputs::new(&[1, 200])
                .unwrap()
                .next_transaction()
                .is_err()
        );
    }
}
