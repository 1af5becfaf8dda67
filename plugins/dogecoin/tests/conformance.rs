//! What every coin must do, tried on Dogecoin.

use electrode_dogecoin::Dogecoin;
use electrode_plugin::{CoinFactory as _, conformance};

/// Made for this test: a merge-mined block with a spend in it, which no chain has.
const MERGE_MINED: &str = include_str!("merge_mined.json");

#[test]
fn reads_its_blocks() {
    for net in ["mainnet", "testnet", "regtest"] {
        let coin = Dogecoin::create(net, "").unwrap();
        conformance::run(&coin, &[MERGE_MINED]).unwrap();
    }
}

#[test]
fn says_which_nets_there_are() {
    let refusal = Dogecoin::create("moonnet", "").unwrap_err();
    assert_eq!(
        refusal,
        "expected mainnet, testnet or regtest, got \"moonnet\""
    );
}
