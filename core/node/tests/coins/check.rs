//! `coin check`: what it takes, what it says, and how it ends.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{check, checkout, mycoin, write};

const VERTCOIN: [&str; 4] = ["coin", "check", "Vertcoin", "testnet"];

/// A block of Vertcoin's test network: what its node prints, and the raw block.
fn vertcoin() -> Value {
    let path = checkout("coins/tests/blocks/vertcoin_testnet_545000.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn json_file(folder: &TempDir, block: &Value) -> String {
    write(folder, "block.json", &format!("{block}\n"))
}

#[test]
fn takes_what_programs_print() {
    let folder = tempfile::tempdir().unwrap();
    let block = vertcoin();
    let raw = block["block"].as_str().unwrap();
    let mut in_envelope = block.clone();
    in_envelope["block"] = json!({ "result": format!("{raw}\n"), "error": null, "id": 1 });
    let mut verbose = block.clone();
    for tx in verbose["tx"].as_array_mut().unwrap() {
        *tx = json!({ "txid": tx, "version": 2 });
    }
    // As lines that were wrapped left them.
    let mut blanks = block.clone();
    for key in ["hash", "merkleroot", "previousblockhash", "block"] {
        let (start, end) = blanks[key].as_str().unwrap().split_at(31);
        blanks[key] = json!(format!("{} \n   {}", start, end));
    }
    let whole = json!({ "result": block, "error": null, "id": "curltest" });
    for sample in [block.clone(), in_envelope, verbose, blanks, whole] {
        let file = json_file(&folder, &sample);
        let said = check(&[&VERTCOIN[..], &[&file]].concat(), 0, &[]);
        assert_eq!(said, format!("{file}: ok\n"));
    }
    let hash = block["hash"].as_str().unwrap();
    let of = block["tx"].as_array().unwrap().len();
    for text in [format!("{raw}\n"), json!({ "result": raw }).to_string()] {
        let file = write(&folder, "block.hex", &text);
        let said = check(&[&VERTCOIN[..], &[&file]].concat(), 0, &[]);
        assert_eq!(
            said,
            format!("{file}: ok, {of} transactions, hash: {hash}\n")
        );
    }
}

#[test]
fn ends_with_1_where_a_block_differs_and_64_where_none_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let right = json_file(&folder, &vertcoin());
    let mut other = vertcoin();
    other["tx"][0] = json!("11".repeat(32));
    let wrong = write(&folder, "wrong.json", &other.to_string());
    let end = |files: &[&str], code, expected: &[&str]| {
        check(&[&VERTCOIN[..], files].concat(), code, expected);
    };
    end(
        &[&right, &wrong],
        1,
        &[
            "block.json: ok",
            "txid of transaction 0: the node says 1111",
            "1 of the blocks differ",
        ],
    );
    // A damaged block alone: its transactions are not those that its header stands for.
    let mut raw = vertcoin()["block"].as_str().unwrap().to_owned();
    let last = raw.len() - 1;
    raw.replace_range(last.., if raw.ends_with('0') { "1" } else { "0" });
    let damaged = write(&folder, "damaged.hex", &raw);
    end(&[&damaged], 1, &["merkleroot in the header"]);
    let absent = folder.path().join("absent.json");
    let absent = absent.to_str().unwrap();
    end(
        &[absent, &right],
        64,
        &[
            "absent.json: No such file",
            "block.json: ok",
            "1 of the blocks cannot be had",
        ],
    );
    end(&[&wrong, absent], 64, &["cannot be had"]);
    let empty = write(&folder, "empty.json", "{}");
    end(
        &[&empty],
        64,
        &["under the key `block`", "--daemon-url URL HEIGHT"],
    );
    let noise = write(&folder, "noise", "no block\n");
    end(&[&noise], 64, &["the raw block is not hex"]);
    end(&[], 64, &["<BLOCK>"]);
}

#[test]
fn finds_coins_where_the_server_does() {
    let folder = tempfile::tempdir().unwrap();
    let coins = folder.path().join("coins");
    fs::create_dir(&coins).unwrap();
    fs::write(coins.join("mycoin.toml"), mycoin()).unwrap();
    let coins = coins.to_str().unwrap();
    let block = json_file(&folder, &vertcoin());
    let config = write(
        &folder,
        "electrode.conf",
        &format!("coins_dir = {coins:?}\n"),
    );
    let mycoin = ["coin", "check", "Mycoin", "testnet", &block];
    check(&mycoin, 64, &["coin \"Mycoin\" is not known"]);
    check(
        &[&mycoin[..], &["--coins-dir", coins]].concat(),
        0,
        &["block.json: ok"],
    );
    check(
        &[&mycoin[..], &["--config", &config]].concat(),
        0,
        &["block.json: ok"],
    );
}

#[test]
fn says_where_it_does_not_know_the_hash() {
    let folder = tempfile::tempdir().unwrap();
    let text = mycoin().replace(
        "[[vectors.headers]]",
        "header_hash = \"daemon\"\n\n[[vectors.headers]]",
    );
    let descriptor = write(&folder, "mycoin.toml", &text);
    let mut block = vertcoin();
    block["hash"] = json!("11".repeat(32));
    let file = json_file(&folder, &block);
    let args = [
        "coin",
        "check",
        "Mycoin",
        "testnet",
        "--descriptor",
        &descriptor,
        &file,
    ];
    let said = check(&args, 0, &[]);
    assert_eq!(said, format!("{file}: ok, hash: the node's\n"));
}

/// Nothing says where in the chain a raw block stands, so that each length of header is tried.
#[test]
fn finds_the_header_of_a_raw_block_by_its_merkle_root() {
    let folder = tempfile::tempdir().unwrap();
    let path = checkout("coins/tests/blocks/hodlcoin_mainnet_38200.json");
    let block: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let steps = "header = { family = \"stepped\", steps = [{ from = 0, len = 80 }, \
                 { from = 9, len = 88 }] }\nheader_hash = \"daemon\"\n\n[[vectors.headers]]";
    let text = mycoin().replacen("[[vectors.headers]]", steps, 1);
    let descriptor = write(&folder, "mycoin.toml", &text);
    let file = write(&folder, "block.hex", block["block"].as_str().unwrap());
    let args = [
        "coin",
        "check",
        "Mycoin",
        "testnet",
        "--descriptor",
        &descriptor,
        &file,
    ];
    check(&args, 0, &["ok, ", "hash: the node's"]);
}

#[test]
fn asks_a_node_that_is_named() {
    let node = ["--daemon-url", "http://127.0.0.1:1"];
    let args = [&VERTCOIN[..], &node, &["0"]].concat();
    check(&args, 69, &["http://127.0.0.1:1/"]);
    let args = [&VERTCOIN[..], &node, &["block.json"]].concat();
    check(
        &args,
        64,
        &["expected heights of blocks", "got \"block.json\""],
    );
}
