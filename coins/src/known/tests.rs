//! What is known, and what a folder of the operator does to it.

use std::fs;

use ::bitcoin::hex::FromHex as _;
use electrode_coin::{BlockHash, Coin as _, Descriptor, Height};

use super::*;

fn known() -> KnownCoins {
    KnownCoins::gather(None).unwrap()
}

#[test]
fn finds_coins_whatever_the_case() {
    for (coin, net, source) in [
        ("bitcoin", "RegTest", Source::BuiltIn),
        ("LITECOIN", "mainnet", Source::BuiltIn),
        (
            "Vertcoin",
            "mainnet",
            Source::Shipped("vertcoin-mainnet.toml"),
        ),
    ] {
        let known = known();
        let found = known.find(coin, net).unwrap();
        assert!(found.coin.descriptor().net.eq_ignore_ascii_case(net));
        assert_eq!(found.source, source);
    }
}

#[test]
fn lists_the_near_ones() {
    let coin = known().find("Bitcoln", "mainnet").unwrap_err().to_string();
    assert!(
        coin.starts_with("coin \"Bitcoln\" is not known: expected Bitcoin, Bitcore,"),
        "{coin}"
    );
    let strange = known().find("Dash", "mainnet").unwrap_err().to_string();
    assert_eq!(
        strange,
        "coin \"Dash\" is not known; \"electrode coins\" lists all"
    );
    let net = known().find("Bitcoin", "main").unwrap_err().to_string();
    assert!(
        net.starts_with("net \"main\" of coin \"Bitcoin\" is not known: expected mainnet,"),
        "{net}"
    );
}

#[test]
fn ships_every_file_of_the_folder() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/coins");
    let mut files: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort_unstable();
    let shipped: Vec<_> = shipped::FILES.iter().map(|(name, _)| *name).collect();
    assert_eq!(shipped, files);
    for (name, text) in shipped::FILES {
        assert!(text.starts_with("# Constants: "), "{name} says no source");
    }
}

#[test]
fn names_no_pair_twice_and_tries_an_example_of_each_file() {
    let known = known();
    assert_eq!(known.list().len(), known.coins.len());
    for it in &known.coins {
        let vectors = &it.coin.descriptor().vectors;
        vectors.check(&it.coin).unwrap();
        let is_shipped = it.source != Source::BuiltIn;
        assert!(
            !is_shipped || !vectors.addresses.is_empty(),
            "{}",
            it.source
        );
    }
}

/// No chain is an exception: each has its genesis header in its node's source, and a hash that
/// is worked out here.
#[test]
fn begins_every_chain_with_a_header_that_hashes_to_its_genesis_block() {
    for it in &known().coins {
        let Descriptor {
            coin,
            net,
            genesis_hash,
            vectors,
            ..
        } = it.coin.descriptor();
        let genesis = vectors.headers.iter().find(|it| it.height == Height(0));
        let genesis = genesis.unwrap_or_else(|| panic!("{coin} {net} has no genesis header"));
        let header = Vec::from_hex(&genesis.header).unwrap();
        let hash = it.coin.header_hash(Height(0), &header).unwrap();
        assert_eq!(hash, Some(*genesis_hash), "{coin} {net}");
        let prev = it.coin.header_prev(&header).unwrap();
        assert_eq!(prev, BlockHash::default(), "{coin} {net}");
    }
}

#[test]
fn survives_as_toml() {
    for it in known().list() {
        let descriptor = it.coin.descriptor();
        let text = descriptor.to_toml().unwrap();
        assert_eq!(Descriptor::from_toml(&text).unwrap(), *descriptor, "{text}");
    }
}

#[test]
fn prefers_the_operators_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.toml");
    let (_, text) = shipped::FILES[0];
    let text = text.replace("rpc_port = ", "rpc_port = 1 # ");
    fs::write(&path, text).unwrap();
    let known = KnownCoins::gather(Some(dir.path())).unwrap();
    let own = Source::File(path);
    let found = known.list().into_iter().find(|it| it.source == own);
    assert_eq!(found.unwrap().coin.descriptor().rpc_port, 1);
    assert_eq!(known.list().len(), known.coins.len() - 1);
}

/// A folder with Vertcoin under these names, one file for each, changed so.
fn folder(files: &[(&str, &dyn Fn(String) -> String)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let shipped = shipped::FILES.iter();
    let mut vertcoin = shipped.filter(|(name, _)| *name == "vertcoin-mainnet.toml");
    let (_, text) = vertcoin.next().unwrap();
    for (name, change) in files {
        fs::write(dir.path().join(name), change(text.to_string())).unwrap();
    }
    dir
}

fn same(text: String) -> String {
    text
}

#[test]
fn refuses_a_coin_that_two_files_describe_and_no_other() {
    let other_case = |text: String| text.replace("Vertcoin", "VERTCOIN");
    let dir = folder(&[("a.toml", &same), ("b.toml", &other_case)]);
    let known = KnownCoins::gather(Some(dir.path())).unwrap();
    let error = known.find("vertcoin", "mainnet").unwrap_err().to_string();
    let [a, b] = ["a.toml", "b.toml"].map(|name| dir.path().join(name).display().to_string());
    let expected = format!("{a} and {b} both describe Vertcoin mainnet: take one of them");
    assert!(error.starts_with(&expected), "{error}");
    let told: Vec<_> = known.faults().map(ToString::to_string).collect();
    assert_eq!(told, [error]);
    assert!(known.find("Vertcoin", "testnet").is_ok());
    let mut listed = known.list().into_iter();
    assert!(!listed.any(|it| it.is("Vertcoin", "mainnet")));
}

#[test]
fn passes_over_a_broken_file_where_another_coin_is_wanted() {
    let misspelt = |text: String| text.replace("rpc_port", "rpcport");
    let cut = |text: String| text.replace("rpc_port = ", "rpc_port = [");
    for change in [&misspelt as &dyn Fn(String) -> String, &cut] {
        let dir = folder(&[("broken.toml", change)]);
        let known = KnownCoins::gather(Some(dir.path())).unwrap();
        assert!(known.find("Bitcoin", "regtest").is_ok());
        assert!(known.find("Vertcoin", "testnet").is_ok());
        // What is shipped does not stand in for what the operator wrote.
        let error = known.find("Vertcoin", "mainnet").unwrap_err();
        assert!(matches!(error, FindCoinError::Fault(_)), "{error}");
        assert!(error.to_string().contains("broken.toml: line "), "{error}");
        assert_eq!(known.faults().count(), 1);
    }
}

#[test]
fn finds_nothing_that_a_file_without_names_may_be() {
    let dir = folder(&[("nameless.toml", &|_| "[".to_owned())]);
    let known = KnownCoins::gather(Some(dir.path())).unwrap();
    let error = known.find("Bitcoin", "regtest").unwrap_err().to_string();
    assert!(
        error.contains("nameless.toml: line 1: ")
            && error.contains("it may be that of Bitcoin regtest: mend it, or take it out"),
        "{error}"
    );
    // What the operator describes in another file is not in doubt.
    let dir = folder(&[("nameless.toml", &|_| String::new()), ("own.toml", &same)]);
    let known = KnownCoins::gather(Some(dir.path())).unwrap();
    assert!(known.find("Vertcoin", "mainnet").is_ok());
    assert!(known.find("Vertcoin", "testnet").is_err());
    // A coin is named, but no net.
    let no_net = |text: String| text.replace("net = ", "nett = ");
    let dir = folder(&[("no-net.toml", &no_net)]);
    let known = KnownCoins::gather(Some(dir.path())).unwrap();
    assert!(known.find("Vertcoin", "testnet").is_err());
    assert!(known.find("Bitcoin", "regtest").is_ok());
}

#[test]
fn reads_no_file_without_end() {
    let dir = folder(&[("long.toml", &|text| text + &"#".repeat(1 << 20))]);
    let known = KnownCoins::gather(Some(dir.path())).unwrap();
    let told = known.faults().next().unwrap().to_string();
    assert!(told.contains("expected at most 1048576 bytes"), "{told}");
}
