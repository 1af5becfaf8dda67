//! Transactions: the legacy form, the BIP144 form, and the form of Litecoin's extension blocks.

use std::ops::ControlFlow;

use bitcoin::hashes::{Hash as _, HashEngine as _, sha256d as double_sha256};
use serde::{Deserialize, Serialize};

use crate::{
    CoinError, OutPoint, OutputView, Parsed, Reader, Sats, Truncated, TxSink, TxView, Txid,
    coin::malformed,
};

/// Fewest bytes an input takes: outpoint, empty script, sequence.
const MIN_INPUT_LEN: usize = 41;
/// Fewest bytes an output takes: value, empty script.
const MIN_OUTPUT_LEN: usize = 9;
/// Bytes of marker and flag.
const MARK_LEN: usize = 2;
/// Flag of a transaction that carries witnesses.
const WITNESS: u8 = 1;
/// Flag of a transaction that belongs to an extension block.
const MWEB: u8 = 8;

/// How transactions of a chain are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransactionFamily {
    /// Without witnesses.
    Legacy,
    /// BIP144: with or without witnesses.
    #[default]
    Segwit,
    /// BIP144, and flag 8 for what belongs to a `MimbleWimble` extension block, as on Litecoin.
    Mweb,
    /// A plugin's `parse_block` and `parse_tx` decide.
    Custom,
}

impl TransactionFamily {
    /// Tells whether marker and flag may stand before the inputs, for this flag.
    fn has_flag(self, flag: u8) -> bool {
        match self {
            Self::Legacy | Self::Custom => false,
            Self::Segwit => flag == WITNESS,
            Self::Mweb => matches!(flag, WITNESS | MWEB) || flag == WITNESS | MWEB,
        }
    }
}

/// Why no transaction was read.
pub(crate) enum Unread {
    /// The bytes end too early.
    Truncated(Truncated),
    /// It has nothing that could be indexed, for this reason.
    Skip(&'static str),
}

impl From<Truncated> for Unread {
    fn from(truncated: Truncated) -> Self {
        Self::Truncated(truncated)
    }
}

/// Hashes with SHA-256 twice.
#[must_use]
pub fn sha256d(bytes: &[u8]) -> [u8; 32] {
    double_sha256::Hash::hash(bytes).to_byte_array()
}

/// Reads a transaction that travels alone: nothing may follow it.
pub(crate) fn parse_lone(
    family: TransactionFamily,
    raw: &[u8],
    sink: &mut dyn TxSink,
) -> Result<Parsed, CoinError> {
    let malformed = malformed("transaction");
    let mut reader = Reader::new(raw, 0);
    let mut parser = TxParser::new(family)?;
    let tx = match parser.parse(raw, &mut reader) {
        Ok(tx) => tx,
        Err(Unread::Skip(reason)) => return Ok(Parsed::Skip(reason)),
        Err(Unread::Truncated(truncated)) => return Err(malformed(truncated)),
    };
    if reader.remaining() != 0 {
        let offset = reader.offset();
        return Err(malformed(Truncated { offset }));
    }
    match sink.tx(&tx) {
        ControlFlow::Continue(()) => Ok(Parsed::Tx),
        ControlFlow::Break(()) => Err(CoinError::Stopped),
    }
}

/// Skips a transaction with or without witnesses.
pub(crate) fn skip<'a>(bytes: &'a [u8], reader: &mut Reader<'a>) -> Result<(), Truncated> {
    let mut parser = TxParser::of(TransactionFamily::Segwit);
    let offset = reader.offset();
    match parser.parse(bytes, reader) {
        Ok(_) => Ok(()),
        Err(Unread::Truncated(truncated)) => Err(truncated),
        Err(Unread::Skip(_)) => Err(Truncated { offset }),
    }
}

/// Reads transactions one after another, reusing its buffers.
#[derive(Debug)]
pub(crate) struct TxParser<'a> {
    family: TransactionFamily,
    inputs: Vec<OutPoint>,
    outputs: Vec<OutputView<'a>>,
}

impl<'a> TxParser<'a> {
    pub(crate) fn new(family: TransactionFamily) -> Result<Self, CoinError> {
        match family {
            TransactionFamily::Custom => Err(CoinError::NoCode {
                key: "transactions",
            }),
            family => Ok(Self::of(family)),
        }
    }

    fn of(family: TransactionFamily) -> Self {
        Self {
            family,
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Reads the transaction that starts at the reader's position in `bytes`.
    ///
    /// Shape: version (4) ‖ [marker 00 ‖ flag] ‖ inputs ‖ outputs ‖ [witnesses, with flag 1] ‖
    /// [extension, with flag 8] ‖ lock time (4). The txid covers all but what is in brackets. In
    /// a block the extension is one zero byte; elsewhere it holds what only extension blocks
    /// show, and a transaction without inputs or outputs is all extension.
    /// Source: BIP144, BIP141; `UnserializeTransaction` of Litecoin Core's `transaction.h`.
    pub(crate) fn parse(
        &mut self,
        bytes: &'a [u8],
        reader: &mut Reader<'a>,
    ) -> Result<TxView<'_>, Unread> {
        let start = reader.offset();
        let version = reader.take(4)?;
        let flag = self.take_flag(reader);
        let body_start = reader.offset();
        self.read_inputs(reader)?;
        self.read_outputs(reader)?;
        let body_end = reader.offset();
        let mut extra_len = 0;
        if flag & WITNESS != 0 {
            skip_witnesses(reader, self.inputs.len())?;
            extra_len = MARK_LEN + reader.offset() - body_end;
        }
        if flag & MWEB != 0 {
            self.skip_extension(reader)?;
        }
        let lock_time = reader.take(4)?;

        let body = bytes
            .get(body_start..body_end)
            .ok_or(Truncated { offset: start })?;
        let stripped_len = version.len() + body.len() + lock_time.len();
        Ok(TxView {
            txid: txid(version, body, lock_time),
            offset: start,
            len: reader.offset() - start,
            vsize: (4 * stripped_len + extra_len).div_ceil(4),
            inputs: &self.inputs,
            outputs: &self.outputs,
        })
    }

    /// Takes marker and flag, if they are there; 0 if not.
    fn take_flag(&self, reader: &mut Reader<'a>) -> u8 {
        let mut ahead = reader.clone();
        match ahead.array() {
            Ok([0, flag]) if self.family.has_flag(flag) => {
                *reader = ahead;
                flag
            }
            _ => 0,
        }
    }

    fn skip_extension(&self, reader: &mut Reader<'a>) -> Result<(), Unread> {
        if self.inputs.is_empty() || self.outputs.is_empty() {
            return Err(Unread::Skip(
                "it moves coins within the extension block only",
            ));
        }
        match reader.u8()? {
            0 => Ok(()),
            _ => Err(Unread::Skip(
                "it moves coins into the extension block, which is not indexed",
            )),
        }
    }

    fn read_inputs(&mut self, reader: &mut Reader<'a>) -> Result<(), Truncated> {
        self.inputs.clear();
        for _ in 0..reader.count(MIN_INPUT_LEN)? {
            let txid = Txid(reader.array()?);
            let vout = reader.u32()?;
            reader.var_bytes()?;
            reader.take(4)?;
            self.inputs.push(OutPoint { txid, vout });
        }
        Ok(())
    }

    fn read_outputs(&mut self, reader: &mut Reader<'a>) -> Result<(), Truncated> {
        self.outputs.clear();
        for _ in 0..reader.count(MIN_OUTPUT_LEN)? {
            let value = Sats(reader.u64()?);
            let script = reader.var_bytes()?;
            self.outputs.push(OutputView { value, script });
        }
        Ok(())
    }
}

fn skip_witnesses(reader: &mut Reader<'_>, inputs: usize) -> Result<(), Truncated> {
    for _ in 0..inputs {
        for _ in 0..reader.count(1)? {
            reader.var_bytes()?;
        }
    }
    Ok(())
}

fn txid(version: &[u8], body: &[u8], lock_time: &[u8]) -> Txid {
    let mut engine = double_sha256::Hash::engine();
    engine.input(version);
    engine.input(body);
    engine.input(lock_time);
    Txid(double_sha256::Hash::from_engine(engine).to_byte_array())
}
