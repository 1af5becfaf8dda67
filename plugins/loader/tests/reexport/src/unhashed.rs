//! A walk without a hash in it, so that what the border costs is not lost in the noise of hashing.

use std::{array, ops::ControlFlow};

use electrode_plugin::{
    CoinError, OutPoint, OutputView, Reader, Sats, Truncated, TxSink, TxView, Txid,
};

/// Bytes of a script.
const SCRIPT_LEN: usize = 25;

/// Walks records behind a header of 80 bytes.
///
/// Shape: txid (32) ‖ two outpoints (36 each) ‖ two outputs: value (8), script (25).
pub(crate) fn walk(block: &[u8], sink: &mut dyn TxSink) -> Result<(), CoinError> {
    let mut reader = Reader::new(block, 80);
    let malformed = |Truncated { offset }| CoinError::Malformed {
        what: "record",
        offset,
    };
    while reader.remaining() > 0 {
        let tx = record(&mut reader).map_err(malformed)?;
        let view = TxView {
            txid: tx.txid,
            offset: tx.offset,
            len: reader.offset() - tx.offset,
            vsize: reader.offset() - tx.offset,
            inputs: &tx.inputs,
            outputs: &tx.outputs,
        };
        if let ControlFlow::Break(()) = sink.tx(&view) {
            return Err(CoinError::Stopped);
        }
    }
    Ok(())
}

struct Record<'a> {
    txid: Txid,
    offset: usize,
    inputs: [OutPoint; 2],
    outputs: [OutputView<'a>; 2],
}

fn record<'a>(reader: &mut Reader<'a>) -> Result<Record<'a>, Truncated> {
    let offset = reader.offset();
    let txid = Txid(reader.array()?);
    let mut inputs = [OutPoint::NULL; 2];
    for input in &mut inputs {
        *input = OutPoint {
            txid: Txid(reader.array()?),
            vout: reader.u32()?,
        };
    }
    let mut outputs: [OutputView<'a>; 2] = array::from_fn(|_| OutputView::default());
    for output in &mut outputs {
        *output = OutputView {
            value: Sats(reader.u64()?),
            script: reader.take(SCRIPT_LEN)?,
        };
    }
    Ok(Record {
        txid,
        offset,
        inputs,
        outputs,
    })
}
