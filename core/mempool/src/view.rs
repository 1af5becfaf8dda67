//! The immutable snapshot that requests read, and the two changes the writer makes to its own.

use std::{collections::HashSet, sync::Arc};

use electrode_coin::{OutPoint, Sats, ScriptKey, Txid};
use imbl::{HashMap, OrdMap, OrdSet};

use crate::{NewTx, Prevout, Touched, Tx, histogram::FeeRates};

/// The mempool at one moment.
///
/// Cost: a clone is four reference counts; a change copies only the tree nodes on its path, and
/// only those that a snapshot still shares.
#[derive(Clone, Debug, Default)]
pub struct MempoolView {
    txs: HashMap<Txid, Arc<Tx>>,
    /// Ordered, so that everything that spends a transaction is one range.
    spends: OrdMap<OutPoint, Txid>,
    /// Ordered, so that the history of a script is one range.
    touches: OrdSet<(ScriptKey, Txid)>,
    fee_rates: FeeRates,
}

/// One transaction in the history of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub txid: Txid,
    /// Its fee.
    pub fee: Sats,
    /// Tells whether it spends another transaction of the mempool: height -1 instead of 0.
    pub has_unconfirmed_inputs: bool,
}

/// One output that the mempool creates and does not spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unspent {
    /// Its name.
    pub outpoint: OutPoint,
    /// Its amount.
    pub value: Sats,
}

impl MempoolView {
    /// Gives each transaction that spends from or pays to a script, once, in no promised order.
    #[must_use]
    pub fn history(&self, key: &ScriptKey) -> Vec<Entry> {
        self.touching(key)
            .map(|(txid, tx)| Entry {
                txid,
                fee: tx.fee,
                has_unconfirmed_inputs: self.has_unconfirmed_inputs(tx),
            })
            .collect()
    }

    /// Gives what the mempool adds to the balance of a script, clamped to the range of `i64`.
    #[must_use]
    pub fn balance_delta(&self, key: &ScriptKey) -> i64 {
        let delta: i128 = self
            .touching(key)
            .map(|(_, tx)| balance_delta(tx, key))
            .sum();
        i64::try_from(delta).unwrap_or(if delta < 0 { i64::MIN } else { i64::MAX })
    }

    /// Gives the outputs to a script that are created here and not spent here.
    #[must_use]
    pub fn unspent(&self, key: &ScriptKey) -> Vec<Unspent> {
        self.touching(key)
            .flat_map(|(txid, tx)| {
                (0..)
                    .zip(&tx.outputs)
                    .map(move |(vout, output)| (OutPoint { txid, vout }, output))
            })
            .filter(|(outpoint, output)| {
                output.key == Some(*key) && !self.spends.contains_key(outpoint)
            })
            .map(|(outpoint, output)| Unspent {
                outpoint,
                value: output.value,
            })
            .collect()
    }

    /// Gives the transaction that spends an output, confirmed or not.
    #[must_use]
    pub fn spends(&self, outpoint: &OutPoint) -> Option<Txid> {
        self.spends.get(outpoint).copied()
    }

    /// Gives a transaction.
    #[must_use]
    pub fn transaction(&self, txid: &Txid) -> Option<&Tx> {
        self.txs.get(txid).map(AsRef::as_ref)
    }

    /// Tells whether a transaction is in the mempool.
    #[must_use]
    pub fn contains(&self, txid: &Txid) -> bool {
        self.txs.contains_key(txid)
    }

    /// Gives the number of transactions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.txs.len()
    }

    /// Tells whether there are no transactions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.txs.is_empty()
    }

    /// Summarises feerates in falling order.
    ///
    /// Units: (satoshis per vbyte, vbytes that pay as much and less than the bin before).
    /// Cost: linear in the number of distinct feerates.
    /// Source: `mempool.get_fee_histogram`.
    #[must_use]
    pub fn fee_histogram(&self) -> Vec<(f64, u64)> {
        self.fee_rates.histogram()
    }

    /// Gives the name of every transaction, in no promised order.
    pub(crate) fn txids(&self) -> impl Iterator<Item = &Txid> {
        self.txs.keys()
    }

    /// Gives the output with a name, if it is made here and can be spent.
    pub(crate) fn output(&self, outpoint: &OutPoint) -> Option<Prevout> {
        let vout = usize::try_from(outpoint.vout).ok()?;
        let output = self.txs.get(&outpoint.txid)?.outputs.get(vout)?;
        Some(Prevout {
            key: output.key?,
            value: output.value,
        })
    }

    /// Gives what spends a transaction, once for each of its outputs that is spent.
    pub(crate) fn children(&self, txid: Txid) -> impl Iterator<Item = Txid> {
        let outputs = OutPoint { txid, vout: 0 }..=OutPoint {
            txid,
            vout: u32::MAX,
        };
        self.spends.range(outputs).map(|(_, child)| *child)
    }

    /// Gives transactions and everything that spends them, directly or not.
    pub(crate) fn with_descendants(&self, roots: impl Iterator<Item = Txid>) -> HashSet<Txid> {
        let mut family = HashSet::new();
        let mut unseen: Vec<Txid> = roots.collect();
        while let Some(txid) = unseen.pop() {
            if family.insert(txid) {
                unseen.extend(self.children(txid));
            }
        }
        family
    }

    /// Tells whether a transaction spends another one of the mempool.
    ///
    /// Derived whenever it is asked for, because parents come and go: it cannot go stale.
    pub(crate) fn has_unconfirmed_inputs(&self, tx: &Tx) -> bool {
        tx.inputs
            .iter()
            .any(|input| self.txs.contains_key(&input.outpoint.txid))
    }

    /// Adds a transaction that is not here and spends nothing that is spent here.
    pub(crate) fn insert(&mut self, txid: Txid, tx: Tx, touched: &mut Touched) {
        self.spends
            .extend(tx.inputs.iter().map(|input| (input.outpoint, txid)));
        for key in tx.script_keys() {
            self.touches.insert((key, txid));
            touched.insert(key);
        }
        self.fee_rates.add(&tx);
        self.txs.insert(txid, Arc::new(tx));
    }

    /// Removes a transaction, whatever spends it, and gives it back as it came.
    pub(crate) fn remove(&mut self, txid: &Txid, touched: &mut Touched) -> Option<NewTx> {
        let tx = self.txs.remove(txid)?;
        self.fee_rates.remove(&tx);
        for key in tx.script_keys() {
            self.touches.remove(&(key, *txid));
            touched.insert(key);
        }
        for input in &tx.inputs {
            self.spends.remove(&input.outpoint);
        }
        Some(tx.unresolved(*txid))
    }

    fn touching(&self, key: &ScriptKey) -> impl Iterator<Item = (Txid, &Tx)> {
        let history = (*key, Txid([0; 32]))..=(*key, Txid([u8::MAX; 32]));
        self.touches
            .range(history)
            .filter_map(|(_, txid)| Some((*txid, self.transaction(txid)?)))
    }
}

fn balance_delta(tx: &Tx, key: &ScriptKey) -> i128 {
    let received = tx.outputs.iter().filter(|output| output.key == Some(*key));
    let spent = tx
        .inputs
        .iter()
        .map(|input| input.prevout)
        .filter(|prevout| prevout.key == *key);
    received
        .map(|output| i128::from(output.value.0))
        .sum::<i128>()
        - spent
            .map(|prevout| i128::from(prevout.value.0))
            .sum::<i128>()
}
