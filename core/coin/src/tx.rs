//! Transactions: the legacy and the BIP144 form.

use bitcoin::hashes::{Hash as _, HashEngine as _, sha256d as double_sha256};

use crate::{OutPoint, OutputView, Reader, Sats, TransactionFamily, Truncated, TxView, Txid};

/// Fewest bytes an input takes: outpoint, empty script, sequence.
const MIN_INPUT_LEN: usize = 41;
/// Fewest bytes an output takes: value, empty script.
const MIN_OUTPUT_LEN: usize = 9;
/// Bytes of marker and flag.
const SEGWIT_MARK_LEN: usize = 2;

/// Hashes with SHA-256 twice.
#[must_use]
pub fn sha256d(bytes: &[u8]) -> [u8; 32] {
    double_sha256::Hash::hash(bytes).to_byte_array()
}

/// Reads transactions one after another, reusing its buffers.
#[derive(Debug)]
pub(crate) struct TxParser<'a> {
    family: TransactionFamily,
    inputs: Vec<OutPoint>,
    outputs: Vec<OutputView<'a>>,
}

impl<'a> TxParser<'a> {
    pub(crate) fn new(family: TransactionFamily) -> Self {
        Self {
            family,
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Reads the transaction that starts at the reader's position in `bytes`.
    ///
    /// Shape: version (4) ‖ [marker 00 ‖ flag 01] ‖ inputs ‖ outputs ‖ [witnesses] ‖ lock time
    /// (4). The txid covers all but what is in brackets. Source: BIP144, BIP141.
    pub(crate) fn parse(
        &mut self,
        bytes: &'a [u8],
        reader: &mut Reader<'a>,
    ) -> Result<TxView<'_>, Truncated> {
        let start = reader.offset();
        let version = reader.take(4)?;
        let has_witness = self.family == TransactionFamily::Segwit
            && bytes
                .get(reader.offset()..)
                .is_some_and(|rest| rest.starts_with(&[0, 1]));
        if has_witness {
            reader.take(SEGWIT_MARK_LEN)?;
        }
        let body_start = reader.offset();
        self.read_inputs(reader)?;
        self.read_outputs(reader)?;
        let body_end = reader.offset();
        if has_witness {
            skip_witnesses(reader, self.inputs.len())?;
        }
        let witness_len = reader.offset() - body_end;
        let lock_time = reader.take(4)?;
        let len = reader.offset() - start;

        let body = bytes
            .get(body_start..body_end)
            .ok_or(Truncated { offset: start })?;
        let extra_len = if has_witness {
            witness_len + SEGWIT_MARK_LEN
        } else {
            0
        };
        Ok(TxView {
            txid: txid(version, body, lock_time),
            offset: start,
            len,
            vsize: (4 * (len - extra_len) + extra_len).div_ceil(4),
            inputs: &self.inputs,
            outputs: &self.outputs,
        })
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
