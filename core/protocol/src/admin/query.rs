//! What belongs to a script that an operator asks about.

use electrode_coin::{OutPoint, Sats, ScriptHash, Txid};
use serde::{Deserialize, Serialize};

/// What belongs to one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queried {
    /// What was asked for.
    pub item: String,
    /// How it was understood: `Address`, `Script` or `Script hash`.
    pub kind: String,
    /// Its script hash; none when it was not understood.
    pub script_hash: Option<ScriptHash>,
    /// Its transactions, confirmed ones first, as many as were asked for.
    pub history: Vec<QueriedTransaction>,
    /// How many transactions there are.
    pub history_count: u64,
    /// Its unspent outputs, confirmed ones first, as many as were asked for.
    pub unspent: Vec<QueriedOutput>,
    /// How many unspent outputs there are.
    pub unspent_count: u64,
    /// What is confirmed of its balance.
    pub confirmed: Sats,
    /// What the mempool adds. Units: as [`Sats`].
    pub unconfirmed: i64,
}

/// A transaction of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueriedTransaction {
    /// Its name.
    pub tx_hash: Txid,
    /// Height of its block; 0 in the mempool, −1 when it spends from there.
    pub height: i64,
}

/// An unspent output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueriedOutput {
    /// Its transaction.
    pub tx_hash: Txid,
    /// Its position there.
    pub tx_pos: u32,
    /// Height of its block; 0 in the mempool.
    pub height: i64,
    /// Its amount.
    pub value: Sats,
}

impl QueriedOutput {
    /// Puts an output together.
    #[must_use]
    pub fn new(outpoint: OutPoint, height: i64, value: Sats) -> Self {
        Self {
            tx_hash: outpoint.txid,
            tx_pos: outpoint.vout,
            height,
            value,
        }
    }
}

impl Queried {
    /// Tells that an item is no address, script or script hash of the coin.
    #[must_use]
    pub fn unrecognised(item: String) -> Self {
        Self {
            item,
            kind: "unrecognised".to_owned(),
            script_hash: None,
            history: Vec::new(),
            history_count: 0,
            unspent: Vec::new(),
            unspent_count: 0,
            confirmed: Sats(0),
            unconfirmed: 0,
        }
    }

    /// Writes it for people, in the lines of ElectrumX.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        if self.script_hash.is_none() {
            return vec![format!("{}: unrecognised", self.item)];
        }
        let mut lines = vec![format!("{}: {}", self.kind, self.item)];
        for (number, QueriedTransaction { tx_hash, height }) in self.history.iter().enumerate() {
            lines.push(format!(
                "History #{number}: height {height} tx_hash {tx_hash}"
            ));
        }
        lines.extend(rest("transactions", self.history.len(), self.history_count));
        if self.history.is_empty() {
            lines.push("No history found".to_owned());
        }
        for (number, output) in (1..).zip(&self.unspent) {
            let QueriedOutput {
                tx_hash,
                tx_pos,
                height,
                value,
            } = output;
            lines.push(format!(
                "UTXO #{number}: tx_hash {tx_hash} tx_pos {tx_pos} height {height} value {value}"
            ));
        }
        lines.extend(rest("UTXOs", self.unspent.len(), self.unspent_count));
        if self.unspent.is_empty() {
            lines.push("No UTXOs found".to_owned());
        }
        lines.push(format!(
            "Balance: {} confirmed, {:+} unconfirmed, in the smallest unit",
            self.confirmed, self.unconfirmed
        ));
        lines
    }
}

/// Says how many were left out.
fn rest(what: &str, shown: usize, count: u64) -> Option<String> {
    let left = count.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
    (left > 0).then(|| format!("and {left} more {what}: raise the limit to see them"))
}
