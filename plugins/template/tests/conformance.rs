//! What every coin must do, tried on this one. Add blocks of your chain: `block` is what the node
//! answers to `getblock HASH false`, the other keys are from `getblock HASH`.

use electrode_plugin::{CoinFactory as _, conformance};
use electrode_template::Template;

#[test]
fn reads_its_blocks() {
    let coin = Template::create("regtest", "").unwrap();
    conformance::run(&coin, &[include_str!("block.json")]).unwrap();
}
