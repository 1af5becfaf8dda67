//! The files that come with Electrode.

use std::path::PathBuf;

use electrode_coin::Coin as _;

use super::*;

#[test]
fn delivers_a_file_for_every_coin_and_net_compiled_in() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    for known in electrode_coins::KnownCoins::built_in().list() {
        if known.source != electrode_coins::Source::BuiltIn {
            continue;
        }
        let descriptor = known.coin.descriptor();
        let (coin, net) = (descriptor.coin.to_string(), descriptor.net.to_string());
        // The same chain under another name needs no file of its own.
        if net == "testnet-segwit" {
            continue;
        }
        let name = format!("{}-{net}", coin.to_ascii_lowercase());
        let Loaded { config, warnings } = Config::load(Sources {
            file: Some(folder.join(format!("{name}.toml"))),
            env: env(&[("HOME", "/home/op")]),
            overrides: Vec::new(),
        })
        .unwrap();
        assert_eq!(warnings, [""; 0], "{name}");
        assert_eq!((config.coin, config.net), (coin, net));
        assert_eq!(
            config.data_dir,
            PathBuf::from("/home/op/.electrode").join(name)
        );
        assert_eq!(config.serve.rpc.len(), 1);
    }
}

/// Reads an env file as systemd and docker do.
fn env_file(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

#[test]
fn takes_the_env_file_that_is_delivered() {
    let text = include_str!("../../../../../configs/electrode.env");
    let load = |text: &str| {
        Config::load(Sources {
            env: env_file(text),
            ..Sources::default()
        })
    };
    let Loaded { config, warnings } = load(text).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(
        (config.coin.as_str(), config.net.as_str()),
        ("Bitcoin", "mainnet")
    );
    // With every line that is commented out as well.
    let all = text.replace("\n#", "\n");
    let Loaded { config, warnings } = load(&all).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(
        config.serve.donation_address.as_deref(),
        Some("bc1qexample")
    );
}
