//! What every coin must do, tried on Namecoin, and what its names are filed under.

use electrode_namecoin::{Namecoin, name_script};
use electrode_plugin::{Coin as _, CoinFactory as _, ScriptHash, conformance};

/// Made for this test: a merge-mined block that registers and updates a name, which no chain has.
const NAMES: &str = include_str!("names.json");

/// `OP_NAME_UPDATE "d/x" "v" OP_2DROP OP_DROP` before a script of the owner.
const UPDATE: &[u8] = b"\x53\x03d/x\x01v\x6d\x75";
const OWNER: &[u8] = b"\x76\xa9\x14\x33\xfe\x2e\xae\x26\x57\x0b\xc9\x61\x66\xd4\x94\x61\x2c\x99\
    \xcf\x07\xcc\x8e\xf1\x88\xac";

#[test]
fn reads_its_blocks() {
    for net in ["mainnet", "testnet", "regtest"] {
        let coin = Namecoin::create(net, "").unwrap();
        conformance::run(&coin, &[NAMES]).unwrap();
    }
}

#[test]
fn files_a_name_beside_its_owner() {
    let coin = Namecoin::create("mainnet", "").unwrap();
    let filed = |script: &[u8]| {
        let mut filed = Vec::new();
        coin.index_scripts(script, &mut |script| filed.push(script.to_vec()));
        filed
    };
    let update = [UPDATE, OWNER].concat();
    assert_eq!(filed(&update), [OWNER.to_vec(), name_script(b"d/x")]);
    assert_eq!(filed(OWNER), [OWNER.to_vec()]);
    assert!(filed(b"\x6a\x01x").is_empty());
    let address = coin.script_to_address(&update);
    assert_eq!(
        address.as_deref(),
        Some("N1KHAL5C1CRzy58NdJwp1tbLze3XrkFxx9")
    );
}

/// What Electrum-NMC asks a server for when it looks up `d/x`.
#[test]
fn names_have_the_script_hash_that_wallets_ask_for() {
    assert_eq!(name_script(b"d/x"), b"\x53\x03d/x\x00\x6d\x75\x6a");
    assert_eq!(
        ScriptHash::of(&name_script(b"d/x")).to_string(),
        "4479660d853c00394a3aca82f1c65652662d2d2e66eb0eea6baf4a4a343a6d8a"
    );
}
