//! The files that come with Electrode.

use std::path::PathBuf;

use electrode_coin::Coin as _;

use super::*;
use crate::config::key::KEYS;

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
        let text = fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
        let everything = load_at_home(&with_examples(&text));
        assert!(everything.tls.is_some(), "{name}");
        assert_eq!(everything.serve.services.len(), 3, "{name}");
        assert_eq!(everything.serve.proxy_protocol_from.len(), 1, "{name}");

        let config = load_at_home(&text);
        assert_eq!((config.coin, config.net), (coin, net));
        assert_eq!(
            config.data_dir,
            PathBuf::from("/home/op/.electrode").join(name)
        );
        assert_eq!(config.serve.rpc.len(), 1);
    }
}

/// Loads a file that needs nothing else but a home.
fn load_at_home(text: &str) -> Config {
    let file = file_of(text);
    let loaded = Config::load(Sources {
        file: Some(file.path().to_owned()),
        env: env(&[("HOME", "/home/op")]),
        overrides: Vec::new(),
    });
    let Loaded { config, warnings } = loaded.unwrap();
    assert_eq!(warnings, [""; 0], "{text}");
    config
}

/// Puts the settings that a file shows in comments into force, in place of those before.
fn with_examples(text: &str) -> String {
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        let example = line.strip_prefix("# ").unwrap_or(line);
        match example.split_once(" = ") {
            Some((name, _value)) if is_name(name) => {
                lines.retain(|line| {
                    line.split_once(" = ")
                        .is_none_or(|(known, _)| known != name)
                });
                lines.push(example);
            }
            _ if example.starts_with('[') => lines.push(example),
            _ => lines.push(line),
        }
    }
    lines.join("\n")
}

#[test]
fn names_every_variable_of_electrumx_that_it_honours() {
    let readme = include_str!("../../../../../configs/README.md");
    for variable in KEYS.iter().filter_map(|key| key.electrumx) {
        let name = format!("`{}`", variable.name);
        assert!(readme.contains(&name), "{name} is not in configs/README.md");
    }
}

#[test]
fn explains_every_limit() {
    let readme = include_str!("../../../../../README.md");
    let limits = KEYS.iter().filter(|key| key.section() == Some("limits"));
    for name in limits.map(|key| format!("`{}`", key.name())) {
        assert!(readme.contains(&name), "{name} is not in README.md");
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
    for (name, _text) in env_file(&all) {
        // What is left of a comment has spaces.
        let is_known = KEYS.iter().any(|key| {
            let electrumx = key.electrumx.map(|variable| variable.name);
            electrumx == Some(name.as_str()) || key.variable() == name
        });
        assert!(is_known || name.contains(' '), "{name} is no variable");
    }
    let Loaded { config, warnings } = load(&all).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(
        config.serve.donation_address.as_deref(),
        Some("bc1qexample")
    );
}
