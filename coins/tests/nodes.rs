//! Constants and rules that are the nodes' where other servers have others: what is found wrong
//! once is not to come back.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{fs, ops::ControlFlow, path::Path};

use bitcoin::{Transaction, consensus::deserialize, hex::FromHex as _};
use electrode_coin::{
    Addresses, Coin as _, Descriptor, FamilyCoin, HeaderFamily, Height, Parsed, TxView,
};
use electrode_coins::KnownCoins;

/// A transaction with a witness: BIP143's example of P2WPKH, signed.
const WITH_WITNESS: &str = "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000";

fn coin(coin: &str, net: &str) -> FamilyCoin {
    let known = KnownCoins::gather(None).unwrap();
    known.find(coin, net).unwrap().coin.clone()
}

fn descriptor(coin_name: &str, net: &str) -> Descriptor {
    coin(coin_name, net).descriptor().clone()
}

#[test]
fn genesis_blocks_are_those_of_the_chains_of_today() {
    for (coin, net, hash) in [
        (
            "Viacoin",
            "testnet",
            "770aa712aa08fdcbdecc1c8df1b3e2d4e17a7cf6e63a28b785b32e74c96cb27d",
        ),
        (
            "Viacoin",
            "testnet-segwit",
            "770aa712aa08fdcbdecc1c8df1b3e2d4e17a7cf6e63a28b785b32e74c96cb27d",
        ),
        (
            "Bitcoinzero",
            "mainnet",
            "000004d916d2e66f820fc0ba0b2554b6491a9c5bfc026ea515df5df2ceafcd53",
        ),
        (
            "CanadaeCoin",
            "mainnet",
            "ceac4f4dc5aa01eb7fe5b36410cd7a1cb0f89856c76401a69d1b30fb8bc0e3bf",
        ),
        (
            "GravityCoin",
            "mainnet",
            "322bad477efb4b33fa4b1f0b2861eaf543c61068da9898a95062fdb02ada486f",
        ),
    ] {
        let got = descriptor(coin, net).genesis_hash.to_string();
        assert_eq!(got, hash, "{coin} {net}");
    }
}

/// Chains that can be read in part only, and those that share their name with another.
#[test]
fn says_what_cannot_be_read() {
    for coin in ["Bitcoinzero", "Crown", "donu", "Machinecoin", "Sumcoin"] {
        let note = descriptor(coin, "mainnet").note;
        assert!(note.is_some(), "{coin}");
    }
    assert_eq!(descriptor("Bitcoin", "mainnet").note, None);
}

#[test]
fn versions_and_prefixes_are_the_nodes() {
    for (coin, net, p2pkh, p2sh, bech32) in [
        ("aryacoin", "mainnet", "17", "32 05", "aya"),
        ("Auroracoin", "mainnet", "17", "05", "aur"),
        ("bata", "mainnet", "19", "55", "bata"),
        ("Beyondcoin", "mainnet", "19", "1a 05", "bynd"),
        ("BitcoinCash", "nolnet", "19", "44", ""),
        ("CanadaeCoin", "mainnet", "1c", "05", "cdn"),
        ("Chips", "mainnet", "3c", "55", "bc"),
        ("Crown", "mainnet", "017507 00", "0174f1 1c", ""),
        ("Defcoin", "mainnet", "1e", "32 05", ""),
        ("donu", "mainnet", "35", "05", "dn"),
        ("Einsteinium", "mainnet", "21", "37 05", "emc2"),
        ("ElectraProtocol", "mainnet", "37", "89", "ep"),
        ("Ferrite", "mainnet", "24", "23 05", "fec"),
        ("Ferrite", "testnet", "6f", "23 c4", "tfec"),
        ("GameCredits", "mainnet", "26", "3e 05", ""),
        ("Garlicoin", "mainnet", "26", "32", "grlc"),
        ("Lynx", "mainnet", "2d", "16", "lynx"),
        ("Machinecoin", "mainnet", "32", "14 05", "mc"),
        ("Myriadcoin", "testnet", "58", "bc", "tm"),
        ("NIX", "mainnet", "26", "35", "nix"),
        ("NIX", "testnet", "01", "03", "tnix"),
        ("Noir", "mainnet", "50", "35", ""),
        ("Quebecoin", "mainnet", "3a", "05", "qb"),
        ("Sumcoin", "mainnet", "3f", "c8 05", "sum"),
        ("UniformFiscalObject", "mainnet", "1b", "44 05", "uf"),
    ] {
        let versions = |list: &str| list.split(' ').map(|it| it.parse().unwrap()).collect();
        let expected = Addresses {
            p2pkh: versions(p2pkh),
            p2sh: versions(p2sh),
            bech32: (!bech32.is_empty()).then(|| bech32.into()),
        };
        assert_eq!(descriptor(coin, net).addresses, expected, "{coin} {net}");
    }
}

#[test]
fn ports_are_the_nodes() {
    for (coin, net, port) in [
        ("Adcoin", "mainnet", 21473),
        ("aryacoin", "mainnet", 9332),
        ("bata", "mainnet", 5493),
        ("BitcoinCash", "nolnet", 9332),
        ("BitcoinCash", "regtest", 18443),
        ("BitcoinSV", "scalingtest", 9332),
        ("Bitcoinzero", "mainnet", 29201),
        ("Bitcore", "mainnet", 9469),
        ("Defcoin", "mainnet", 1335),
        ("DigiByte", "mainnet", 14022),
        ("DigiByte", "testnet", 14023),
        ("digitalcoin", "mainnet", 7998),
        ("donu", "mainnet", 36380),
        ("Egulden", "mainnet", 21015),
        ("europecoin", "mainnet", 11989),
        ("ixcoin", "mainnet", 8338),
        ("Linx", "mainnet", 12924),
        ("LitecoinCash", "mainnet", 62457),
        ("Lynx", "mainnet", 8332),
        ("Monacoin", "regtest", 19443),
        ("Myriadcoin", "mainnet", 8332),
        ("Myriadcoin", "testnet", 18332),
        ("Namecoin", "testnet", 18336),
        ("Namecoin", "regtest", 18443),
        ("Newyorkcoin", "mainnet", 22555),
        ("Newyorkcoin", "testnet", 44555),
        ("Noir", "mainnet", 8256),
        ("Smileycoin", "mainnet", 14242),
    ] {
        assert_eq!(descriptor(coin, net).rpc_port, port, "{coin} {net}");
    }
}

/// A real merge-mined block stands for one of Unitus, which is merge-mined as Namecoin is; to
/// Defcoin, which is not, bit 8 of a version means nothing.
#[test]
fn merge_mined_are_the_chains_whose_nodes_know_of_it() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/blocks/namecoin_mainnet_19200.json");
    let fixture = fs::read_to_string(path).unwrap();
    let (_, hex) = fixture.split_once("\"block\": \"").unwrap();
    let (hex, _) = hex.split_once('"').unwrap();
    let block = Vec::from_hex(hex).unwrap();
    let header_len = |name| {
        coin(name, "mainnet")
            .header_len(Height(19200), &block)
            .unwrap()
    };
    assert!(header_len("Namecoin") > 80);
    assert_eq!(header_len("Unitus"), header_len("Namecoin"));
    assert_eq!(header_len("Defcoin"), 80);
    assert_eq!(
        descriptor("CanadaeCoin", "mainnet").header,
        HeaderFamily::AuxPow {}
    );
}

/// Whether a chain has witnesses is its nodes' affair, and changes: who reads them always reads
/// what has none too, as no transaction is without inputs. Before, one witness stopped the index
/// of Auroracoin, `CanadaeCoin`, Egulden and Noir.
#[test]
fn reads_witnesses_on_every_chain() {
    let raw = Vec::from_hex(WITH_WITNESS).unwrap();
    let expected: Transaction = deserialize(&raw).unwrap();
    let expected = expected.compute_txid().to_string();
    for known in KnownCoins::gather(None).unwrap().list() {
        let mut txid = String::new();
        let read = known.coin.parse_tx(&raw, &mut |tx: &TxView<'_>| {
            txid = tx.txid.to_string();
            ControlFlow::Continue(())
        });
        let name = &known.coin.descriptor().coin;
        assert_eq!(read, Ok(Parsed::Tx), "{name}");
        assert_eq!(txid, expected, "{name}");
    }
}
