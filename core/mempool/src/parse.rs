//! From the bytes of a listed transaction to what the mempool keeps of it.

use std::{collections::HashSet, ops::ControlFlow};

use electrode_coin::{Coin, CoinError, OutPoint, TxView, Txid, owner_key};

use crate::{NewTx, tx::Output};

/// Why the bytes of a listed transaction are of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// They cannot be read.
    #[error("expected transaction {txid}, got bytes that cannot be read: check `coin` and `net`")]
    Unreadable {
        /// What was asked for.
        txid: Txid,
        /// Where reading stopped.
        source: CoinError,
    },
    /// They are another transaction.
    #[error("expected transaction {expected}, got {got}: check `coin` and the node")]
    Other {
        /// What was asked for.
        expected: Txid,
        /// What came.
        got: Txid,
    },
    /// They spend nothing, as a coinbase does, or an output twice.
    #[error("expected transaction {txid} to spend outputs, each once: no block can include it")]
    Inputs {
        /// What was asked for.
        txid: Txid,
    },
}

impl NewTx {
    /// Reads the transaction that the node gave for `txid`; `None` where the coin says that it
    /// has nothing to index.
    ///
    /// Either way, [`crate::Mempool::refuse`] what did not become a transaction, so that it is
    /// not asked for again.
    ///
    /// # Errors
    /// The bytes are not that transaction, or none that could ever be mined.
    pub fn parse(coin: &dyn Coin, txid: Txid, raw: &[u8]) -> Result<Option<Self>, ParseError> {
        let mut parsed = None;
        let mut sink = |tx: &TxView<'_>| {
            parsed = Some(read(coin, tx));
            ControlFlow::Continue(())
        };
        coin.parse_tx(raw, &mut sink)
            .map_err(|source| ParseError::Unreadable { txid, source })?;
        parsed.map(|tx: Self| tx.checked(txid)).transpose()
    }

    fn checked(self, txid: Txid) -> Result<Self, ParseError> {
        if self.txid != txid {
            return Err(ParseError::Other {
                expected: txid,
                got: self.txid,
            });
        }
        let distinct: HashSet<&OutPoint> = self.inputs.iter().collect();
        if self.inputs.is_empty() || distinct.len() != self.inputs.len() {
            return Err(ParseError::Inputs { txid });
        }
        Ok(self)
    }
}

/// Copies what is kept. Inputs that make new coins spend nothing, so they are left out.
fn read(coin: &dyn Coin, tx: &TxView<'_>) -> NewTx {
    let mut further = Vec::new();
    let outputs = tx.outputs.iter().map(|output| Output {
        key: owner_key(coin, output.script, &mut |key| further.push(key)),
        value: output.value,
    });
    NewTx {
        txid: tx.txid,
        vsize: u64::try_from(tx.vsize).unwrap_or(u64::MAX),
        inputs: tx
            .inputs
            .iter()
            .filter(|outpoint| !outpoint.is_null())
            .copied()
            .collect(),
        outputs: outputs.collect(),
        further: further.into(),
    }
}
