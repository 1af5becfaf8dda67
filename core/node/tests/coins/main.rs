//! Coins from descriptors, as an operator meets them.

#![expect(clippy::unwrap_used, reason = "test support")]

mod check;
mod folder;
#[path = "../support/program.rs"]
mod program;

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use program::{run, stderr, stdout};

/// Gives a file of the checkout.
fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Writes a file into a folder and gives its path as an argument.
fn write(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Gives the descriptor of Vertcoin's test network under another name.
fn mycoin() -> String {
    let path = checkout("configs/coins/vertcoin-testnet.toml");
    let vertcoin = fs::read_to_string(path).unwrap();
    vertcoin.replace("\"Vertcoin\"", "\"Mycoin\"")
}

/// Runs the program; it ends with this code, and what it says has all of `expected` in it.
fn check(args: &[&str], code: i32, expected: &[&str]) -> String {
    let output = run(args);
    let said = format!("{}{}", stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    for part in expected {
        assert!(said.contains(part), "{args:?}: {part:?} in: {said}");
    }
    said
}

/// Which port is in force depends on the coin, wherever that is described.
#[test]
fn prints_the_port_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let file = |coin: &str, net: &str| {
        let data = folder.path().join("data");
        let text = format!(
            "coin = {coin:?}\nnet = {net:?}\ndata_dir = {data:?}\ncoins_dir = {:?}\n\
             daemon.urls = [\"http://me:secret@node\", \"http://other:9\"]\n",
            folder.path()
        );
        write(&folder, "electrode.conf", &text)
    };
    write(&folder, "mycoin.toml", &mycoin());
    for (coin, net, port) in [("Dogecoin", "mainnet", 22555), ("Mycoin", "testnet", 15888)] {
        let urls = format!("urls = [\"http://***@node:{port}/\", \"http://other:9/\"]");
        let config = file(coin, net);
        check(&["config", "print", "--config", &config], 0, &[&urls]);
    }
    // What is printed is not refused for a coin that is not known.
    let config = file("Nocoin", "mainnet");
    let urls = "urls = [\"http://***@node\", \"http://other:9\"]";
    check(&["config", "print", "--config", &config], 0, &[urls]);
}
