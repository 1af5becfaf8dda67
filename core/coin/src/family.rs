//! A coin put together from families by its descriptor alone.

use crate::{
    Coin, CoinError, Descriptor, DescriptorError, HeaderFamily, HeaderHash, TransactionFamily,
    Unspendable,
};

/// A coin that is data only: its descriptor says which family reads its bytes.
#[derive(Clone, Debug)]
pub struct FamilyCoin {
    descriptor: Descriptor,
}

impl FamilyCoin {
    /// Makes the coin that `descriptor` describes.
    #[must_use]
    pub fn new(descriptor: Descriptor) -> Self {
        Self { descriptor }
    }

    /// Makes the coin that a TOML descriptor describes, and tries its examples.
    ///
    /// # Errors
    /// The text is no descriptor, leaves something to code, or an example fails.
    pub fn from_toml(text: &str) -> Result<Self, DescriptorError> {
        let coin = Self::new(Descriptor::from_toml(text)?);
        let descriptor = coin.descriptor();
        if let Some(key) = custom_key(descriptor) {
            return Err(CoinError::NoCode { key }.into());
        }
        descriptor.vectors.check(&coin)?;
        Ok(coin)
    }
}

impl AsRef<Descriptor> for FamilyCoin {
    fn as_ref(&self) -> &Descriptor {
        &self.descriptor
    }
}

impl Coin for FamilyCoin {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
}

/// Finds a key by which a descriptor leaves something to the code of a plugin.
fn custom_key(descriptor: &Descriptor) -> Option<&'static str> {
    let keys = [
        ("header", descriptor.header == HeaderFamily::Custom {}),
        ("header_hash", descriptor.header_hash == HeaderHash::Custom),
        (
            "transactions",
            descriptor.transactions == TransactionFamily::Custom,
        ),
        ("unspendable", descriptor.unspendable == Unspendable::Custom),
    ];
    let (key, _) = keys.into_iter().find(|(_, is_custom)| *is_custom)?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "schema = 1\ncoin = \"A\"\nnet = \"b\"\nchain = \"c\"\nrpc_port = 1\n\
        genesis_hash = \"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f\"\n\
        addresses = { p2pkh = [0x00], p2sh = [0x05] }\n";

    fn check(added: &str, expected: &str) {
        let message = FamilyCoin::from_toml(&format!("{PLAIN}{added}"))
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{added}: {message}");
    }

    #[test]
    fn refuses_what_only_code_does() {
        check(
            "header = { family = \"custom\" }",
            "`header = \"custom\"` needs a plugin",
        );
        check(
            "transactions = \"custom\"",
            "`transactions = \"custom\"` needs a plugin",
        );
    }

    #[test]
    fn tries_the_examples() {
        let header = format!(
            "[[vectors.headers]]\nheight = 7\nheader = \"{}\"\nhash = \"{}\"",
            "00".repeat(80),
            "11".repeat(32)
        );
        check(&header, "the header at height 7 should have hash 1111");
        let address = "[[vectors.addresses]]\naddress = \"1BitcoinEaterAddressDontSendf59kuE\"\n";
        check(
            &format!("{address}script = \"51\""),
            "should have script 51, but gets 76a9",
        );
        check(&format!("{address}script = \"5\""), "\"5\" is not hex");
    }
}
