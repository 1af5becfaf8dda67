//! Examples of a chain, which its coin must get right before it is used.

use std::borrow::Cow;

use bitcoin::hex::{DisplayHex as _, FromHex as _, HexToBytesError};
use serde::{Deserialize, Serialize};

use crate::{AddressError, BlockHash, Coin, CoinError, Height, descriptor::value};

/// The examples of a descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vectors {
    /// Headers and their hashes.
    #[serde(default)]
    pub headers: Vec<HeaderVector>,
    /// Addresses and their scripts.
    #[serde(default)]
    pub addresses: Vec<AddressVector>,
}

/// A header and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderVector {
    /// Where in the chain it stands.
    #[serde(deserialize_with = "value::height")]
    pub height: Height,
    /// The header in hex.
    pub header: Cow<'static, str>,
    /// Its hash.
    pub hash: BlockHash,
}

/// An address and its script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressVector {
    /// The address.
    pub address: Cow<'static, str>,
    /// Its output script in hex.
    pub script: Cow<'static, str>,
}

/// An example that a coin gets wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VectorError {
    /// A header has another hash.
    #[error("the header at height {height} should have hash {expected}, but gets {got}")]
    Header {
        /// Its height.
        height: Height,
        /// What the example says.
        expected: BlockHash,
        /// What the coin says.
        got: BlockHash,
    },
    /// The header is not one.
    #[error("the header at height {height} is none: {source}")]
    NoHeader {
        /// Its height.
        height: Height,
        /// What the coin says.
        source: CoinError,
    },
    /// An address has another script.
    #[error("{address} should have script {expected}, but gets {got}")]
    Address {
        /// The address.
        address: String,
        /// What the example says.
        expected: String,
        /// What the coin says.
        got: String,
    },
    /// The address is not one.
    #[error(transparent)]
    NoAddress(#[from] AddressError),
    /// The example is not hex.
    #[error("\"{text}\" is not hex: {source}")]
    NotHex {
        /// What should be hex.
        text: String,
        /// Why it is not.
        source: HexToBytesError,
    },
}

impl Vectors {
    /// Tries the examples on a coin.
    ///
    /// # Errors
    /// The first that it gets wrong.
    pub fn check(&self, coin: &dyn Coin) -> Result<(), VectorError> {
        let headers = self.headers.iter().map(|vector| vector.check(coin));
        let addresses = self.addresses.iter().map(|vector| vector.check(coin));
        headers.chain(addresses).collect()
    }
}

impl HeaderVector {
    /// Makes the example of a genesis block: its header in hex, and its hash.
    #[must_use]
    pub fn genesis(header: &'static str, hash: BlockHash) -> Self {
        Self {
            height: Height(0),
            header: header.into(),
            hash,
        }
    }

    /// A hash that only the node knows is not compared.
    fn check(&self, coin: &dyn Coin) -> Result<(), VectorError> {
        let height = self.height;
        let header = from_hex(&self.header)?;
        let len = coin.header_len(height, &header);
        let hash = len.and_then(|_fits| coin.header_hash(height, &header));
        match hash {
            Ok(Some(got)) if got != self.hash => Err(VectorError::Header {
                height,
                expected: self.hash,
                got,
            }),
            Ok(_) => Ok(()),
            Err(source) => Err(VectorError::NoHeader { height, source }),
        }
    }
}

impl AddressVector {
    fn check(&self, coin: &dyn Coin) -> Result<(), VectorError> {
        let got = coin.address_to_script(&self.address)?;
        if got == from_hex(&self.script)? {
            return Ok(());
        }
        Err(VectorError::Address {
            address: self.address.to_string(),
            expected: self.script.to_string(),
            got: got.to_lower_hex_string(),
        })
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>, VectorError> {
    Vec::from_hex(text).map_err(|source| VectorError::NotHex {
        text: text.to_owned(),
        source,
    })
}
