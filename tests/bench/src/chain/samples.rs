//! The answers expected for a sample of the scripts, followed block by block.

use std::collections::BTreeMap;

use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};

use super::{ledger::Spend, script};
use crate::facts::{Facts, ScriptFact, TxFact};

/// About how many fresh scripts and how many reused ones are followed.
const SCRIPTS: u64 = 40_000;
/// About how many transactions are.
const TXS: u64 = 8_000;

/// Scripts and transactions that answers are checked for.
pub(crate) struct Samples {
    script_stride: u32,
    tx_stride: u64,
    seen_txs: u64,
    scripts: BTreeMap<u32, Followed>,
    txs: Vec<TxFact>,
}

/// One script, and its status so far.
#[derive(Clone, Default)]
struct Followed {
    status: sha256::HashEngine,
    txs: usize,
    sats: u64,
    unspent: usize,
}

impl Samples {
    /// Follows a share of the scripts and transactions that suits the size of the chain.
    pub(crate) fn new(txs: u64) -> Self {
        // A chain has some 1.7 scripts a transaction, every eighth of them a reused one.
        let strides = (txs * 17 / 10 / u64::from(script::REUSED_EVERY) / SCRIPTS).max(1);
        let strides = u32::try_from(strides).unwrap_or(u32::MAX / script::REUSED_EVERY);
        Self {
            script_stride: strides * script::REUSED_EVERY,
            tx_stride: (txs / TXS).max(1),
            seen_txs: 0,
            scripts: BTreeMap::new(),
            txs: Vec::new(),
        }
    }

    /// Takes in a transaction; they come in chain order.
    pub(crate) fn record(&mut self, height: u32, pos: usize, spend: &Spend) {
        if self.seen_txs.is_multiple_of(self.tx_stride) {
            self.txs.push(TxFact {
                txid: spend.txid.to_string(),
                height,
                pos,
            });
        }
        self.seen_txs += 1;
        let mut touched = Vec::new();
        for input in &spend.inputs {
            if let Some(followed) = self.follow(input.script) {
                followed.sats -= input.sats;
                followed.unspent -= 1;
                touched.push(input.script);
            }
        }
        for output in &spend.outputs {
            if let Some(followed) = self.follow(output.script) {
                followed.sats += output.sats;
                followed.unspent += 1;
                touched.push(output.script);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        for number in touched {
            self.scripts
                .entry(number)
                .or_default()
                .extend(height, spend);
        }
    }

    /// Puts what was found into the facts.
    pub(crate) fn into_facts(self, facts: &mut Facts) {
        for (number, followed) in self.scripts {
            let fact = followed.into_fact(number);
            match number {
                0..script::HOT => facts.hot.push(fact),
                script::MINER => facts.reused.push(fact),
                _ if number.is_multiple_of(script::REUSED_EVERY) => facts.reused.push(fact),
                _ => facts.fresh.push(fact),
            }
        }
        facts.hot.retain(|fact| fact.txs > 0);
        facts.txs = self.txs;
    }

    fn follow(&mut self, number: u32) -> Option<&mut Followed> {
        let sampled = number < script::FIRST || number % self.script_stride < 2;
        sampled.then(|| self.scripts.entry(number).or_default())
    }
}

impl Followed {
    /// Shape: `txid:height:` of each transaction. Source: protocol basics, status.
    fn extend(&mut self, height: u32, spend: &Spend) {
        self.txs += 1;
        self.status
            .input(format!("{}:{height}:", spend.txid).as_bytes());
    }

    fn into_fact(self, number: u32) -> ScriptFact {
        ScriptFact {
            script_hash: script::script_hash(number),
            status: sha256::Hash::from_engine(self.status).to_string(),
            txs: self.txs,
            sats: self.sats,
            unspent: self.unspent,
        }
    }
}
