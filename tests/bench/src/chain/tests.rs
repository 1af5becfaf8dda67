//! The facts of a small chain against its blocks, read back and replayed naively.

use std::{
    collections::{HashMap, HashSet},
    fs,
};

use bitcoin::{
    Block, OutPoint, Script, Transaction, Txid, consensus::deserialize, consensus::serialize,
    hashes::Hash as _, hashes::sha256,
};

use super::{BLOCKS_FILE, Options, Size, blocks, generate};
use crate::facts::{Facts, ScriptFact};

fn small(seed: u64) -> Size {
    Size {
        transactions: 2_000,
        blocks: Some(110),
        seed,
    }
}

fn written(dir: &std::path::Path, seed: u64) -> (Vec<u8>, Facts) {
    let options = Options {
        out: dir.to_owned(),
        size: small(seed),
    };
    generate(&options).unwrap();
    let blocks = fs::read(dir.join(BLOCKS_FILE)).unwrap();
    (blocks, Facts::read(dir).unwrap())
}

fn parse(mut file: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    while let Some((magic, rest)) = file.split_first_chunk::<4>() {
        assert_eq!(*magic, [0xfa, 0xbf, 0xb5, 0xda]);
        let (len, rest) = rest.split_first_chunk::<4>().unwrap();
        let (block, rest) = rest.split_at(u32::from_le_bytes(*len).try_into().unwrap());
        blocks.push(deserialize(block).unwrap());
        file = rest;
    }
    blocks
}

/// Histories and unspent outputs of every script, by its hash on the wire.
#[derive(Default)]
struct Replay {
    owners: HashMap<OutPoint, (String, u64)>,
    histories: HashMap<String, String>,
    txs: HashMap<String, usize>,
}

impl Replay {
    fn connect(&mut self, height: usize, tx: &Transaction) {
        let txid = tx.compute_txid();
        let mut touched = HashSet::new();
        for input in tx.input.iter().filter(|_| !tx.is_coinbase()) {
            touched.insert(self.owners.remove(&input.previous_output).unwrap().0);
        }
        for (vout, output) in (0..).zip(&tx.output) {
            let owner = wire_hash(&output.script_pubkey);
            let value = (owner.clone(), output.value.to_sat());
            self.owners.insert(OutPoint::new(txid, vout), value);
            touched.insert(owner);
        }
        for owner in touched {
            *self.txs.entry(owner.clone()).or_default() += 1;
            let history = self.histories.entry(owner).or_default();
            history.push_str(&format!("{txid}:{height}:"));
        }
    }

    fn agrees(&self, fact: &ScriptFact) {
        let history = &self.histories[&fact.script_hash];
        let unspent = self
            .owners
            .values()
            .filter(|(owner, _)| *owner == fact.script_hash);
        let unspent: Vec<u64> = unspent.map(|(_, sats)| *sats).collect();
        assert_eq!(
            sha256::Hash::hash(history.as_bytes()).to_string(),
            fact.status
        );
        assert_eq!(self.txs[&fact.script_hash], fact.txs);
        assert_eq!(
            (unspent.len(), unspent.iter().sum()),
            (fact.unspent, fact.sats)
        );
    }
}

fn wire_hash(script: &Script) -> String {
    let mut hash = sha256::Hash::hash(script.as_bytes()).to_byte_array();
    hash.reverse();
    sha256::Hash::from_byte_array(hash).to_string()
}

#[test]
fn facts_agree_with_the_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let (file, facts) = written(dir.path(), 1);
    let blocks = parse(&file);
    let mut replay = Replay::default();
    for (height, block) in (1..).zip(&blocks) {
        assert_eq!(block.block_hash().to_string(), facts.blocks[height].hash);
        assert_eq!(
            block.header.prev_blockhash.to_string(),
            facts.blocks[height - 1].hash
        );
        assert!(block.check_merkle_root() && block.check_witness_commitment());
        block
            .txdata
            .iter()
            .for_each(|tx| replay.connect(height, tx));
    }
    assert_eq!(facts.hot.len(), 6);
    let scripts = [&facts.hot, &facts.reused, &facts.fresh];
    scripts.iter().for_each(|list| assert!(!list.is_empty()));
    scripts
        .into_iter()
        .flatten()
        .for_each(|fact| replay.agrees(fact));
    for tx in &facts.txs {
        let height = usize::try_from(tx.height).unwrap();
        let found = blocks[height - 1].txdata[tx.pos].compute_txid();
        assert_eq!(found.to_string(), tx.txid);
    }
    for spendable in &facts.spendable {
        let outpoint = OutPoint::new(spendable.txid.parse::<Txid>().unwrap(), spendable.vout);
        let owner = (super::script_hash(spendable.script), spendable.sats);
        assert_eq!(replay.owners[&outpoint], owner);
    }
}

#[test]
fn a_seed_gives_the_same_chain_again_and_another_one_another() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = written(dir.path(), 1);
    assert_eq!(written(dir.path(), 1).0, first);
    assert_ne!(written(dir.path(), 2).0, first);
}

#[test]
fn benches_get_the_blocks_that_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let (file, facts) = written(dir.path(), 1);
    let given = blocks(small(1)).unwrap();
    let hashes = given
        .iter()
        .map(|block| deserialize::<Block>(block).unwrap().block_hash());
    assert!(
        hashes
            .map(|hash| hash.to_string())
            .eq(facts.blocks.iter().map(|fact| fact.hash.clone()))
    );
    let written: Vec<Vec<u8>> = parse(&file).iter().map(serialize).collect();
    assert_eq!(given[1..], written);
}

#[test]
fn a_chain_has_as_many_blocks_as_its_transactions_need() {
    let check = |transactions: u64, expected: u32| {
        let size = Size {
            transactions,
            blocks: None,
            seed: 1,
        };
        assert_eq!(size.blocks().unwrap(), expected);
        super::Transfers::plan(transactions, expected).unwrap();
    };
    check(300_000, 700);
    check(super::REFERENCE_TRANSACTIONS, 700);
    check(2_400_000, 700);
    check(2_400_001, 701);
    check(5_000_000, 1_350);
}
