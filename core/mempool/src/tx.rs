//! What is kept of a transaction, before and after its inputs are resolved.

use electrode_coin::{OutPoint, Sats, ScriptKey, Txid};

/// An output as its spender sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prevout {
    /// Script that it pays to.
    pub key: ScriptKey,
    /// Amount.
    pub value: Sats,
}

/// A transaction whose inputs are not resolved yet, made by [`NewTx::parse`].
///
/// It spends at least one output, and none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTx {
    pub(crate) txid: Txid,
    pub(crate) vsize: u64,
    pub(crate) inputs: Box<[OutPoint]>,
    pub(crate) outputs: Box<[Output]>,
    /// Scripts that it gets into the history of without paying them.
    pub(crate) further: Box<[ScriptKey]>,
}

/// A transaction in the mempool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tx {
    /// What its inputs are worth beyond its outputs.
    pub fee: Sats,
    /// Virtual size in vbytes.
    pub vsize: u64,
    pub(crate) inputs: Box<[Input]>,
    pub(crate) outputs: Box<[Output]>,
    pub(crate) further: Box<[ScriptKey]>,
}

/// A resolved input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) outpoint: OutPoint,
    pub(crate) prevout: Prevout,
}

/// A created output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    /// Script that it pays to; `None` where nobody can spend it.
    pub(crate) key: Option<ScriptKey>,
    pub(crate) value: Sats,
}

impl NewTx {
    /// Gives the name of the transaction.
    #[must_use]
    pub fn txid(&self) -> Txid {
        self.txid
    }

    /// Completes the transaction with what its inputs spend.
    pub(crate) fn resolved(self, inputs: Box<[Input]>) -> Tx {
        let paid_in = total(inputs.iter().map(|input| input.prevout.value));
        let paid_out = total(self.outputs.iter().map(|output| output.value));
        Tx {
            fee: Sats(paid_in.saturating_sub(paid_out)),
            vsize: self.vsize,
            inputs,
            outputs: self.outputs,
            further: self.further,
        }
    }
}

impl Tx {
    /// Gives the script of each input and of each output that can be spent, and the further
    /// scripts, with repetitions.
    pub(crate) fn script_keys(&self) -> impl Iterator<Item = ScriptKey> {
        let spent = self.inputs.iter().map(|input| input.prevout.key);
        let paid = self.outputs.iter().filter_map(|output| output.key);
        spent.chain(paid).chain(self.further.iter().copied())
    }

    /// Forgets what the inputs spend.
    pub(crate) fn unresolved(&self, txid: Txid) -> NewTx {
        NewTx {
            txid,
            vsize: self.vsize,
            inputs: self.inputs.iter().map(|input| input.outpoint).collect(),
            outputs: self.outputs.clone(),
            further: self.further.clone(),
        }
    }
}

fn total(values: impl Iterator<Item = Sats>) -> u64 {
    values.fold(0, |sum, Sats(value)| sum.saturating_add(value))
}
