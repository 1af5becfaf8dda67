//! Bitcoin as it is compiled into the server, through the border: for tests of parity, and of what
//! becomes of a plugin that panics.

mod unhashed;

use electrode_coins::KnownCoins;
use electrode_plugin::{
    Coin, CoinError, CoinFactory, Descriptor, FamilyCoin, Height, MerkleTree, TxSink, export_coin,
};

/// Option that names the height of the block over which the coin panics: `panic_at = 7`.
const PANIC_AT: &str = "panic_at = ";

/// Option that walks records without hashing anything.
const UNHASHED: &str = "unhashed";

/// Bitcoin, on any of its nets.
#[derive(Debug)]
pub struct Reexport {
    coin: FamilyCoin,
    panic_at: Option<Height>,
    is_unhashed: bool,
}

impl CoinFactory for Reexport {
    fn create(net: &str, options: &str) -> Result<Self, String> {
        let known = KnownCoins::built_in();
        let found = known
            .find("Bitcoin", net)
            .map_err(|error| error.to_string())?;
        let panic_at = options.strip_prefix(PANIC_AT).map(str::parse).transpose();
        let mut descriptor = found.coin.descriptor().clone();
        let is_unhashed = options == UNHASHED;
        if is_unhashed {
            descriptor.merkle_tree = MerkleTree::Unknown;
        }
        Ok(Self {
            coin: FamilyCoin::new(descriptor),
            panic_at: panic_at
                .map_err(|error| format!("{options}: {error}"))?
                .map(Height),
            is_unhashed,
        })
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
        assert_ne!(Some(height), self.panic_at, "asked to panic");
        if self.is_unhashed {
            return unhashed::walk(block, sink);
        }
        self.coin.parse_block(height, block, sink)
    }
}

export_coin!(Reexport);
