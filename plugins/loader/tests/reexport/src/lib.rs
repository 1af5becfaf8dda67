//! Bitcoin as it is compiled into the server, through the border: for tests of parity, and of what
//! becomes of a plugin that panics.

use electrode_coins::KnownCoins;
use electrode_plugin::{
    Coin, CoinError, CoinFactory, Descriptor, FamilyCoin, Height, TxSink, export_coin,
};

/// Option that names the height of the block over which the coin panics: `panic_at = 7`.
const PANIC_AT: &str = "panic_at = ";

/// Bitcoin, on any of its nets.
#[derive(Debug)]
pub struct Reexport {
    coin: FamilyCoin,
    panic_at: Option<Height>,
}

impl CoinFactory for Reexport {
    fn create(net: &str, options: &str) -> Result<Self, String> {
        let known = KnownCoins::built_in();
        let found = known
            .find("Bitcoin", net)
            .map_err(|error| error.to_string())?;
        let panic_at = options.strip_prefix(PANIC_AT).map(str::parse).transpose();
        Ok(Self {
            coin: found.coin.clone(),
            panic_at: panic_at
                .map_err(|error| format!("{options}: {error}"))?
                .map(Height),
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
        self.coin.parse_block(height, block, sink)
    }
}

export_coin!(Reexport);
