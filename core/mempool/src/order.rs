//! The order in which chains of transactions resolve.

use std::collections::{BTreeMap, HashMap};

use electrode_coin::Txid;

use crate::NewTx;

/// Orders transactions so that each comes after those among them that it spends.
///
/// Cost: linear in their inputs, whatever the shape of the chains.
pub(crate) fn parents_first(mut txs: BTreeMap<Txid, NewTx>) -> Vec<NewTx> {
    let mut children: HashMap<Txid, Vec<Txid>> = HashMap::new();
    let mut parents_left: HashMap<Txid, usize> = HashMap::new();
    for (child, tx) in &txs {
        for parent in tx
            .inputs
            .iter()
            .map(|input| input.txid)
            .filter(|it| txs.contains_key(it))
        {
            children.entry(parent).or_default().push(*child);
            *parents_left.entry(*child).or_default() += 1;
        }
    }
    let mut ready: Vec<Txid> = txs
        .keys()
        .filter(|txid| !parents_left.contains_key(txid))
        .copied()
        .collect();
    let mut ordered = Vec::with_capacity(txs.len());
    while let Some(parent) = ready.pop() {
        ordered.extend(txs.remove(&parent));
        for child in children.remove(&parent).into_iter().flatten() {
            if is_last_parent(parents_left.entry(child).or_default()) {
                ready.push(child);
            }
        }
    }
    ordered
}

/// Counts one parent off and tells whether it was the last.
fn is_last_parent(left: &mut usize) -> bool {
    *left = left.saturating_sub(1);
    *left == 0
}
