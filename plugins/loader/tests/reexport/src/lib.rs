//! Bitcoin as it is compiled into the server, through the border: for tests of parity, and of what
//! becomes of a plugin that panics or does not return.

mod unhashed;

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use electrode_coins::KnownCoins;
use electrode_plugin::{
    Coin, CoinError, CoinFactory, Descriptor, FamilyCoin, Height, MerkleTree, TxSink, export_coin,
};
use serde::Deserialize;

/// Time between two looks at the file that holds the plugin up.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Longest time that the plugin is held up, so that a test that fails ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bitcoin, on any of its nets.
#[derive(Debug)]
pub struct Reexport {
    coin: FamilyCoin,
    options: Options,
}

/// What tests ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Height of the block over which the coin panics.
    panic_at: Option<Height>,
    /// Height of the block that is not read while the file `hold_while` is there.
    hold_at: Option<Height>,
    hold_while: PathBuf,
    /// Whether blocks are walked without hashing anything.
    unhashed: bool,
}

impl CoinFactory for Reexport {
    fn create(net: &str, options: &str) -> Result<Self, String> {
        let known = KnownCoins::built_in();
        let found = known
            .find("Bitcoin", net)
            .map_err(|error| error.to_string())?;
        let options: Options =
            toml::from_str(options).map_err(|error| error.message().to_owned())?;
        let mut descriptor = found.coin.descriptor().clone();
        if options.unhashed {
            descriptor.merkle_tree = MerkleTree::Unknown;
        }
        let coin = FamilyCoin::new(descriptor);
        Ok(Self { coin, options })
    }
}

impl Coin for Reexport {
    fn descriptor(&self) -> &Descriptor {
        self.coin.descriptor()
    }

    fn parse_block(
        &self,
        height: Height,
        block: &[u8],
        sink: &mut dyn TxSink,
    ) -> Result<(), CoinError> {
        let options = &self.options;
        assert_ne!(Some(height), options.panic_at, "asked to panic");
        if Some(height) == options.hold_at {
            let started = Instant::now();
            while options.hold_while.exists() && started.elapsed() < PATIENCE {
                thread::park_timeout(LOOK_AGAIN);
            }
        }
        if options.unhashed {
            return unhashed::walk(block, sink);
        }
        self.coin.parse_block(height, block, sink)
    }
}

export_coin!(Reexport);
