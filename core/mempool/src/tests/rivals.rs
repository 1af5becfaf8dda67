//! Listings no node should give: transactions that spend the same outputs, in any combination.

use std::collections::{BTreeMap, BTreeSet};

use electrode_coin::{OutPoint, Txid};
use proptest::prelude::*;

use super::{
    chain::{BURN, Chain, TestTx, funded, sync},
    oracle::Answers,
};
use crate::{Mempool, MempoolConfig, Prevout};

/// How many outputs are confirmed.
const FUNDED: u32 = 3;

/// Makes transactions that spend whatever was made before, spent already or not.
fn tangled(recipe: &[Vec<u16>]) -> Vec<TestTx> {
    let mut outputs: Vec<OutPoint> = (0..FUNDED).map(funded).collect();
    let mut txs = Vec::new();
    for (number, picks) in (1..).zip(recipe) {
        let inputs: BTreeSet<OutPoint> = picks
            .iter()
            .map(|pick| outputs[usize::from(*pick) % outputs.len()])
            .collect();
        let inputs: Vec<OutPoint> = inputs.into_iter().collect();
        let tx = TestTx::new(&inputs, &[(0, 1), (BURN, 1), (1, 2)], number);
        outputs.extend(tx.spendable().map(|(outpoint, _)| outpoint));
        txs.push(tx);
    }
    txs
}

fn check(txs: &[TestTx], listings: &[u32]) {
    let chain = Chain::paying(&[50; FUNDED as usize]);
    let by_txid: BTreeMap<Txid, TestTx> = txs.iter().map(|tx| (tx.txid, tx.clone())).collect();
    let mut outputs: BTreeMap<OutPoint, Prevout> = chain.0.clone();
    outputs.extend(txs.iter().flat_map(TestTx::spendable));
    let mut mempool = Mempool::new(MempoolConfig::default());
    let mut before: BTreeSet<Txid> = BTreeSet::new();

    for mask in listings {
        let listed = txs.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
        let listed: Vec<&TestTx> = listed.map(|(_, tx)| tx).collect();
        sync(&mut mempool, &chain, &listed);
        let view = mempool.view();
        let held: Vec<&TestTx> = txs.iter().filter(|tx| view.contains(&tx.txid)).collect();
        assert_eq!(
            Answers::read(&view, &by_txid, &outputs),
            Answers::of(&held, &outputs)
        );

        let spent: Vec<OutPoint> = held.iter().flat_map(|tx| tx.inputs.clone()).collect();
        let distinct: BTreeSet<&OutPoint> = spent.iter().collect();
        assert_eq!(spent.len(), distinct.len(), "an output is spent twice");
        let is_listed = |txid: &Txid| listed.iter().any(|tx| tx.txid == *txid);
        let is_there = |input: &OutPoint| chain.0.contains_key(input) || view.contains(&input.txid);
        for tx in &held {
            assert!(is_listed(&tx.txid) && tx.inputs.iter().all(is_there));
        }
        for tx in listed.iter().filter(|tx| !view.contains(&tx.txid)) {
            let reason = |input: &OutPoint| !is_there(input) || distinct.contains(input);
            assert!(
                tx.inputs.iter().any(reason),
                "{} waits for nothing",
                tx.txid
            );
        }
        let stays = |tx: &TestTx| before.contains(&tx.txid) && is_listed(&tx.txid);
        for txid in complete_families(txs.iter().filter(|tx| stays(tx))) {
            assert!(
                view.contains(&txid),
                "a rival displaced {txid}, which was held"
            );
        }
        before = held.iter().map(|tx| tx.txid).collect();
    }
}

/// Gives those whose ancestors are all among them, of transactions with parents first.
fn complete_families<'a>(txs: impl Iterator<Item = &'a TestTx>) -> BTreeSet<Txid> {
    let mut complete = BTreeSet::from([funded(0).txid]);
    for tx in txs {
        if tx.inputs.iter().all(|input| complete.contains(&input.txid)) {
            complete.insert(tx.txid);
        }
    }
    complete.remove(&funded(0).txid);
    complete
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn holds_no_two_that_spend_the_same_output(
        recipe in prop::collection::vec(prop::collection::vec(any::<u16>(), 1..4), 1..14),
        listings in prop::collection::vec(any::<u32>(), 1..8),
    ) {
        check(&tangled(&recipe), &listings);
    }
}
