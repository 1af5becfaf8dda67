//! Damage to the files of an index: refused or told, never served, and mended from the node.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use electrode_tests::{Bitcoind, Branch, Electrode, Lock, Oracle, Settings, Spendable, wait_until};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);
const ALICE: Lock = Lock::Segwit(1);
const FEE: u64 = 10_000;

/// A stopped server with an index, and the hash of all that it says.
struct Whole {
    node: Bitcoind,
    payments: Vec<Spendable>,
    server: Electrode,
    hash: String,
}

impl Whole {
    fn new() -> Self {
        let node = Bitcoind::start();
        let (mut chain, coins) = Branch::funded(&node, 20);
        let mut server = Electrode::configured(&Settings::of(&node));
        server.start();
        server.wait_ready();
        let pay = |coin: &Spendable| {
            let tx = coin.forward(ALICE, FEE);
            chain.mine(&node, [&tx]);
            Spendable::find(&tx, ALICE)
        };
        let payments = coins.iter().map(pay).collect();
        server.wait_caught_up(&node);
        server.stop();
        let hash = server.content_hash();
        Self {
            node,
            payments,
            server,
            hash,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.server.data_dir().join("index").join(name)
    }

    /// Mends the index, and checks that it says what it said, and that the server serves it.
    fn check_repair(&mut self, words: &str) {
        let repaired = self.server.run(&["index", "repair"]);
        let said = String::from_utf8_lossy(&repaired.stdout);
        assert!(repaired.status.success(), "{repaired:?}");
        assert!(said.contains(words), "{said}");
        assert_eq!(self.server.content_hash(), self.hash);
        self.server.start();
        self.server.wait_ready();
        Oracle::wait_agree(&self.node, &mut self.server);
        self.server.stop();
    }

    /// Starts a server that must not serve, and checks that it says how to mend that.
    fn refuses(&mut self) {
        self.server.start();
        let status = self.server.wait_exit(PATIENCE);
        let said = self.server.logged();
        assert_eq!(status.code(), Some(65), "{said}");
        assert!(said.contains("electrode index repair"), "{said}");
    }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x20;
    fs::write(path, bytes).unwrap();
}

#[test]
fn tells_no_txid_of_a_damaged_file_and_mends_it() {
    let mut whole = Whole::new();
    // Somewhere in the middle of the txid of the last payment but three.
    let txids = fs::read(whole.file("txids")).unwrap();
    let txid: &[u8; 32] = whole.payments[16].outpoint.txid.as_ref();
    let at = txids.windows(32).position(|bytes| bytes == txid).unwrap();
    flip(&whole.file("txids"), at + 9);

    // It is in the last page, which is looked at when the index is opened.
    whole.refuses();
    whole.check_repair("mended 1 pages");
}

#[test]
fn says_that_an_index_is_damaged_once_it_is_read() {
    let mut whole = Whole::new();
    // In the first page; the last is looked at when the index is opened.
    flip(&whole.file("txids"), 300);

    whole.server.start();
    whole.server.wait_ready();
    let mut client = whole.server.client();
    let error = client.try_call("blockchain.transaction.id_from_pos", &json!([9, 0]));
    assert_eq!(error.unwrap_err()["code"], -32603);
    let page = wait_until("/ready says so", PATIENCE, || {
        whole
            .server
            .page("/ready")
            .filter(|page| page.status == 503)
    });
    assert!(page.body.contains("electrode index repair"), "{page:?}");
    let tip = whole.node.height();
    let answer = client.try_call("blockchain.transaction.id_from_pos", &json!([tip, 0]));
    assert!(answer.is_ok(), "the rest is still served");
    whole.server.stop();
    whole.check_repair("mended 1 pages");
}

#[test]
fn refuses_and_mends_what_is_cut_or_gone() {
    let mut whole = Whole::new();
    for name in ["blocks", "headers", "txids"] {
        fs::remove_file(whole.file(name)).unwrap();
        whole.refuses();
        whole.check_repair("mended");
    }
    let rows = fs::read_dir(whole.file("rows")).unwrap();
    let mut rows = rows.map(|entry| entry.unwrap().path());
    let log = rows
        .find(|path| path.to_str().unwrap().contains("MANIFEST"))
        .unwrap();
    let file = fs::File::options().write(true).open(&log).unwrap();
    file.set_len(fs::metadata(&log).unwrap().len() / 2).unwrap();
    whole.refuses();
    whole.check_repair("built anew");
    assert!(!whole.server.data_dir().join("repair").exists());
    fs::remove_file(whole.file("identity")).unwrap();
    whole.refuses();
    whole.check_repair("built anew");
}

#[test]
fn stops_when_its_data_is_moved_away() {
    let mut whole = Whole::new();
    whole.server.start();
    whole.server.wait_ready();
    let (from, to) = (whole.file(""), whole.server.home().join("elsewhere"));
    fs::rename(&from, &to).unwrap();
    let status = whole.server.wait_exit(PATIENCE);
    let said = whole.server.logged();
    assert_eq!(status.code(), Some(65), "{said}");
    assert!(said.contains("was moved, replaced or removed"), "{said}");
    fs::rename(&to, &from).unwrap();
    assert_eq!(whole.server.content_hash(), whole.hash);
}
