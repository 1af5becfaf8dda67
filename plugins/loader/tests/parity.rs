//! A coin through the border answers as it does without: every method, on every input.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test support"
)]

use std::{env, fmt::Debug, ops::ControlFlow, path::PathBuf};

use electrode_coin::{Coin, Descriptor, FamilyCoin, Height, TxView, Unspendable};
use electrode_coins::KnownCoins;
use electrode_loader::{ForeignCoin, PluginFile, Wanted, load};
use electrode_namecoin::Namecoin;
use electrode_plugin::{CoinFactory as _, conformance};

const SEGWIT: &str = include_str!("../../template/tests/block.json");
const MERGE_MINED: &str = include_str!("../../dogecoin/tests/merge_mined.json");
const NAMES: &str = include_str!("../../namecoin/tests/names.json");

fn plugin(name: &str, coin: &str, net: &str) -> ForeignCoin {
    let folder = env::current_exe().unwrap().parent().unwrap().to_owned();
    let path: PathBuf = folder.join(format!("libelectrode_{name}.so"));
    load(&PluginFile { path, sha256: None }, Wanted::new(coin, net)).unwrap()
}

/// Gives the coin that comes with Electrode.
fn shipped(coin: &str, net: &str) -> FamilyCoin {
    let known = KnownCoins::gather(None).unwrap();
    known.find(coin, net).unwrap().coin.clone()
}

fn bytes(fixture: &str) -> Vec<u8> {
    let (_, hex) = fixture.split_once("\"block\": \"").unwrap();
    let (hex, _) = hex.split_once('"').unwrap();
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// Everything that a coin says to some bytes, as text.
fn answers(coin: &dyn Coin, bytes: &[u8]) -> Vec<String> {
    fn text<T: Debug, E: ToString>(answer: Result<T, E>) -> String {
        answer.map_or_else(|error| error.to_string(), |answer| format!("{answer:?}"))
    }
    let height = Height(5);
    let mut said = Vec::new();
    let mut txs = Vec::new();
    let mut scripts = Vec::new();
    let mut sink = |tx: &TxView<'_>| {
        txs.push(format!("{tx:?}"));
        scripts.extend(tx.outputs.iter().map(|output| output.script.to_vec()));
        ControlFlow::Continue(())
    };
    said.push(text(coin.parse_block(height, bytes, &mut sink)));
    said.push(text(coin.parse_tx(bytes, &mut sink)));
    for script in &scripts {
        coin.index_scripts(script, &mut |filed| txs.push(format!("{filed:02x?}")));
        let address = coin.script_to_address(script);
        said.push(text(
            coin.address_to_script(address.as_deref().unwrap_or("none")),
        ));
        said.push(format!("{address:?}"));
    }
    said.push(text(coin.header_len(height, bytes)));
    said.push(text(coin.header_hash(height, bytes)));
    said.push(text(coin.header_prev(bytes)));
    said.push(format!("{:?}", coin.client_header(height, bytes)));
    said.extend(txs);
    said
}

fn compare(plain: &dyn Coin, foreign: &ForeignCoin, fixture: &str) {
    assert_eq!(plain.descriptor(), foreign.descriptor());
    conformance::run(foreign, &[fixture]).unwrap();
    let block = bytes(fixture);
    for len in 0..=block.len() {
        let cut = &block[..len];
        assert_eq!(answers(plain, cut), answers(foreign, cut), "{len}");
    }
    // Each transaction as it travels alone.
    let mut alone = Vec::new();
    let mut sink = |tx: &TxView<'_>| {
        alone.push(block[tx.offset..tx.offset + tx.len].to_vec());
        ControlFlow::Continue(())
    };
    plain.parse_block(Height(5), &block, &mut sink).unwrap();
    for tx in alone {
        // It is no block, which the border is stricter about: skip that answer.
        assert_eq!(answers(plain, &tx)[1..], answers(foreign, &tx)[1..]);
    }
}

#[test]
fn bitcoin_is_the_same_through_the_border() {
    for net in ["mainnet", "testnet", "testnet4", "signet", "regtest"] {
        let known = KnownCoins::built_in();
        let plain: &FamilyCoin = &known.find("Bitcoin", net).unwrap().coin;
        compare(plain, &plugin("reexport", "bitcoin", net), SEGWIT);
    }
}

#[test]
fn dogecoin_is_the_same_through_the_border() {
    // As data: a second plugin in this program would be a second symbol of the same name.
    for net in ["mainnet", "testnet", "regtest"] {
        let plain = shipped("Dogecoin", net);
        compare(&plain, &plugin("dogecoin", "Dogecoin", net), MERGE_MINED);
    }
}

#[test]
fn namecoin_is_the_same_through_the_border() {
    let plain = Namecoin::create("mainnet", "").unwrap();
    compare(&plain, &plugin("namecoin", "Namecoin", "mainnet"), NAMES);
}

/// A descriptor that comes with Electrode and the plugin of the same net differ in what the
/// plugin's code gives, and in nothing else.
#[test]
fn plugins_differ_from_shipped_descriptors_in_their_code_alone() {
    for net in ["mainnet", "testnet", "regtest"] {
        let shipped = shipped("Namecoin", net);
        let with_names = Descriptor {
            unspendable: Unspendable::Custom,
            index_revision: shipped.descriptor().index_revision + 1,
            ..shipped.descriptor().clone()
        };
        let plugin = plugin("namecoin", "Namecoin", net);
        assert_eq!(*plugin.descriptor(), with_names, "{net}");
    }
}

/// Plugins say of themselves what their crates do.
#[test]
fn tells_what_a_plugin_is() {
    let info = plugin("dogecoin", "Dogecoin", "mainnet").info().clone();
    assert_eq!(info.name, "electrode-dogecoin");
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert!(info.built_with.contains("rustc"), "{}", info.built_with);
}
