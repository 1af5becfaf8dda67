//! Coins from plugins, as an operator meets them.

#![expect(clippy::unwrap_used, reason = "test support")]

mod ladder;
mod operator;
#[path = "../support/program.rs"]
mod program;

use std::{fs, path::Path};

use serde_json::Value;

use operator::{Operator, compile_toy, dogecoin};
use program::{run, stderr, stdout};

const INFO: &[&str] = &["index", "info"];

#[test]
fn a_plugin_comes_before_all_coins_of_its_name() {
    let operator = Operator::new();
    fs::copy(dogecoin(), operator.dogecoin()).unwrap();
    let output = operator.run(INFO, "Dogecoin", "");
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stdout(&output);
    assert!(said.contains("Dogecoin regtest"), "{said}");
    assert!(
        stderr(&output).contains("loaded a coin plugin"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn checks_blocks_by_the_rules_of_a_plugin() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let block = here.join("../../plugins/dogecoin/tests/merge_mined.json");
    let check = |net| {
        let plugin = dogecoin();
        let (plugin, block) = (plugin.to_str().unwrap(), block.to_str().unwrap());
        run(&["coin", "check", "Dogecoin", net, "--plugin", plugin, block])
    };
    let output = check("mainnet");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).ends_with("merge_mined.json: ok\n"));
    let output = check("moonnet");
    assert_eq!(output.status.code(), Some(69));
    assert!(stderr(&output).contains("expected mainnet, testnet or regtest"));
}

/// A plugin of the folder comes before the descriptor of its name, as in a server.
#[test]
fn checks_blocks_by_a_plugin_of_the_folder() {
    let operator = Operator::new();
    fs::copy(dogecoin(), operator.dogecoin()).unwrap();
    let folder = operator.plugins();
    let block = Path::new(env!("CARGO_MANIFEST_DIR"));
    let block = block.join("../../plugins/dogecoin/tests/merge_mined.json");
    let check = |net| {
        let folder = ["--plugins-dir", folder.to_str().unwrap()];
        let check = ["coin", "check", "Dogecoin", net, block.to_str().unwrap()];
        run(&[&check[..], &folder].concat())
    };
    let output = check("regtest");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).ends_with("merge_mined.json: ok\n"));
    let output = check("moonnet");
    assert_eq!(output.status.code(), Some(69));
    assert!(stderr(&output).contains("expected mainnet, testnet or regtest"));
}

#[test]
fn lists_plugins_with_what_they_make_and_tells_of_those_that_cannot_be_used() {
    let operator = Operator::new();
    fs::copy(dogecoin(), operator.dogecoin()).unwrap();
    compile_toy(&operator.plugins().join("toy.so"), &[]);
    compile_toy(&operator.plugins().join("old.so"), &["MAJOR=2"]);
    for twin in ["twin.so", "libtwin.so", "README"] {
        fs::write(operator.plugins().join(twin), "no plugin").unwrap();
    }
    let folder = operator.plugins();
    let args = ["coins", "--plugins-dir", folder.to_str().unwrap()];

    let output = run(&[&args[..], &["--json"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let listed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let of = |coin: &str| -> Vec<_> {
        let rows = listed.iter().filter(|row| row["coin"] == coin);
        rows.map(|row| (row["net"].as_str().unwrap(), &row["abi"], &row["source"]))
            .collect()
    };
    let (abi, source) = (
        Value::from("1.0"),
        Value::from(operator.dogecoin().to_str()),
    );
    // The plugin comes before the descriptors of the same nets, and has one net more.
    let nets = ["mainnet", "regtest", "testnet"];
    assert_eq!(of("Dogecoin"), nets.map(|net| (net, &abi, &source)));
    assert_eq!(of("Toy").len(), 1);
    assert!(
        of("Bitcoin")
            .iter()
            .any(|row| *row == ("regtest", &Value::Null, &Value::from("built in")))
    );
    let told = stderr(&output);
    assert!(
        told.contains("old.so: it speaks version 2.0")
            && told.contains("is for the same coin")
            && told.lines().count() == 2,
        "{told}"
    );

    let shown = stdout(&run(&args));
    let toy = shown.lines().find(|line| line.starts_with("Toy ")).unwrap();
    let columns: Vec<_> = toy.split_whitespace().collect();
    let file = folder.join("toy.so");
    assert_eq!(columns, ["Toy", "regtest", "1.0", file.to_str().unwrap()]);
}
