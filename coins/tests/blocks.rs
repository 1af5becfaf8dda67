//! Blocks of real chains, one of each family and of nets that are rarely tried: the files in
//! `blocks/` are named `COIN_NET_HEIGHT`.

use std::{fs, path::Path};

use electrode_coins::KnownCoins;
use electrode_plugin::conformance;

#[test]
fn reads_blocks_of_real_chains() {
    let known = KnownCoins::gather(None).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/blocks");
    let mut blocks = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let [coin, net, _height] = name.split('_').collect::<Vec<_>>()[..] else {
            panic!("{name} is not COIN_NET_HEIGHT");
        };
        let coin = &known.find(coin, net).unwrap().coin;
        let fixture = fs::read_to_string(&path).unwrap();
        conformance::run(coin, &[&fixture]).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        blocks += 1;
    }
    assert_eq!(blocks, 10);
}
