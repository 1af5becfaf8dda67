//! The cases worth a name of their own.

use electrode_coin::{Coin, CoinError, Descriptor, OutPoint, Sats, Txid};

use super::chain::{BURN, Chain, SCRIPTS, TestTx, coin, funded, key, sync};
use crate::{Entry, Mempool, MempoolConfig, MempoolView, NewTx, ParseError, Touched, Unspent};

const ROOMY: MempoolConfig = MempoolConfig { max_txs: 100_000 };

/// Makes a chain of transactions, each of which spends the one before.
fn chain_of(len: u64) -> Vec<TestTx> {
    let mut txs = vec![TestTx::new(&[funded(0)], &[(0, len)], 0)];
    for value in (0..len - 1).rev() {
        let parent = txs.last().unwrap().outpoint(0);
        txs.push(TestTx::new(&[parent], &[(0, value)], 0));
    }
    txs
}

fn touched(scripts: &[usize]) -> Touched {
    scripts.iter().map(|script| key(*script)).collect()
}

#[test]
fn turns_height_from_minus_one_to_zero_when_the_last_parent_confirms() {
    let mut chain = Chain::paying(&[10, 10]);
    let left = TestTx::new(&[funded(0)], &[(1, 10)], 0);
    let right = TestTx::new(&[funded(1)], &[(2, 10)], 0);
    let child = TestTx::new(&[left.outpoint(0), right.outpoint(0)], &[(3, 19)], 0);
    let mut mempool = Mempool::new(ROOMY);
    sync(&mut mempool, &chain, &[&child, &left, &right]);
    let entry = |unconfirmed| Entry {
        txid: child.txid,
        fee: Sats(1),
        has_unconfirmed_inputs: unconfirmed,
    };
    assert_eq!(mempool.view().history(&key(3)), [entry(true)]);

    let spent = chain.connect(&[&left]);
    assert_eq!(mempool.confirm(&[left.txid], &spent), touched(&[0, 1]));
    assert_eq!(mempool.view().history(&key(3)), [entry(true)]);

    let spent = chain.connect(&[&right]);
    assert_eq!(
        mempool.confirm(&[right.txid], &spent),
        touched(&[0, 1, 2, 3])
    );
    assert_eq!(mempool.view().history(&key(3)), [entry(false)]);
    assert_eq!(sync(&mut mempool, &chain, &[&child]), touched(&[]));
}

#[test]
fn lists_a_transaction_once_however_often_it_touches_a_script() {
    let chain = Chain::paying(&[30, 40]);
    let outputs = [(0, 20), (BURN, 5), (0, 30)];
    let tx = TestTx::new(&[funded(0), funded(1)], &outputs, 0);
    let mut mempool = Mempool::new(ROOMY);
    assert_eq!(sync(&mut mempool, &chain, &[&tx, &tx]), touched(&[0]));
    let view = mempool.view();
    assert_eq!(
        view.history(&key(0)),
        [Entry {
            txid: tx.txid,
            fee: Sats(15),
            has_unconfirmed_inputs: false
        }]
    );
    assert_eq!(view.balance_delta(&key(0)), -20);
    let unspent = |vout, value| Unspent {
        outpoint: tx.outpoint(vout),
        value: Sats(value),
    };
    assert_eq!(view.unspent(&key(0)), [unspent(0, 20), unspent(2, 30)]);
    assert_eq!(view.spends(&funded(1)), Some(tx.txid));
    assert!(view.history(&key(BURN)).is_empty());
}

#[test]
fn lets_go_of_what_conflicts_with_a_block_and_of_all_that_spends_it() {
    let mut chain = Chain::paying(&[10, 10]);
    let parent = TestTx::new(&[funded(0)], &[(1, 10)], 0);
    let loser = TestTx::new(&[parent.outpoint(0)], &[(2, 10)], 0);
    let orphan = TestTx::new(&[loser.outpoint(0), funded(1)], &[(3, 10)], 0);
    let mut mempool = Mempool::new(ROOMY);
    sync(&mut mempool, &chain, &[&orphan, &loser, &parent]);

    // The block confirms the parent and spends it at once, by a transaction never listed.
    let winner = TestTx::new(&[parent.outpoint(0)], &[(4, 9)], 0);
    let spent = chain.connect(&[&parent, &winner]);
    let changed = mempool.confirm(&[parent.txid, winner.txid], &spent);
    assert_eq!(changed, touched(&[0, 1, 2, 3]));
    assert!(mempool.view().is_empty());
    assert_eq!(mempool.view().spends(&funded(1)), None);
    // A listing from before the block brings none of them back.
    sync(&mut mempool, &chain, &[&parent, &loser, &orphan]);
    assert!(mempool.view().is_empty());
}

#[test]
fn resolves_anew_what_spends_a_transaction_that_left_without_a_block() {
    let mut chain = Chain::paying(&[10]);
    let txs = chain_of(3);
    let [parent, child, grandchild] = &txs[..] else {
        panic!("expected three")
    };
    let mut mempool = Mempool::new(ROOMY);
    sync(&mut mempool, &chain, &[parent, child, grandchild]);

    // The node confirmed the parent, the index did not yet: its descendants wait.
    sync(&mut mempool, &chain, &[child, grandchild]);
    assert!(mempool.view().is_empty());
    let listing = [child.txid, grandchild.txid];
    assert_eq!(mempool.missing(&listing), []);
    let spent = chain.connect(&[parent]);
    assert_eq!(mempool.confirm(&[parent.txid], &spent), touched(&[]));
    let Ok(changed) = mempool.reconcile(&listing, Vec::new(), &chain);
    assert_eq!((mempool.view().len(), changed), (2, touched(&[0])));
}

#[test]
fn waits_for_a_disconnected_block_to_be_listed_again() {
    let mut chain = Chain::paying(&[10]);
    let before = chain.clone();
    let txs = chain_of(2);
    let [parent, child] = &txs[..] else {
        panic!("expected two")
    };
    let mut mempool = Mempool::new(ROOMY);
    chain.connect(&[parent]);
    sync(&mut mempool, &chain, &[child]);
    assert!(!mempool.view().history(&key(0))[0].has_unconfirmed_inputs);

    assert_eq!(mempool.disconnect(&[parent.txid]), touched(&[0]));
    assert!(mempool.view().is_empty());
    sync(&mut mempool, &before, &[child, parent]);
    let history = mempool.view().history(&key(0));
    let child_entry = history
        .iter()
        .find(|entry| entry.txid == child.txid)
        .unwrap();
    assert!(child_entry.has_unconfirmed_inputs);
}

#[test]
fn keeps_the_held_one_of_two_that_spend_the_same_until_the_node_drops_it() {
    let chain = Chain::paying(&[10]);
    let first = TestTx::new(&[funded(0)], &[(1, 9)], 0);
    let second = TestTx::new(&[funded(0)], &[(2, 8)], 0);
    let mut mempool = Mempool::new(ROOMY);
    sync(&mut mempool, &chain, &[&first]);
    assert_eq!(sync(&mut mempool, &chain, &[&first, &second]), touched(&[]));
    assert!(mempool.view().contains(&first.txid));
    assert_eq!(mempool.missing(&[second.txid]), []);
    assert_eq!(sync(&mut mempool, &chain, &[&second]), touched(&[0, 1, 2]));
    assert_eq!(mempool.view().spends(&funded(0)), Some(second.txid));
}

#[test]
fn resolves_long_and_wide_families_at_once() {
    let values = [1; 2_000];
    let chain = Chain::paying(&values);
    let mut txs = chain_of(3_000);
    let parents: Vec<TestTx> = (1..2_000)
        .map(|vout| TestTx::new(&[funded(vout)], &[(1, 1)], 0))
        .collect();
    let inputs: Vec<OutPoint> = parents.iter().map(|tx| tx.outpoint(0)).collect();
    txs.push(TestTx::new(&inputs, &[(2, 1_999)], 0));
    txs.extend(parents);

    let listed: Vec<&TestTx> = txs.iter().rev().collect();
    let listing: Vec<Txid> = listed.iter().map(|tx| tx.txid).collect();
    let mut mempool = Mempool::new(ROOMY);
    let new = listed.iter().map(|tx| tx.parse()).collect();
    let Ok(_) = mempool.reconcile(&listing, new, &chain);
    assert_eq!(mempool.view().len(), txs.len());
    // Once all have left, nothing of them is left anywhere.
    let Ok(_) = mempool.reconcile(&[], Vec::new(), &chain);
    assert_eq!(
        format!("{:?}", mempool.view()),
        format!("{:?}", MempoolView::default())
    );
}

#[test]
fn takes_amounts_beyond_all_money() {
    let chain = Chain::paying(&[u64::MAX, u64::MAX, 0]);
    let rich = TestTx::new(&[funded(0), funded(1)], &[(1, u64::MAX), (1, u64::MAX)], 0);
    let poor = TestTx::new(&[funded(2)], &[(2, 1)], 0);
    let all_fee = TestTx::new(&[rich.outpoint(0)], &[], 0);
    let mut mempool = Mempool::new(ROOMY);
    sync(&mut mempool, &chain, &[&rich, &poor]);
    let view = mempool.view();
    assert_eq!(view.balance_delta(&key(0)), i64::MIN);
    assert_eq!(view.balance_delta(&key(1)), i64::MAX);
    assert_eq!(view.transaction(&rich.txid).map(|tx| tx.fee), Some(Sats(0)));
    assert_eq!(view.transaction(&poor.txid).map(|tx| tx.fee), Some(Sats(0)));
    sync(&mut mempool, &chain, &[&rich, &all_fee]);
    let fee = mempool.view().transaction(&all_fee.txid).map(|tx| tx.fee);
    assert_eq!(fee, Some(Sats(u64::MAX)));
}

#[test]
fn asks_for_no_more_than_there_is_room_for() {
    let chain = Chain::paying(&[9]);
    let txs = chain_of(6);
    let listing: Vec<Txid> = txs.iter().map(|tx| tx.txid).collect();
    let mut mempool = Mempool::new(MempoolConfig { max_txs: 4 });
    mempool.refuse(Txid([9; 32]));
    assert_eq!(mempool.missing(&listing), listing[..3]);
    // Given more all the same, it takes as many as it asked for: the one refused is not listed
    // any more, so that is one more than before.
    let new = txs.iter().map(TestTx::parse).collect();
    let Ok(_) = mempool.reconcile(&listing, new, &chain);
    assert_eq!(mempool.view().len(), 4);
    assert_eq!(mempool.missing(&listing), []);
    mempool.refuse(listing[5]);
    let Ok(_) = mempool.reconcile(&listing[..1], Vec::new(), &chain);
    assert_eq!(mempool.missing(&listing), listing[1..4]);
}

#[test]
fn fetches_what_was_refused_again_only_after_the_node_dropped_it() {
    let chain = Chain::paying(&[]);
    let (bad, other) = (Txid([1; 32]), Txid([2; 32]));
    let mut mempool = Mempool::new(ROOMY);
    mempool.refuse(bad);
    assert_eq!(mempool.missing(&[bad, other, other]), [other]);
    let Ok(_) = mempool.reconcile(&[bad], Vec::new(), &chain);
    assert_eq!(mempool.missing(&[bad]), []);
    let Ok(_) = mempool.reconcile(&[other], Vec::new(), &chain);
    assert_eq!(mempool.missing(&[bad]), [bad]);
}

#[test]
fn ignores_what_is_fetched_but_not_listed() {
    let chain = Chain::paying(&[9]);
    let tx = TestTx::new(&[funded(0)], &[(1, 9)], 0);
    let mut mempool = Mempool::new(ROOMY);
    let Ok(changed) = mempool.reconcile(&[], vec![tx.parse()], &chain);
    assert_eq!((mempool.view().len(), changed), (0, touched(&[])));
    assert_eq!(mempool.missing(&[tx.txid]), [tx.txid]);
}

#[test]
fn refuses_bytes_that_are_not_the_transaction_asked_for() {
    let tx = TestTx::new(&[funded(0)], &[(1, 9)], 0);
    let other = Txid([7; 32]);
    let check = |txid, raw: &[u8], expected| {
        assert_eq!(NewTx::parse(&coin(), txid, raw).unwrap_err(), expected);
    };
    check(
        other,
        &tx.raw,
        ParseError::Other {
            expected: other,
            got: tx.txid,
        },
    );
    let source = CoinError::Malformed {
        what: "transaction",
        offset: tx.raw.len(),
    };
    let longer = [&tx.raw[..], &[0]].concat();
    check(
        tx.txid,
        &longer,
        ParseError::Unreadable {
            txid: tx.txid,
            source,
        },
    );
    for inputs in [
        &[][..],
        &[OutPoint::NULL],
        &[funded(0), funded(1), funded(0)],
    ] {
        let tx = TestTx::new(inputs, &[(1, 9)], 0);
        check(tx.txid, &tx.raw, ParseError::Inputs { txid: tx.txid });
    }
}

/// A coin that files every output under the last spendable script of the tests, too.
struct Named(Descriptor);

impl Coin for Named {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn index_scripts(&self, script: &[u8], out: &mut dyn FnMut(&[u8])) {
        out(script);
        out(SCRIPTS[4]);
    }
}

#[test]
fn lists_a_transaction_under_further_scripts_that_it_does_not_pay() {
    let chain = Chain::paying(&[10]);
    let tx = TestTx::new(&[funded(0)], &[(1, 9)], 0);
    let named = Named(coin().descriptor().clone());
    let new = NewTx::parse(&named, tx.txid, &tx.raw).unwrap().unwrap();
    let mut mempool = Mempool::new(ROOMY);
    let Ok(told) = mempool.reconcile(&[tx.txid], vec![new], &chain);
    assert_eq!(told, touched(&[0, 1, 4]));
    let view = mempool.view();
    let entry = Entry {
        txid: tx.txid,
        fee: Sats(1),
        has_unconfirmed_inputs: false,
    };
    assert_eq!(view.history(&key(4)), [entry]);
    assert_eq!(view.balance_delta(&key(4)), 0);
    assert_eq!(view.unspent(&key(4)), []);

    let Ok(told) = mempool.reconcile(&[], Vec::new(), &chain);
    assert_eq!(told, touched(&[0, 1, 4]));
    assert_eq!(mempool.view().history(&key(4)), []);
}
