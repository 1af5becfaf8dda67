//! Decides which transactions the demonstration node takes.
//!
//! Checked: inputs exist, are unspent, mature and signed (see [`signature`]); outputs are not
//! empty, not dust, and not worth more than the inputs; the fee; size and lock time. Not checked:
//! scripts of other kinds, relative lock times, most other policy. Never replaced: a transaction
//! that is in the mempool.

use bitcoin::{
    Amount, FeeRate, Transaction, TxOut, Weight,
    absolute::{self, Time},
};

use super::{
    chain::{Chain, Coin, MAX_MEMPOOL},
    signature,
};

/// What every node relays at least for.
pub(super) const MIN_FEE_RATE: FeeRate = FeeRate::from_sat_per_kwu(250);

/// The heaviest transaction that nodes relay.
const MAX_WEIGHT: Weight = Weight::from_wu(400_000);

/// Why a transaction is not taken, as bitcoind says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// −25 for inputs that are not there, −26 for a rule, −27 for one that is in a block.
    pub(super) code: i64,
    pub(super) message: String,
}

/// Checks a transaction against the chain and its mempool, and gives its fee.
pub(super) fn check(chain: &Chain, tx: &Transaction) -> Result<Amount, Refusal> {
    if chain.place(&tx.compute_txid()).is_some() {
        let message = "Transaction outputs already in utxo set".to_owned();
        return Err(Refusal { code: -27, message });
    }
    check_shape(tx)?;
    check_lock_time(chain, tx)?;
    let coins = coins(chain, tx)?;
    if !coins.iter().all(|coin| chain.is_mature(coin)) {
        return Err(rule("bad-txns-premature-spend-of-coinbase"));
    }
    let spent: Vec<_> = coins.iter().map(|coin| coin.output.clone()).collect();
    let fee = check_fee(tx, &spent)?;
    if chain.mempool().len() >= MAX_MEMPOOL {
        return Err(rule("mempool full"));
    }
    if !signature::are_signed(chain.secp(), tx, &spent) {
        return Err(rule(
            "mandatory-script-verify-flag-failed (Signature must be zero for failed \
             CHECK(MULTI)SIG operation)",
        ));
    }
    Ok(fee)
}

fn check_shape(tx: &Transaction) -> Result<(), Refusal> {
    if tx.output.is_empty() {
        return Err(rule("bad-txns-vout-empty"));
    }
    if tx.is_coinbase() {
        return Err(rule("coinbase"));
    }
    if tx.weight() > MAX_WEIGHT {
        return Err(rule("tx-size"));
    }
    let mut inputs: Vec<_> = tx.input.iter().map(|input| input.previous_output).collect();
    inputs.sort_unstable();
    inputs.dedup();
    if inputs.len() != tx.input.len() {
        return Err(rule("bad-txns-inputs-duplicate"));
    }
    if tx
        .output
        .iter()
        .any(|output| output.value > Amount::MAX_MONEY)
    {
        return Err(rule("bad-txns-vout-toolarge"));
    }
    let is_dust = |output: &TxOut| {
        let script = &output.script_pubkey;
        !script.is_op_return() && output.value < script.minimal_non_dust()
    };
    if tx.output.iter().any(is_dust) {
        return Err(rule("dust"));
    }
    Ok(())
}

fn check_lock_time(chain: &Chain, tx: &Transaction) -> Result<(), Refusal> {
    let height = absolute::Height::from_consensus(chain.tip().0);
    let time = Time::from_consensus(chain.median_time(chain.tip()));
    match (height, time) {
        // A lock time names the last block that is too early: the tip, for the next block.
        (Ok(height), Ok(time)) if tx.is_absolute_timelock_satisfied(height, time) => Ok(()),
        _ => Err(rule("non-final")),
    }
}

/// Finds what a transaction spends.
fn coins<'a>(chain: &'a Chain, tx: &Transaction) -> Result<Vec<&'a Coin>, Refusal> {
    let outpoints = tx.input.iter().map(|input| &input.previous_output);
    if let Some(coins) = outpoints
        .clone()
        .map(|outpoint| chain.coin(outpoint))
        .collect()
    {
        return Ok(coins);
    }
    let mut spent_in_mempool = chain
        .mempool()
        .iter()
        .flat_map(|pending| &pending.tx.input)
        .map(|input| &input.previous_output);
    if spent_in_mempool.any(|spent| outpoints.clone().any(|outpoint| outpoint == spent)) {
        return Err(rule("txn-mempool-conflict"));
    }
    let message = "bad-txns-inputs-missingorspent".to_owned();
    Err(Refusal { code: -25, message })
}

fn check_fee(tx: &Transaction, spent: &[TxOut]) -> Result<Amount, Refusal> {
    let sum = |outputs: &[TxOut]| {
        let mut values = outputs.iter().map(|output| output.value);
        values.try_fold(Amount::ZERO, Amount::checked_add)
    };
    let (Some(value_in), Some(value_out)) = (sum(spent), sum(&tx.output)) else {
        return Err(rule("bad-txns-txouttotal-toolarge"));
    };
    let btc = |value: Amount| value.display_in(bitcoin::Denomination::Bitcoin);
    let fee = value_in.checked_sub(value_out).ok_or_else(|| {
        let (value_in, value_out) = (btc(value_in), btc(value_out));
        rule(&format!(
            "bad-txns-in-belowout, value in ({value_in:.8}) < value out ({value_out:.8})"
        ))
    })?;
    let least = MIN_FEE_RATE.fee_wu(tx.weight()).unwrap_or(Amount::MAX);
    if fee < least {
        let (fee, least) = (fee.to_sat(), least.to_sat());
        return Err(rule(&format!("min relay fee not met, {fee} < {least}")));
    }
    Ok(fee)
}

fn rule(message: &str) -> Refusal {
    Refusal {
        code: -26,
        message: message.to_owned(),
    }
}
