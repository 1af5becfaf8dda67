//! The one trait behind every coin, and what passes through it.

use std::{borrow::Cow, ops::ControlFlow};

use crate::{
    AddressError, BlockHash, Descriptor, Height, OutPoint, Reader, Sats, Truncated, Txid, address,
    block, header, tx,
};

/// One chain.
///
/// Only the descriptor is asked for: every other method follows the families that the descriptor
/// names, and a coin writes those out that differ. Pure and sans-I/O: the same inputs give the
/// same outputs, on any thread. Every method takes foreign bytes and answers malformed ones with
/// an error.
pub trait Coin: Send + Sync + 'static {
    /// Gives the constants of the chain.
    fn descriptor(&self) -> &Descriptor;

    /// Gives the length in bytes of the header that `block` starts with.
    ///
    /// # Errors
    /// The block is shorter than its header.
    fn header_len(&self, height: Height, block: &[u8]) -> Result<usize, CoinError> {
        self.descriptor().header.len(height, block)
    }

    /// Hashes a header; `None` where only the node can, so that the hash it gave counts.
    ///
    /// # Errors
    /// The header is too short for this chain.
    fn header_hash(&self, _height: Height, header: &[u8]) -> Result<Option<BlockHash>, CoinError> {
        self.descriptor().header_hash.hash(header)
    }

    /// Reads which block a header builds on: bytes 4..36, in every chain known.
    ///
    /// # Errors
    /// The header is shorter than that.
    fn header_prev(&self, header: &[u8]) -> Result<BlockHash, CoinError> {
        Reader::new(header, header::PREV_HASH_AT)
            .array()
            .map(BlockHash)
            .map_err(header::malformed)
    }

    /// Gives the header as wallets receive it together with a checkpoint proof.
    fn client_header<'a>(&self, _height: Height, header: &'a [u8]) -> Cow<'a, [u8]> {
        Cow::Borrowed(self.descriptor().header.proven(header))
    }

    /// Walks the transactions of a block in block order.
    ///
    /// Bytes after the last transaction are tolerated: some chains append to blocks.
    ///
    /// # Errors
    /// [`CoinError::Malformed`] with the offset, [`CoinError::Stopped`] when the sink said so.
    fn parse_block(
        &self,
        height: Height,
        block: &[u8],
        sink: &mut dyn TxSink,
    ) -> Result<(), CoinError> {
        let header_len = self.header_len(height, block)?;
        block::walk(self.descriptor().transactions, block, header_len, sink)
    }

    /// Reads one transaction as it travels alone (mempool, broadcast).
    ///
    /// # Errors
    /// [`CoinError::Malformed`] with the offset.
    fn parse_tx(&self, raw: &[u8], sink: &mut dyn TxSink) -> Result<Parsed, CoinError> {
        tx::parse_lone(self.descriptor().transactions, raw, sink)
    }

    /// Hands out the scripts that an output is filed under, none if nobody can ever spend it.
    ///
    /// The first owns the output: it gets its history and its coins. Any further script, such as
    /// that of a registered name, gets the transaction into its history and nothing else.
    fn index_scripts(&self, script: &[u8], out: &mut dyn FnMut(&[u8])) {
        if !self.descriptor().unspendable.matches(script) {
            out(script);
        }
    }

    /// Tells whether what the coin said so far counts: a plugin that breaks down in a method that
    /// cannot fail says so here.
    ///
    /// # Errors
    /// [`CoinError::Plugin`].
    fn health(&self) -> Result<(), CoinError> {
        Ok(())
    }

    /// Tells, for people, what foreign code has not returned from for too long, if anything.
    fn stalled(&self) -> Option<String> {
        None
    }

    /// Turns an address of this chain into its output script.
    ///
    /// # Errors
    /// The text is no address of this chain; the error says what was expected.
    fn address_to_script(&self, address: &str) -> Result<Vec<u8>, AddressError> {
        address::to_script(&self.descriptor().addresses, address)
    }

    /// Turns an output script into the address wallets show for it, if there is one.
    fn script_to_address(&self, script: &[u8]) -> Option<String> {
        address::from_script(&self.descriptor().addresses, script)
    }
}

/// Receives transactions in order.
pub trait TxSink {
    /// Takes one transaction, which is borrowed for the call.
    fn tx(&mut self, tx: &TxView<'_>) -> ControlFlow<()>;
}

impl<F: FnMut(&TxView<'_>) -> ControlFlow<()>> TxSink for F {
    fn tx(&mut self, tx: &TxView<'_>) -> ControlFlow<()> {
        self(tx)
    }
}

/// One transaction, valid during the call that receives it.
///
/// Shape: as the border to plugins has it, so that it crosses without a copy.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TxView<'a> {
    /// Its name.
    pub txid: Txid,
    /// Where it starts in the bytes that are parsed.
    pub offset: usize,
    /// How many bytes it takes there, witness included.
    pub len: usize,
    /// Virtual size in vbytes: weight / 4 rounded up (BIP141); `len` where there is no witness.
    pub vsize: usize,
    /// What its inputs spend; a coinbase has one, [`OutPoint::NULL`].
    pub inputs: &'a [OutPoint],
    /// What it creates.
    pub outputs: &'a [OutputView<'a>],
}

impl TxView<'_> {
    /// Tells whether the transaction makes new coins.
    #[must_use]
    pub fn is_coinbase(&self) -> bool {
        matches!(self.inputs, [only] if only.is_null())
    }
}

/// One created output.
///
/// Shape: as the border to plugins has it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct OutputView<'a> {
    /// Amount.
    pub value: Sats,
    /// Output script.
    pub script: &'a [u8],
}

/// What came of reading a lone transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// It went to the sink.
    Tx,
    /// It is valid but has nothing to index, for this reason.
    Skip(&'static str),
}

/// Why a coin could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoinError {
    /// The bytes are not what this chain calls a block, a header or a transaction.
    #[error("malformed {what} at byte {offset}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// Where.
        offset: usize,
    },
    /// The header of a block was made for other transactions.
    #[error("its Merkle root is not that of its transactions: it came damaged")]
    OtherTransactions,
    /// The receiver asked to stop.
    #[error("stopped by the receiver")]
    Stopped,
    /// The descriptor leaves to code what no code does.
    #[error("`{key} = \"custom\"` needs a plugin: name one, or a family that the server knows")]
    NoCode {
        /// Key of the descriptor.
        key: &'static str,
    },
    /// The code of a plugin says that the bytes are malformed.
    #[error("{reason}")]
    Refused {
        /// In its words.
        reason: String,
    },
    /// The code of a plugin failed.
    #[error("the plugin failed: {reason}")]
    Plugin {
        /// What it said.
        reason: String,
    },
}

/// Turns the end of bytes into an error about what was being read.
pub(crate) fn malformed(what: &'static str) -> impl Fn(Truncated) -> CoinError {
    move |Truncated { offset }| CoinError::Malformed { what, offset }
}
