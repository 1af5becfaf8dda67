//! Blocks and transactions out of the node's own files, as the node gives them.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bitcoin::{Block, Transaction, consensus::encode::deserialize_hex};
use electrode_tests::{
    Bitcoind, Branch, Dice, Electrode, Keyed, LineClient, Lock, Oracle, Settings, Spendable, pay,
    wait_until,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const FEE: u64 = 10_000;
const COINS: u64 = 20;
const PATIENCE: Duration = Duration::from_secs(60);
/// Files of 64 KiB instead of 128 MiB, so that there are several.
const SMALL_FILES: &str = "-fastprune";
/// What the server logs once its node's files are open.
const OPENED: &str = "old blocks come from the node's files";
/// What it logs when a file is not as expected.
const LACKS: &str = "lacks something";

/// A chain of payments that spends outputs of every form that undo data knows.
struct Story {
    chain: Branch,
    coins: Vec<Spendable>,
    dice: Dice,
}

impl Story {
    fn tell(node: &Bitcoind) -> Self {
        let (chain, coins) = Branch::funded(node, COINS);
        let mut story = Self {
            chain,
            coins,
            dice: Dice::new(5),
        };
        story.spend_keyed(node);
        for _ in 0..30 {
            story.mine(node);
        }
        story
    }

    /// Two branches end at the same block: what the losing one spent stays in the files.
    fn spend_keyed(&mut self, node: &Bitcoind) {
        let keyed = Keyed::default();
        let coin = self.coins.pop().unwrap();
        let scripts = keyed.scripts();
        let outputs: Vec<_> = scripts
            .iter()
            .map(|script| (&**script, 1_000_000))
            .collect();
        let funding = pay(&[coin], &outputs);
        self.chain.mine(node, [&funding]);
        let mut losing = self.chain.fork(1);
        for to in [1, 2] {
            let tx = keyed.spend_all(&funding, &Lock::Bare(to).script(), FEE);
            if to == 1 {
                losing.mine(node, [&tx]);
            } else {
                self.chain.mine(node, [&tx]);
                self.chain.mine(node, []);
            }
        }
    }

    fn mine(&mut self, node: &Bitcoind) -> Vec<Transaction> {
        let dice = &mut self.dice;
        let pay_one = |coin: &mut Spendable| {
            let to = Lock::Segwit(dice.pick(0..50));
            let also = Lock::Bare(dice.pick(0..50));
            let outputs = [(to.script(), coin.value - 2 * FEE), (also.script(), FEE)];
            let tx = pay(
                &[*coin],
                &outputs
                    .each_ref()
                    .map(|(script, value)| (&**script, *value)),
            );
            *coin = Spendable::find(&tx, to);
            tx
        };
        let txs: Vec<_> = self.coins.iter_mut().map(pay_one).collect();
        self.chain.mine(node, &txs);
        txs
    }
}

/// Follows `node` and reads the block files in `dir`.
fn with_files(node: &Bitcoind, dir: &Path) -> Settings {
    Settings::of(node).daemon("blocks_dir", dir)
}

/// Builds an index and gives the hash of all it says, and what was logged meanwhile.
fn build(node: &Bitcoind, settings: &Settings) -> (String, String) {
    let mut server = Electrode::configured(settings);
    server.start();
    server.wait_ready();
    server.wait_caught_up(node);
    server.stop();
    (server.content_hash(), server.logged())
}

/// Gives every transaction that is indexed, by its txid, in hex.
fn transactions(node: &Bitcoind) -> BTreeMap<String, String> {
    let mut transactions = BTreeMap::new();
    for height in 1..=node.height() {
        let hash = node.rpc("getblockhash", &json!([height]));
        let block = node.rpc("getblock", &json!([hash, 0]));
        let block: Block = deserialize_hex(block.as_str().unwrap()).unwrap();
        transactions.extend(block.txdata.iter().map(|tx| {
            let hex = bitcoin::consensus::encode::serialize_hex(tx);
            (tx.compute_txid().to_string(), hex)
        }));
    }
    transactions
}

fn check_transactions(client: &mut LineClient, expected: &BTreeMap<String, String>) {
    let requests = expected
        .keys()
        .map(|txid| ("blockchain.transaction.get", json!([txid])));
    let answers = client.call_each(requests);
    for ((txid, hex), answer) in expected.iter().zip(answers) {
        assert_eq!(
            answer.as_ref().ok(),
            Some(&Value::from(hex.as_str())),
            "{txid}"
        );
    }
}

/// Copies the node's block files, of which the node would miss the original.
fn copy_of_files(node: &Bitcoind) -> TempDir {
    let copy = TempDir::new().unwrap();
    for entry in fs::read_dir(node.blocks_dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    copy
}

fn files(dir: &Path, start: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_meant = |path: &PathBuf| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(start)
    };
    paths.filter(is_meant).collect()
}

#[test]
fn builds_the_same_index_from_files_as_from_the_node() {
    for key in ["-blocksxor=1", "-blocksxor=0"] {
        let node = Bitcoind::start_on("regtest", &[SMALL_FILES, key]);
        drop(Story::tell(&node));
        let dir = node.blocks_dir();
        assert!(files(&dir, "blk").len() > 1);
        let (from_files, log) = build(&node, &with_files(&node, &dir));
        assert!(log.contains(OPENED) && !log.contains(LACKS), "{log}");

        let (by_rest, _log) = build(&node, &Settings::of(&node));
        assert_eq!(from_files, by_rest);
        let without_rest = Bitcoind::start_on("regtest", &["-rest=0"]);
        without_rest.copy_chain(&node);
        let (by_rpc, _log) = build(&without_rest, &Settings::of(&without_rest));
        assert_eq!(from_files, by_rpc);
        let (from_files, log) = build(&without_rest, &with_files(&without_rest, &dir));
        assert!(log.contains(OPENED) && !log.contains(LACKS), "{log}");
        assert_eq!(from_files, by_rpc);
    }
}

#[test]
fn builds_the_same_index_from_damaged_files() {
    let node = Bitcoind::start_on("regtest", &[SMALL_FILES]);
    drop(Story::tell(&node));
    let (expected, _log) = build(&node, &Settings::of(&node));
    let damages: [fn(&Path); 4] = [remove_undo, remove_second, halve_all, flip_bits];
    for damage in damages {
        let copy = copy_of_files(&node);
        damage(copy.path());
        let (index, log) = build(&node, &with_files(&node, copy.path()));
        assert!(log.contains(OPENED), "{log}");
        assert_eq!(index, expected);
    }
}

fn remove_undo(dir: &Path) {
    for path in files(dir, "rev") {
        fs::remove_file(path).unwrap();
    }
}

fn remove_second(dir: &Path) {
    fs::remove_file(dir.join("blk00001.dat")).unwrap();
}

fn halve_all(dir: &Path) {
    for path in [files(dir, "blk"), files(dir, "rev")].concat() {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    }
}

/// Flips bits of headers, transactions and undo data, as an old disk does.
fn flip_bits(dir: &Path) {
    for path in [files(dir, "blk"), files(dir, "rev")].concat() {
        let mut bytes = fs::read(&path).unwrap();
        for byte in bytes.iter_mut().step_by(5003) {
            *byte ^= 4;
        }
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn serves_transactions_from_files_when_the_node_is_gone() {
    let mut node = Bitcoind::start_on("regtest", &[SMALL_FILES]);
    let mut story = Story::tell(&node);
    let mut server = Electrode::configured(&with_files(&node, &node.blocks_dir()));
    server.start();
    server.wait_ready();
    // Blocks that the node adds while the server runs are found as well.
    let newest = story.mine(&node).pop().unwrap().compute_txid().to_string();
    server.wait_caught_up(&node);
    let expected = transactions(&node);
    node.stop();
    let mut client = server.client();
    wait_until("the newest block is found", PATIENCE, || {
        let answer = client.try_call("blockchain.transaction.get", &json!([newest]));
        answer.ok()
    });
    check_transactions(&mut client, &expected);
    let log = server.logged();
    assert!(!log.contains(LACKS), "{log}");
}

#[test]
fn goes_on_when_files_are_removed_or_replaced() {
    let node = Bitcoind::start_on("regtest", &[SMALL_FILES]);
    let mut story = Story::tell(&node);
    let copy = copy_of_files(&node);
    let mut server = Electrode::configured(&with_files(&node, copy.path()));
    server.start();
    server.wait_ready();
    let mut client = server.client();
    let expected = transactions(&node);
    check_transactions(&mut client, &expected);

    // Each block is found where it was, but what is there is something else.
    for path in files(copy.path(), "blk") {
        let mut bytes = fs::read(&path).unwrap();
        bytes.reverse();
        fs::write(path, bytes).unwrap();
    }
    check_transactions(&mut client, &expected);
    for path in files(copy.path(), "") {
        fs::remove_file(path).unwrap();
    }
    check_transactions(&mut client, &expected);
    story.mine(&node);
    Oracle::wait_agree(&node, &mut server);
    check_transactions(&mut client, &transactions(&node));
}

#[test]
fn does_without_the_files_of_a_pruned_node() {
    let node = Bitcoind::start_on("regtest", &[SMALL_FILES, "-prune=1"]);
    let mut story = Story::tell(&node);
    let settings = with_files(&node, &node.blocks_dir());
    let mut server = Electrode::configured(&settings);
    server.start();
    server.wait_ready();
    server.stop();

    // The node keeps 288 blocks.
    for _ in 0..320 {
        story.chain.mine(&node, []);
    }
    server.start();
    server.wait_ready();
    server.wait_caught_up(&node);
    node.rpc("pruneblockchain", &json!([story.chain.height - 300]));
    assert!(!node.blocks_dir().join("blk00000.dat").exists());
    // It loses files while it runs, and goes on.
    story.mine(&node);
    server.wait_caught_up(&node);
    server.stop();
    // It finds none when it starts, says so, and goes on.
    server.start();
    server.wait_ready();
    story.mine(&node);
    server.wait_caught_up(&node);
    let log = server.logged();
    assert!(log.contains("pruned"), "{log}");
}
