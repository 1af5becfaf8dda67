//! Dogecoin: headers with merged mining, transactions without witnesses; all of it families.

use electrode_plugin::{Coin, CoinFactory, Descriptor, export_coin};

/// Dogecoin on one of its nets.
#[derive(Debug)]
pub struct Dogecoin(Descriptor);

impl CoinFactory for Dogecoin {
    fn create(net: &str, _options: &str) -> Result<Self, String> {
        let text = match net {
            "mainnet" => include_str!("../../../configs/coins/dogecoin-mainnet.toml"),
            "testnet" => include_str!("../../../configs/coins/dogecoin-testnet.toml"),
            "regtest" => include_str!("../../../configs/coins/dogecoin-regtest.toml"),
            _ => return Err(format!("expected mainnet, testnet or regtest, got {net:?}")),
        };
        Descriptor::from_toml(text)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

impl Coin for Dogecoin {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }
}

export_coin!(Dogecoin);
