//! Notices: how long after the node has something new the wallets hear of it.

mod block;
mod figures;
mod mempool;

use std::time::Duration;

use anyhow::Context as _;
use bitcoin::Transaction;

pub(crate) use figures::figures;

use block::{Subscribers, blocks};
use mempool::transactions;

use crate::{
    chain::{Unspent, spend},
    facts::Spendable,
};

/// What the transactions of a run pay, in satoshi.
const FEE_SATS: u64 = 2_000;

/// Delays, sorted.
#[derive(Debug)]
pub(crate) struct Delays(Vec<Duration>);

impl Delays {
    pub(crate) fn new(mut delays: Vec<Duration>) -> Self {
        delays.sort_unstable();
        Self(delays)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The delay that `percent` of a hundred do not exceed, in ms.
    pub(crate) fn percentile_ms(&self, percent: usize) -> anyhow::Result<f64> {
        let rank = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        let delay = self
            .0
            .get(rank)
            .context("nothing was measured: no notice expected")?;
        Ok(delay.as_secs_f64() * 1_000.0)
    }
}

/// Makes the transaction that pays a script all of an output but the fee.
fn spend_in_run(fact: &Spendable, script: u32) -> anyhow::Result<Transaction> {
    let coin = Unspent {
        txid: fact.txid.parse()?,
        vout: fact.vout,
        sats: fact.sats,
        script: fact.script,
    };
    let paid = fact
        .sats
        .checked_sub(FEE_SATS)
        .context("the facts list outputs worth a fee")?;
    Ok(spend(&[coin], &[(script, paid)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_delays() {
        let delays = Delays::new((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!(delays.percentile_ms(50).unwrap(), 100.0);
        assert_eq!(delays.percentile_ms(99).unwrap(), 198.0);
        assert_eq!(delays.percentile_ms(100).unwrap(), 200.0);
        assert!(Delays::new(Vec::new()).percentile_ms(50).is_err());
    }
}
