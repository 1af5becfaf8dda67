//! Coins from plugins, as an operator meets them.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// A folder of plugins, and a data folder that does not exist yet.
struct Operator {
    folder: TempDir,
}

impl Operator {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        Self { folder }
    }

    fn plugin(&self) -> PathBuf {
        self.folder.path().join("plugins/libelectrode_dogecoin.so")
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Asks for what the index of Dogecoin's regtest holds.
    fn info(&self, pins: &str) -> Output {
        let config = self.folder.path().join("electrode.toml");
        let text = format!(
            "coin = \"Dogecoin\"\nnet = \"regtest\"\ndata_dir = {:?}\n\
             daemon.urls = [\"http://127.0.0.1:1\"]\n\
             [plugins]\ndir = {:?}\n{pins}",
            self.data_dir(),
            self.plugin().parent().unwrap(),
        );
        fs::write(&config, text).unwrap();
        run(&["index", "info", "--config", config.to_str().unwrap()])
    }
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_electrode"))
        .args(args)
        .env_clear()
        .output()
        .unwrap()
}

/// Finds the plugin that is built beside this test.
fn dogecoin() -> PathBuf {
    let folder = env::current_exe().unwrap().parent().unwrap().to_owned();
    folder.join("libelectrode_dogecoin.so")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_plugin_comes_before_all_coins_of_its_name() {
    let operator = Operator::new();
    fs::copy(dogecoin(), operator.plugin()).unwrap();
    let output = operator.info("");
    assert!(output.status.success(), "{}", stderr(&output));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Dogecoin regtest"), "{said}");
    assert!(
        stderr(&output).contains("loaded a coin plugin"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_unusable_plugin_ends_the_program_before_anything_is_written() {
    let operator = Operator::new();
    fs::write(operator.plugin(), "a text file").unwrap();
    let output = operator.info("");
    assert_eq!(output.status.code(), Some(69), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("cannot be loaded"),
        "{}",
        stderr(&output)
    );
    assert!(!operator.data_dir().exists());

    fs::copy(dogecoin(), operator.plugin()).unwrap();
    let pins = format!(
        "sha256 = {{ \"libelectrode_dogecoin.so\" = \"{}\" }}",
        "00".repeat(32)
    );
    let output = operator.info(&pins);
    assert_eq!(output.status.code(), Some(69), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("[plugins.sha256] expects 0000"),
        "{}",
        stderr(&output)
    );
    assert!(!operator.data_dir().exists());
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
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("merge_mined.json: ok\n"));
    let output = check("moonnet");
    assert_eq!(output.status.code(), Some(69));
    assert!(stderr(&output).contains("expected mainnet, testnet or regtest"));
}
