//! A newcomer who follows `plugins/README.md` word for word gets a coin served: what that file says
//! to write and to run is taken from it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use bitcoin::{base58, hex::FromHex as _};
use electrode_tests::{
    Bitcoind, Branch, Electrode, Lock, Oracle, PluginFolder, Settings, electrode_program,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The README's version byte of addresses.
const P2PKH: u8 = 0x32;

/// A public key hash: that of BIP173's examples.
const KEY_HASH: &str = "751e76e8199196d454941c45d1b3a323f1433bd6";

/// What the README leaves to the reader.
const BLANK: &str = "\"…\"";

/// The README's node.
const NODE: &str = "http://user:password@127.0.0.1:12345";

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Gives what stands in fences of this language under a heading of the README, fence by fence.
fn fenced(heading: &str, language: &str) -> Vec<String> {
    let readme = fs::read_to_string(checkout().join("plugins/README.md")).unwrap();
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with(heading));
    let fences = section.unwrap().split("```").skip(1).step_by(2);
    let of_language = fences.filter_map(|fence| fence.strip_prefix(language)?.strip_prefix('\n'));
    of_language.map(unindented).collect()
}

fn unindented(text: &str) -> String {
    let lines = text.lines();
    lines
        .map(|line| format!("{}\n", line.trim_start()))
        .collect()
}

/// Runs commands as they are typed into a shell, with the server on the path.
fn run(folder: &Path, commands: &str) {
    let program = electrode_program();
    let programs = program.parent().unwrap().display();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", commands])
        .current_dir(folder)
        .env("PATH", format!("{programs}:{}", env::var("PATH").unwrap()))
        // As on a newcomer's machine, whatever this one is set up to do, but without a network.
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{commands}\n{said}\n{complained}");
}

/// Checks that a configuration of the README has no setting that is none.
fn check_config(folder: &Path, text: &str) {
    let file = folder.join("electrode.toml");
    fs::write(
        &file,
        text.replace(BLANK, &format!("\"{}\"", "0".repeat(64))),
    )
    .unwrap();
    run(folder, "electrode config check --config electrode.toml");
}

/// Gives a block as the README tells: what the node prints, and the block itself.
fn block_of(node: &Bitcoind, height: u32) -> Value {
    let hash = node.rpc("getblockhash", &json!([height]));
    let mut block = node.rpc("getblock", &json!([hash]));
    block["block"] = node.rpc("getblock", &json!([hash, false]));
    block
}

/// A node with a payment in a block and one in its mempool.
fn node() -> Bitcoind {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    chain.mine(&node, [&coins[0].forward(Lock::Segwit(1), 1000)]);
    node.send(&coins[1].forward(Lock::Bare(2), 1000));
    node
}

/// Serves the coin, and checks every answer about every script as a wallet would see it.
fn serve(node: &Bitcoind, settings: &Settings) -> Electrode {
    let mut server = Electrode::configured(settings);
    server.start();
    server.wait_ready();
    let status = server.status().unwrap();
    assert_eq!(
        (&status["coin"], &status["net"]),
        (&json!("Mycoin"), &json!(settings.net))
    );
    Oracle::wait_agree(node, &mut server);
    server
}

#[test]
fn serves_a_coin_of_a_descriptor() {
    let node = node();
    let folder = TempDir::new().unwrap();
    let [descriptor, config] = fenced("Door 2", "toml").try_into().unwrap();
    let genesis = node.rpc("getblockhash", &json!([0]));
    let header = node.rpc("getblockheader", &json!([genesis, false]));
    let hash = Vec::from_hex(KEY_HASH).unwrap();
    let address = base58::encode_check(&[&[P2PKH][..], &hash].concat());
    let script = format!("76a914{KEY_HASH}88ac");
    let note = "schema = 1\nnote = \"a regtest chain in truth\"";
    let mut descriptor = descriptor.replacen("schema = 1", note, 1);
    for value in [&genesis, &header, &genesis, &json!(address), &json!(script)] {
        descriptor = descriptor.replacen(BLANK, &value.to_string(), 1);
    }
    assert!(!descriptor.contains('…'), "{descriptor}");

    let coins = folder.path().join("coins");
    fs::create_dir(&coins).unwrap();
    fs::write(coins.join("mycoin-mainnet.toml"), descriptor).unwrap();
    let block = block_of(&node, 102).to_string();
    fs::write(folder.path().join("block.json"), block).unwrap();
    let all = fenced("Door 2", "sh");
    assert!(
        all.iter().any(|commands| commands.contains(NODE)),
        "{all:?}"
    );
    for commands in all {
        let commands = commands.replace(NODE, &node.url_with_password());
        run(folder.path(), &commands);
    }
    check_config(folder.path(), &config);
    let settings = Settings {
        coin: "Mycoin",
        net: "mainnet",
        ..Settings::of(&node)
    };
    let server = serve(&node, &settings.set("coins_dir", format_args!("{coins:?}")));
    let logged = server.logged();
    assert!(logged.contains("a regtest chain in truth"), "{logged}");
}

/// A node is asked for what it has, and only if it is on the coin's chain.
#[test]
fn checks_blocks_of_a_node_by_height() {
    let node = node();
    let check = |net: &str, heights: &[&str]| {
        let url = node.url_with_password();
        let output = Command::new(electrode_program())
            .args(["coin", "check", "Bitcoin", net, "--daemon-url", &url])
            .args(heights)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = check("regtest", &["0", "102"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "height 0: ok\nheight 102: ok\n")
    );
    let (code, said) = check("regtest", &["0", "100000"]);
    assert_eq!(code, Some(64), "{said}");
    let expected = "height 0: ok\nheight 100000: the node has no such block yet\n";
    assert!(said.starts_with(expected), "{said}");
    let (code, said) = check("mainnet", &["0"]);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("genesis mismatch"), "{said}");
}

#[test]
fn serves_a_coin_of_a_plugin() {
    let node = node();
    let folder = TempDir::new().unwrap();
    copy_checkout(folder.path());
    let commands = fenced("Door 3", "sh");
    assert_eq!(commands.len(), 3, "{commands:?}");
    for commands in commands {
        run(folder.path(), &commands);
    }
    let [config] = fenced("Door 3", "toml").try_into().unwrap();
    check_config(folder.path(), &config);

    let library = folder.path().join("target/release/libelectrode_mycoin.so");
    let plugins = PluginFolder::with_file(&library, "Mycoin");
    let settings = Settings {
        coin: "Mycoin",
        net: "regtest",
        ..Settings::of(&node)
    };
    serve(&node, &settings.plugins(&plugins));
}

/// Copies what is checked in, with a build folder that stays, so that only the first run compiles
/// what the coin depends on.
fn copy_checkout(to: &Path) {
    let from = checkout();
    let files = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(&from)
        .output()
        .unwrap();
    assert!(files.status.success(), "{files:?}");
    for file in String::from_utf8(files.stdout)
        .unwrap()
        .split_terminator('\0')
    {
        let copy = to.join(file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(from.join(file), copy).unwrap();
    }
    let program = electrode_program();
    let target = program.ancestors().nth(2).unwrap().join("newcomer");
    fs::create_dir_all(&target).unwrap();
    symlink(&target, to.join("target")).unwrap();
}
