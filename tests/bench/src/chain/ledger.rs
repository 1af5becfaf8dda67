//! The unspent outputs and the transactions that spend them at random.

use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, absolute::LockTime,
    transaction,
};

use super::{random::Random, script};

/// Inputs a transfer has, by weight in percent: 1.56 on average.
const INPUTS: [(u64, usize); 5] = [(66, 1), (20, 2), (8, 3), (4, 4), (2, 5)];
/// Outputs a transfer has, by weight in percent: 2.42 on average.
const OUTPUTS: [(u64, usize); 6] = [(14, 1), (58, 2), (12, 3), (8, 4), (4, 5), (4, 6)];
/// Outputs that a matured coinbase is split into.
const FAN_OUT: usize = 40;
/// An output worth less is not made when another one can take its value.
const DUST_SATS: u64 = 100;
const FEE_SATS: u64 = 200;
/// Of 10,000 outputs, those that pay the hot script of that number.
const HOT_SHARES: [u64; 6] = [26, 31, 37, 43, 49, 56];
/// Of 10,000 outputs, those that pay a script anew.
const REUSED_SHARE: u64 = 2_660;

/// An output that can be spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unspent {
    pub(crate) txid: Txid,
    pub(crate) vout: u32,
    pub(crate) sats: u64,
    pub(crate) script: u32,
}

/// A transaction with what it spends and makes.
#[derive(Debug)]
pub(crate) struct Spend {
    pub(crate) tx: Transaction,
    pub(crate) txid: Txid,
    pub(crate) fee: u64,
    pub(crate) inputs: Vec<Unspent>,
    pub(crate) outputs: Vec<Unspent>,
}

/// Who owns what.
#[derive(Debug)]
pub(crate) struct Ledger {
    random: Random,
    unspent: Vec<Unspent>,
    next_script: u32,
}

/// Makes the transaction that spends `inputs` and pays each script its satoshi.
pub(crate) fn spend(inputs: &[Unspent], payments: &[(u32, u64)]) -> Transaction {
    Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: inputs.iter().map(input).collect(),
        output: payments
            .iter()
            .map(|(script, sats)| TxOut {
                value: Amount::from_sat(*sats),
                script_pubkey: script::output_script(*script),
            })
            .collect(),
    }
}

impl Ledger {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            unspent: Vec::new(),
            next_script: script::FIRST,
        }
    }

    /// Splits a matured coinbase.
    pub(crate) fn fan_out(&mut self, coinbase: Unspent) -> Spend {
        self.pay(vec![coinbase], FAN_OUT)
    }

    /// Spends some random outputs; those of this very block are among them.
    pub(crate) fn transfer(&mut self) -> Spend {
        let count = self.random.weighted(&INPUTS).min(self.unspent.len());
        let inputs = (0..count)
            .map(|_| {
                let index = self.random.index(self.unspent.len());
                self.unspent.swap_remove(index)
            })
            .collect();
        let outputs = self.random.weighted(&OUTPUTS);
        self.pay(inputs, outputs)
    }

    /// Scripts paid so far, the hot ones and the miner's included.
    pub(crate) fn script_count(&self) -> u32 {
        self.next_script - script::FIRST + script::HOT + 1
    }

    /// What is unspent now.
    pub(crate) fn unspent(&self) -> impl Iterator<Item = &Unspent> {
        self.unspent.iter()
    }

    fn pay(&mut self, inputs: Vec<Unspent>, outputs: usize) -> Spend {
        let total: u64 = inputs.iter().map(|unspent| unspent.sats).sum();
        let fee = if total > FEE_SATS + DUST_SATS {
            FEE_SATS
        } else {
            0
        };
        let payments = self.payments(total - fee, outputs);
        let tx = spend(&inputs, &payments);
        let txid = tx.compute_txid();
        let outputs: Vec<Unspent> = (0..)
            .zip(&payments)
            .map(|(vout, (script, sats))| Unspent {
                txid,
                vout,
                sats: *sats,
                script: *script,
            })
            .collect();
        self.unspent.extend(&outputs);
        Spend {
            tx,
            txid,
            fee,
            inputs,
            outputs,
        }
    }

    fn payments(&mut self, total: u64, outputs: usize) -> Vec<(u32, u64)> {
        let most = total / DUST_SATS;
        let count = u64::try_from(outputs).unwrap_or(1).min(most).max(1);
        let mut left = total;
        (0..count)
            .rev()
            .map(|others| {
                let share = left / (others + 1);
                let sats = if others == 0 {
                    left
                } else {
                    share / 2 + self.random.below(share)
                };
                left -= sats;
                (self.payee(), sats)
            })
            .collect()
    }

    fn payee(&mut self) -> u32 {
        let mut ticket = self.random.below(10_000);
        for (script, share) in (0..).zip(HOT_SHARES) {
            if ticket < share {
                return script;
            }
            ticket -= share;
        }
        let reusable = (self.next_script - script::FIRST) / script::REUSED_EVERY;
        if ticket < REUSED_SHARE && reusable > 0 {
            let index = u32::try_from(self.random.below(u64::from(reusable))).unwrap_or(0);
            return script::FIRST + index * script::REUSED_EVERY;
        }
        self.next_script += 1;
        self.next_script - 1
    }
}

fn input(unspent: &Unspent) -> TxIn {
    TxIn {
        previous_output: OutPoint::new(unspent.txid, unspent.vout),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: script::witness(unspent.script),
    }
}
