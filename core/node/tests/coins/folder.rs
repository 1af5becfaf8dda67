//! The operator's folder of descriptors, and what is wrong in it.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{check, mycoin, run, stderr, write};

/// A folder with these descriptors, and a configuration that names it.
struct Folder {
    dir: TempDir,
    config: TempDir,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            write(&dir, name, text);
        }
        let config = tempfile::tempdir().unwrap();
        Self { dir, config }
    }

    fn path(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    /// Starts a server for a coin whose node nobody can reach, and checks how that ends.
    fn index(&self, coin: &str, net: &str, code: i32, expected: &[&str]) {
        let data = self.config.path().join("data");
        let text = format!(
            "coin = {coin:?}\nnet = {net:?}\ndata_dir = {data:?}\n\
             daemon.urls = [\"http://127.0.0.1:1\"]\ncoins_dir = {:?}\n",
            self.path()
        );
        let config = write(&self.config, "electrode.toml", &text);
        check(&["index", "info", "--config", &config], code, expected);
        let _absent = fs::remove_dir_all(data);
    }

    fn list(&self) -> (Vec<Value>, String) {
        let output = run(&["coins", "--json", "--coins-dir", self.path()]);
        assert!(output.status.success(), "{}", stderr(&output));
        let listed = serde_json::from_slice(&output.stdout).unwrap();
        (listed, stderr(&output))
    }
}

fn has(listed: &[Value], coin: &str, net: &str) -> bool {
    let mut rows = listed.iter();
    rows.any(|row| row["coin"] == coin && row["net"] == net)
}

#[test]
fn names_both_files_of_one_coin() {
    let other = mycoin().replace("\"Mycoin\"", "\"MYCOIN\"");
    let folder = Folder::new(&[("a.toml", &mycoin()), ("b.toml", &other)]);
    let both = "b.toml both describe Mycoin testnet: take one of them out of the folder";
    folder.index("Mycoin", "testnet", 64, &["a.toml and ", both]);
    folder.index(
        "Bitcoin",
        "regtest",
        0,
        &["Bitcoin regtest", "passed over", both],
    );
    let (listed, told) = folder.list();
    assert!(
        told.contains("a.toml and ") && told.contains(both),
        "{told}"
    );
    assert!(!has(&listed, "Mycoin", "testnet") && has(&listed, "Bitcoin", "regtest"));
}

#[test]
fn one_broken_file_takes_no_other_coin_down() {
    let broken = mycoin().replace("rpc_port = 15888", "rpc_port = 70000");
    let vertcoin = broken.replace("\"Mycoin\"", "\"Vertcoin\"");
    let good = mycoin().replace("\"testnet\"", "\"othernet\"");
    let folder = Folder::new(&[
        ("bad.toml", &broken),
        ("good.toml", &good),
        ("vtc.toml", &vertcoin),
    ]);
    let why = "expected a port from 1 to 65535, got 70000";
    for coin in ["Mycoin", "Vertcoin"] {
        folder.index(coin, "testnet", 64, &["toml: line ", why]);
    }
    folder.index(
        "Mycoin",
        "othernet",
        0,
        &["passed over", "bad.toml: line ", why],
    );
    folder.index("Bitcoin", "regtest", 0, &["passed over", "vtc.toml: line "]);
    let (listed, told) = folder.list();
    assert_eq!(told.lines().count(), 2, "{told}");
    // What the operator meant to replace is not listed as if it were in force.
    assert!(!has(&listed, "Mycoin", "testnet") && !has(&listed, "Vertcoin", "testnet"));
    assert!(has(&listed, "Mycoin", "othernet") && has(&listed, "Vertcoin", "mainnet"));
    let block = [
        "coin",
        "check",
        "Bitcoin",
        "regtest",
        "/nowhere",
        "--coins-dir",
        folder.path(),
    ];
    check(
        &block,
        64,
        &["bad.toml: line ", "passed over", "/nowhere: No such file"],
    );
}

#[test]
fn a_file_that_may_be_any_coin_is_an_error_for_all_that_are_not_the_operators() {
    let folder = Folder::new(&[("scrap.toml", "= no toml\n"), ("own.toml", &mycoin())]);
    folder.index(
        "Mycoin",
        "testnet",
        0,
        &["passed over", "scrap.toml: line 1: "],
    );
    folder.index(
        "Bitcoin",
        "regtest",
        64,
        &[
            "scrap.toml: line 1: ",
            "it may be that of Bitcoin regtest: mend it, or take it out",
        ],
    );
}

#[test]
fn lists_what_a_coin_is() {
    let noted = mycoin().replace("schema = 1", "schema = 1\nnote = \"up to height 7\"");
    let folder = Folder::new(&[("mycoin.toml", &noted)]);
    let (listed, _told) = folder.list();
    let row = |coin: &str, net: &str| {
        let mut rows = listed.iter();
        rows.find(|row| row["coin"] == coin && row["net"] == net)
            .unwrap()
    };
    let path = folder.dir.path().join("mycoin.toml");
    let expected = json!({
        "coin": "Mycoin",
        "net": "testnet",
        "chain": "testnet",
        "note": "up to height 7",
        "genesis_hash": "cee8f24feb7a64c8f07916976aa4855decac79b6741a8ec2e32e2747497ad2c9",
        "rpc_port": 15888,
        "reorg_limit": 1000,
        "transactions": "segwit",
        "header_hash": "sha256d:80",
        "header": { "family": "fixed", "len": 80 },
        "addresses": { "p2pkh": ["4a"], "p2sh": ["c4"], "bech32": "tvtc" },
        "source": path.to_str(),
        "abi": null,
    });
    assert_eq!(*row("Mycoin", "testnet"), expected);
    let crown = &row("Crown", "mainnet")["addresses"];
    let expected = json!({ "p2pkh": ["017507", "00"], "p2sh": ["0174f1", "1c"], "bech32": null });
    assert_eq!(*crown, expected);
    assert_eq!(
        row("Namecoin", "mainnet")["header"],
        json!({ "family": "auxpow" })
    );

    let shown = check(&["coins", "--coins-dir", folder.path()], 0, &[]);
    let mut lines = shown
        .lines()
        .skip_while(|line| !line.starts_with("Mycoin "));
    assert!(lines.next().unwrap().ends_with("mycoin.toml"), "{shown}");
    assert_eq!(lines.next(), Some("    note: up to height 7"), "{shown}");
}
