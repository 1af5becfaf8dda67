//! Undo rows: what it takes to disconnect a block.

use electrode_coin::{Height, Sats, ScriptKey, TxNum};

use super::{OutputNum, push_number, take_number};
use crate::IndexError;

/// An output that a block spends: what it takes to give it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) output: OutputNum,
    pub(crate) script: ScriptKey,
    pub(crate) value: Sats,
}

/// What it takes to disconnect a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Undo {
    /// The outputs that it spends, in the order of their numbers.
    pub(crate) spent: Vec<Spent>,
    /// The scripts that have its transactions in their history without owning an output.
    pub(crate) further: Vec<ScriptKey>,
}

pub(crate) fn undo_key(height: Height) -> [u8; 4] {
    height.0.to_be_bytes()
}

/// Writes an undo row, whose spent outputs come in the order of their numbers.
///
/// Shape: number of further scripts ‖ their keys (11 each) ‖ the spent outputs, each as script key
/// (11) ‖ gap to the last `tx_num` ‖ vout ‖ amount.
pub(crate) fn undo_value(Undo { spent, further }: &Undo) -> Vec<u8> {
    let mut value = Vec::with_capacity(spent.len() * 24);
    push_number(&mut value, u64::try_from(further.len()).unwrap_or(u64::MAX));
    for script in further {
        value.extend_from_slice(&script.0);
    }
    let mut last = 0;
    for Spent {
        output,
        script,
        value: amount,
    } in spent
    {
        value.extend_from_slice(&script.0);
        push_number(&mut value, output.tx_num.0.saturating_sub(last));
        last = output.tx_num.0;
        push_number(&mut value, u64::from(output.vout));
        push_number(&mut value, amount.0);
    }
    value
}

pub(crate) fn parse_undo(mut value: &[u8]) -> Result<Undo, IndexError> {
    let corrupt = || IndexError::damaged("undo row");
    let mut undo = Undo::default();
    for _ in 0..take_number(&mut value)? {
        let (script, rest) = value.split_first_chunk().ok_or_else(corrupt)?;
        undo.further.push(ScriptKey(*script));
        value = rest;
    }
    let mut tx_num = TxNum(0);
    while let Some((script, rest)) = value.split_first_chunk() {
        value = rest;
        tx_num = TxNum(tx_num.0.saturating_add(take_number(&mut value)?));
        let vout = u32::try_from(take_number(&mut value)?).map_err(|_too_big| corrupt())?;
        let amount = Sats(take_number(&mut value)?);
        let output = OutputNum { tx_num, vout };
        undo.spent.push(Spent {
            output,
            script: ScriptKey(*script),
            value: amount,
        });
    }
    if value.is_empty() {
        Ok(undo)
    } else {
        Err(corrupt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undo_rows_survive() {
        let spent = |n: u64| Spent {
            output: OutputNum {
                tx_num: TxNum(n),
                vout: 300,
            },
            script: ScriptKey([1; 11]),
            value: Sats(n * 1000),
        };
        let undo = Undo {
            spent: vec![spent(1), spent(70_000)],
            further: vec![ScriptKey([2; 11]), ScriptKey([3; 11])],
        };
        for undo in [undo, Undo::default()] {
            let value = undo_value(&undo);
            assert_eq!(parse_undo(&value).unwrap(), undo);
            assert!(parse_undo(&[&value[..], &[1, 2]].concat()).is_err());
        }
        assert!(parse_undo(&[1, 2, 3]).is_err());
    }
}
