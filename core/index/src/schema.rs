//! The only place that knows how rows and records are laid out.
//!
//! Numbers in keys sort as the numbers do; numbers in values are LEB128 (7 bits a byte, low
//! first). A `tx_num` in a key takes 3 bytes below 2^22, 4 below 2^30, and 5 below 2^39, BE, with
//! the length in the first bits: 00, 01, 1. A change here needs a new [`SCHEMA`] number.

mod record;
mod undo;

use electrode_coin::{Sats, ScriptKey, TxNum, Txid};

use crate::IndexError;

pub(crate) use record::{BlockRecord, FileEnds, STATE_KEY, State, identity};
pub(crate) use undo::{Spent, Undo, parse_undo, undo_key, undo_value};

/// Number of this layout; an index with another one must be built anew.
///
/// 1 was keyed by pieces of txids; 2 by numbers of transactions, 5 bytes each; 3 wrote them in 3
/// to 5 bytes. 4 checks its flat files by pages, notes what it consists of in a manifest, and has
/// a folder of its own.
pub(crate) const SCHEMA: u32 = 4;

/// Entries of one history row; a script with more has several rows.
pub(crate) const HISTORY_ROW_ENTRIES: usize = 1024;

/// Most bytes of a `tx_num` in a key.
const TX_NUM_LEN: usize = 5;
/// Highest `tx_num` that a key can hold: a thousand times what Bitcoin made in its first 15 years.
const MAX_TX_NUM: u64 = (1 << 39) - 1;
const TXID_PREFIX_LEN: usize = 6;

/// Tables of the index that are column families of RocksDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// How far the index goes.
    Meta,
    /// `script key (11) ‖ first tx_num` → gaps to the `tx_nums` that follow. Together the rows
    /// of a script name, in chain order and once each, the transactions that pay to it or spend
    /// from it.
    History,
    /// `script key (11) ‖ tx_num ‖ vout` → amount, for each unspent output.
    Unspent,
    /// `tx_num ‖ vout` → script key (11), for each unspent output.
    Outpoints,
    /// `txid (first 6) ‖ tx_num` → nothing. Which of several is meant, the txids tell.
    TxByTxid,
    /// `tx_num ‖ vout` → where the `tx_num` that spends the output stands.
    Spends,
    /// `height (4)` → what disconnecting the block takes, for the last `reorg_limit` blocks.
    Undo,
}

impl Table {
    pub(crate) const ALL: [Self; 7] = [
        Self::Meta,
        Self::History,
        Self::Unspent,
        Self::Outpoints,
        Self::TxByTxid,
        Self::Spends,
        Self::Undo,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Meta => "default",
            Self::History => "history",
            Self::Unspent => "unspent",
            Self::Outpoints => "outpoints",
            Self::TxByTxid => "tx_by_txid",
            Self::Spends => "spends",
            Self::Undo => "undo",
        }
    }

    /// Bytes that the keys looked up together share, for the filter that spares reads.
    pub(crate) fn key_prefix_len(self) -> Option<usize> {
        match self {
            Self::History | Self::Unspent => Some(ScriptKey::LEN),
            Self::TxByTxid => Some(TXID_PREFIX_LEN),
            // What is looked up there is nearly always there: a filter would spare nothing.
            Self::Outpoints | Self::Spends | Self::Meta | Self::Undo => None,
        }
    }
}

/// A transaction that touches a script, as two numbers that sort by script, then chain order.
///
/// Shape: first bytes of the script key (64 bits); the rest of it (24 bits) ‖ `tx_num` (40 bits).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScriptTx(u64, u64);

impl ScriptTx {
    pub(crate) fn new(key: ScriptKey, tx_num: TxNum) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k] = key.0;
        let rest = u64::from_be_bytes([i, j, k, 0, 0, 0, 0, 0]);
        Self(
            u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            rest | tx_num.0.min(MAX_TX_NUM),
        )
    }

    pub(crate) fn key(self) -> ScriptKey {
        let [a, b, c, d, e, f, g, h] = self.0.to_be_bytes();
        let [i, j, k, ..] = self.1.to_be_bytes();
        ScriptKey([a, b, c, d, e, f, g, h, i, j, k])
    }

    pub(crate) fn tx_num(self) -> TxNum {
        let [_, _, _, a, b, c, d, e] = self.1.to_be_bytes();
        TxNum(u64::from_be_bytes([0, 0, 0, a, b, c, d, e]))
    }

    /// First byte of the script key.
    pub(crate) fn bucket(self) -> u8 {
        let [first, ..] = self.0.to_be_bytes();
        first
    }

    /// Key of the row in `history` that it starts: `script key (11) ‖ tx_num`.
    pub(crate) fn row_key(self) -> RowKey {
        let mut key = RowKey::default();
        key.push(&self.key().0);
        key.push_tx_num(self.tx_num());
        key
    }

    /// Reads the key of a `history` row.
    pub(crate) fn parse(key: &[u8]) -> Result<Self, IndexError> {
        let corrupt = IndexError::damaged("history key");
        let (script, mut rest) = key.split_first_chunk().ok_or(corrupt)?;
        let tx_num = take_tx_num(&mut rest)?;
        Ok(Self::new(ScriptKey(*script), tx_num))
    }
}

/// Key of the `tx_by_txid` row of a transaction, as one number that sorts like the key.
///
/// Shape: first bytes of the txid (48 bits) ‖ `tx_num` (40 bits).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TxidKey(u128);

impl TxidKey {
    pub(crate) fn new(txid: &Txid, tx_num: TxNum) -> Self {
        let [a, b, c, d, e, f] = txid_prefix(txid);
        let prefix = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        Self(u128::from(prefix) << 40 | u128::from(tx_num.0.min(MAX_TX_NUM)))
    }

    /// First byte of the txid.
    pub(crate) fn bucket(self) -> u8 {
        let [_, _, _, _, _, first, ..] = self.0.to_be_bytes();
        first
    }

    /// Gives the key: `txid (first 6) ‖ tx_num`.
    pub(crate) fn row_key(self) -> RowKey {
        let [_, _, _, _, _, prefix @ .., a, b, c, d, e] = self.0.to_be_bytes();
        let mut key = RowKey::default();
        key.push(&prefix);
        key.push_tx_num(TxNum(u64::from_be_bytes([0, 0, 0, a, b, c, d, e])));
        key
    }
}

pub(crate) fn txid_prefix(txid: &Txid) -> [u8; TXID_PREFIX_LEN] {
    let [a, b, c, d, e, f, ..] = txid.0;
    [a, b, c, d, e, f]
}

/// Reads the `tx_num` at the end of a `tx_by_txid` key.
pub(crate) fn txid_key_tx_num(key: &[u8]) -> Result<TxNum, IndexError> {
    let mut number = key
        .get(TXID_PREFIX_LEN..)
        .ok_or(IndexError::damaged("txid key"))?;
    take_tx_num(&mut number)
}

/// An output by the number of its transaction, which is exact where a txid prefix is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OutputNum {
    pub(crate) tx_num: TxNum,
    pub(crate) vout: u32,
}

impl OutputNum {
    /// Key of its rows in `outpoints` and `spends`: `tx_num ‖ vout`.
    pub(crate) fn key(self) -> RowKey {
        let mut key = outputs_from(self.tx_num);
        key.push_vout(self.vout);
        key
    }

    /// Key of its row in `unspent`: `script key (11) ‖ tx_num ‖ vout`.
    pub(crate) fn unspent_key(self, script: ScriptKey) -> RowKey {
        let mut key = ScriptTx::new(script, self.tx_num).row_key();
        key.push_vout(self.vout);
        key
    }

    /// Reads a key of `outpoints` or `spends`.
    pub(crate) fn parse(mut key: &[u8]) -> Result<Self, IndexError> {
        Ok(Self {
            tx_num: take_tx_num(&mut key)?,
            vout: parse_vout(key)?,
        })
    }
}

/// First key of the rows in `outpoints` and `spends` of transactions from `tx_num` on.
pub(crate) fn outputs_from(tx_num: TxNum) -> RowKey {
    let mut key = RowKey::default();
    key.push_tx_num(tx_num);
    key
}

/// Reads the key of an `unspent` row.
pub(crate) fn parse_unspent_key(key: &[u8]) -> Result<(ScriptKey, OutputNum), IndexError> {
    let corrupt = IndexError::damaged("unspent key");
    let (script, output) = key.split_first_chunk().ok_or(corrupt)?;
    Ok((ScriptKey(*script), OutputNum::parse(output)?))
}

pub(crate) fn parse_script_key(value: &[u8]) -> Result<ScriptKey, IndexError> {
    value
        .try_into()
        .map(ScriptKey)
        .map_err(|_wrong_len| IndexError::damaged("outpoint value"))
}

/// A key on the stack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowKey {
    bytes: [u8; ScriptKey::LEN + TX_NUM_LEN + 5],
    len: usize,
}

impl RowKey {
    fn push(&mut self, piece: &[u8]) {
        let end = self.len + piece.len();
        if let Some(place) = self.bytes.get_mut(self.len..end) {
            place.copy_from_slice(piece);
            self.len = end;
        }
    }

    fn push_tx_num(&mut self, TxNum(number): TxNum) {
        let number = number.min(MAX_TX_NUM);
        let [_, _, _, a, b, c, d, e] = number.to_be_bytes();
        match number {
            0..0x40_0000 => self.push(&[c, d, e]),
            0x40_0000..0x4000_0000 => self.push(&[b | 0x40, c, d, e]),
            _ => self.push(&[a | 0x80, b, c, d, e]),
        }
    }

    /// Shape: one byte below 253, else 253 ‖ 2 bytes or 254 ‖ 4 bytes BE: sorts as the number.
    fn push_vout(&mut self, vout: u32) {
        match (u8::try_from(vout), u16::try_from(vout)) {
            (Ok(byte @ ..0xfd), _) => self.push(&[byte]),
            (_, Ok(word)) => {
                self.push(&[0xfd]);
                self.push(&word.to_be_bytes());
            }
            _ => {
                self.push(&[0xfe]);
                self.push(&vout.to_be_bytes());
            }
        }
    }
}

impl AsRef<[u8]> for RowKey {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Reads what [`RowKey::push_tx_num`] wrote.
fn take_tx_num(bytes: &mut &[u8]) -> Result<TxNum, IndexError> {
    let (number, rest) = match **bytes {
        [a @ ..0x40, b, c, ref rest @ ..] => ([0, 0, a, b, c], rest),
        [a @ 0x40..0x80, b, c, d, ref rest @ ..] => ([0, a & 0x3f, b, c, d], rest),
        [a @ 0x80..=0xff, b, c, d, e, ref rest @ ..] => ([a & 0x7f, b, c, d, e], rest),
        _ => return Err(IndexError::damaged("transaction number in a key")),
    };
    *bytes = rest;
    let [a, b, c, d, e] = number;
    Ok(TxNum(u64::from_be_bytes([0, 0, 0, a, b, c, d, e])))
}

fn parse_vout(bytes: &[u8]) -> Result<u32, IndexError> {
    match *bytes {
        [byte @ ..0xfd] => Ok(u32::from(byte)),
        [0xfd, a, b] => Ok(u32::from(u16::from_be_bytes([a, b]))),
        [0xfe, a, b, c, d] => Ok(u32::from_be_bytes([a, b, c, d])),
        _ => Err(IndexError::damaged("output position")),
    }
}

/// Writes the value of a history row: the gaps between the `tx_nums` that follow the first.
pub(crate) fn push_history_value(value: &mut Vec<u8>, row: &[ScriptTx]) {
    for (before, after) in row.iter().zip(row.iter().skip(1)) {
        push_number(value, after.tx_num().0 - before.tx_num().0);
    }
}

/// Reads the `tx_nums` of a history row, in chain order.
pub(crate) fn history_row(
    key: &[u8],
    mut value: &[u8],
    mut entry: impl FnMut(TxNum),
) -> Result<(), IndexError> {
    let mut tx_num = ScriptTx::parse(key)?.tx_num();
    entry(tx_num);
    while !value.is_empty() {
        tx_num = TxNum(tx_num.0.saturating_add(take_number(&mut value)?));
        entry(tx_num);
    }
    Ok(())
}

pub(crate) fn amount_value(amount: Sats) -> Vec<u8> {
    let mut value = Vec::with_capacity(8);
    push_number(&mut value, amount.0);
    value
}

pub(crate) fn parse_amount(mut value: &[u8]) -> Result<Sats, IndexError> {
    take_number(&mut value).map(Sats)
}

/// Value of a `spends` row: how far behind its output the spender stands, twice that; chains
/// that order blocks otherwise may put it before its output, which is twice that and one less.
pub(crate) fn spender_value(output: OutputNum, spender: TxNum) -> Vec<u8> {
    let mut value = Vec::with_capacity(6);
    let gap = spender.0.abs_diff(output.tx_num.0);
    let is_before = u64::from(spender < output.tx_num);
    push_number(&mut value, 2 * gap - is_before);
    value
}

pub(crate) fn parse_spender(output: OutputNum, mut value: &[u8]) -> Result<TxNum, IndexError> {
    let number = take_number(&mut value)?;
    let gap = number.div_ceil(2);
    let spender = match number % 2 {
        0 => output.tx_num.0.checked_add(gap),
        _ => output.tx_num.0.checked_sub(gap),
    };
    spender.map(TxNum).ok_or(IndexError::damaged("spends row"))
}

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return out.push(low & 0x7f);
        }
        out.push(low | 0x80);
    }
}

fn take_number(bytes: &mut &[u8]) -> Result<u64, IndexError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(IndexError::damaged("number"))?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(IndexError::damaged("number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive() {
        for number in [
            0,
            1,
            127,
            128,
            16_383,
            16_384,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let mut bytes = Vec::new();
            push_number(&mut bytes, number);
            assert_eq!(take_number(&mut &bytes[..]).unwrap(), number);
        }
        assert!(take_number(&mut &[0x80; 12][..]).is_err());
        assert!(take_number(&mut &[][..]).is_err());
    }

    #[test]
    fn output_keys_sort_as_their_numbers() {
        let vouts = [0, 1, 0xfc, 0xfd, 0xffff, 0x1_0000, u32::MAX];
        let mut last = Vec::new();
        for tx_num in [
            0,
            1,
            255,
            256,
            (1 << 22) - 1,
            1 << 22,
            (1 << 30) - 1,
            1 << 30,
            MAX_TX_NUM,
        ] {
            for vout in vouts {
                let output = OutputNum {
                    tx_num: TxNum(tx_num),
                    vout,
                };
                let key = output.key().as_ref().to_vec();
                assert!(key > last, "{output:?}");
                assert_eq!(OutputNum::parse(&key).unwrap(), output);
                let script = ScriptKey([7; 11]);
                let unspent = output.unspent_key(script);
                assert_eq!(
                    parse_unspent_key(unspent.as_ref()).unwrap(),
                    (script, output)
                );
                last = key;
            }
        }
    }

    #[test]
    fn history_rows_survive() {
        let key = ScriptKey([9; 11]);
        let row: Vec<_> = [3, 4, 700, MAX_TX_NUM]
            .map(|n| ScriptTx::new(key, TxNum(n)))
            .into_iter()
            .collect();
        let mut value = Vec::new();
        push_history_value(&mut value, &row);
        let mut seen = Vec::new();
        history_row(row[0].row_key().as_ref(), &value, |tx_num| {
            seen.push(tx_num.0);
        })
        .unwrap();
        assert_eq!(seen, [3, 4, 700, MAX_TX_NUM]);
        assert_eq!(row[0].key(), key);
    }

    #[test]
    fn spenders_survive_on_either_side() {
        let output = OutputNum {
            tx_num: TxNum(500),
            vout: 0,
        };
        for spender in [0, 499, 500, 501, 1 << 39].map(TxNum) {
            let value = spender_value(output, spender);
            assert_eq!(parse_spender(output, &value).unwrap(), spender);
        }
        assert!(parse_spender(output, &[0xff, 0x7f]).is_err());
    }
}
