//! The naive oracle: every answer computed from scratch from a list of transactions.

use std::collections::{BTreeMap, BTreeSet};

use electrode_coin::{OutPoint, Sats, ScriptKey, Txid};

use super::chain::{BURN, SCRIPTS, TestTx, key};
use crate::{Entry, MempoolView, Prevout, Unspent};

/// All that a view can be asked about a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    history: Vec<Entry>,
    delta: i128,
    unspent: Vec<Unspent>,
    spent: Vec<(OutPoint, Txid)>,
}

/// All that a view can be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answers {
    pub(super) by_key: BTreeMap<ScriptKey, Answer>,
    txs: BTreeMap<Txid, (Sats, u64)>,
    histogram: Vec<(f64, u64)>,
}

impl Answers {
    /// Computes the answers for a mempool of `held`; `outputs` knows every output ever made.
    pub(super) fn of(held: &[&TestTx], outputs: &BTreeMap<OutPoint, Prevout>) -> Self {
        let mut answers = Self::default();
        let spends: BTreeMap<OutPoint, Txid> = held
            .iter()
            .flat_map(|tx| tx.inputs.iter().map(|input| (*input, tx.txid)))
            .collect();
        for tx in held {
            let fee = fee(tx, outputs);
            answers
                .txs
                .insert(tx.txid, (Sats(fee), tx.raw.len() as u64));
            let has_unconfirmed_inputs = tx
                .inputs
                .iter()
                .any(|input| held.iter().any(|other| other.txid == input.txid));
            for key in keys(tx, outputs) {
                let entry = Entry {
                    txid: tx.txid,
                    fee: Sats(fee),
                    has_unconfirmed_inputs,
                };
                answers.by_key.entry(key).or_default().history.push(entry);
            }
            for (outpoint, Prevout { key, value }) in tx.spendable() {
                let answer = answers.by_key.entry(key).or_default();
                answer.delta += i128::from(value.0);
                let unspent = Unspent { outpoint, value };
                answer
                    .unspent
                    .extend((!spends.contains_key(&outpoint)).then_some(unspent));
            }
            for input in &tx.inputs {
                let answer = answers.by_key.entry(outputs[input].key).or_default();
                answer.delta -= i128::from(outputs[input].value.0);
                answer.spent.push((*input, tx.txid));
            }
        }
        for answer in answers.by_key.values_mut() {
            answer.history.sort();
            answer.unspent.sort();
            answer.spent.sort();
        }
        answers.histogram = histogram(answers.txs.values());
        answers
    }

    /// Asks a view for everything it can tell about the same universe.
    pub(super) fn read(
        view: &MempoolView,
        txs: &BTreeMap<Txid, TestTx>,
        outputs: &BTreeMap<OutPoint, Prevout>,
    ) -> Self {
        let mut answers = Self::default();
        for key in (0..SCRIPTS.len()).map(key) {
            let mut answer = Answer {
                history: view.history(&key),
                delta: view.balance_delta(&key).into(),
                unspent: view.unspent(&key),
                spent: outputs
                    .iter()
                    .filter(|(_, output)| output.key == key)
                    .filter_map(|(outpoint, _)| Some((*outpoint, view.spends(outpoint)?)))
                    .collect(),
            };
            answer.history.sort();
            answer.unspent.sort();
            if answer != Answer::default() {
                answers.by_key.insert(key, answer);
            }
        }
        let held = txs.keys().filter(|txid| view.contains(txid));
        answers.txs = held
            .map(|txid| (*txid, view.transaction(txid).unwrap()))
            .map(|(txid, tx)| (txid, (tx.fee, tx.vsize)))
            .collect();
        assert_eq!(answers.txs.len(), view.len());
        assert_eq!(answers.txs.is_empty(), view.is_empty());
        answers.histogram = view.fee_histogram();
        answers
    }

    /// Gives the scripts about which this and `other` do not say the same.
    pub(super) fn differences(&self, other: &Self) -> BTreeSet<ScriptKey> {
        let keys = self.by_key.keys().chain(other.by_key.keys());
        keys.filter(|key| self.by_key.get(key) != other.by_key.get(key))
            .copied()
            .collect()
    }
}

/// Gives every script a transaction spends from or pays to.
pub(super) fn keys(tx: &TestTx, outputs: &BTreeMap<OutPoint, Prevout>) -> BTreeSet<ScriptKey> {
    let paid = tx.outputs.iter().filter(|(script, _)| *script != BURN);
    let spent = tx.inputs.iter().map(|input| outputs[input].key);
    paid.map(|(script, _)| key(*script)).chain(spent).collect()
}

fn fee(tx: &TestTx, outputs: &BTreeMap<OutPoint, Prevout>) -> u64 {
    let paid_in: i128 = tx
        .inputs
        .iter()
        .map(|input| i128::from(outputs[input].value.0))
        .sum();
    let paid_out: i128 = tx.outputs.iter().map(|(_, value)| i128::from(*value)).sum();
    u64::try_from((paid_in - paid_out).max(0)).unwrap()
}

/// Writes the rule down a second time, over single transactions instead of kept sums.
fn histogram<'a>(txs: impl Iterator<Item = &'a (Sats, u64)>) -> Vec<(f64, u64)> {
    let rated: Vec<(f64, u64)> = txs
        .map(|(fee, vsize)| ((10.0 * fee.0 as f64 / *vsize as f64).floor() / 10.0, *vsize))
        .collect();
    let mut rates: Vec<f64> = rated.iter().map(|(rate, _)| *rate).collect();
    rates.sort_by(|a, b| b.total_cmp(a));
    rates.dedup();

    let (mut bins, mut bin_len, mut filled, mut above) = (Vec::new(), 30_000.0, 0, 0.0);
    for rate in rates {
        let here: u64 = rated
            .iter()
            .filter(|(other, _)| *other == rate)
            .map(|(_, v)| v)
            .sum();
        if filled > 0 && here as f64 > 2.0 * bin_len {
            bins.push((above, filled));
            (filled, bin_len) = (0, bin_len * 1.1);
        }
        filled += here;
        if filled as f64 > bin_len {
            bins.push((rate, filled));
            (filled, bin_len) = (0, bin_len * 1.1);
        }
        above = rate;
    }
    bins
}
