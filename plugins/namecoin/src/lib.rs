//! Namecoin: headers with merged mining, and outputs that register names, which wallets look up
//! by the script hash of the name.

mod names;

use electrode_plugin::{Coin, CoinFactory, Descriptor, FamilyCoin, Unspendable, export_coin};

pub use names::name_script;

/// What is indexed has changed: an index without names lacks their histories, so that it must not
/// be gone on with.
const INDEX_REVISION: u32 = 2;

/// Namecoin on one of its nets.
#[derive(Debug)]
pub struct Namecoin(FamilyCoin);

impl CoinFactory for Namecoin {
    fn create(net: &str, _options: &str) -> Result<Self, String> {
        let text = match net {
            "mainnet" => include_str!("../../../configs/coins/namecoin-mainnet.toml"),
            "testnet" => include_str!("../../../configs/coins/namecoin-testnet.toml"),
            "regtest" => include_str!("../../../configs/coins/namecoin-regtest.toml"),
            _ => return Err(format!("expected mainnet, testnet or regtest, got {net:?}")),
        };
        let shipped = Descriptor::from_toml(text).map_err(|error| error.to_string())?;
        Ok(Self(FamilyCoin::new(Descriptor {
            unspendable: Unspendable::Custom,
            index_revision: INDEX_REVISION,
            ..shipped
        })))
    }
}

impl Coin for Namecoin {
    fn descriptor(&self) -> &Descriptor {
        self.0.descriptor()
    }

    /// Files an output under the script behind its name operation, whose owner can spend it, and
    /// gets the transaction into the history of the name.
    fn index_scripts(&self, script: &[u8], out: &mut dyn FnMut(&[u8])) {
        if Unspendable::OpReturn.matches(script) {
            return;
        }
        let (name, owner) = names::split(script);
        out(owner);
        if let Some(name) = name {
            out(&name_script(name));
        }
    }

    fn script_to_address(&self, script: &[u8]) -> Option<String> {
        let (_name, owner) = names::split(script);
        self.0.script_to_address(owner)
    }
}

export_coin!(Namecoin);
