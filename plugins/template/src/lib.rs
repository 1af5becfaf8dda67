//! A coin to copy: constants in a descriptor, and the one rule that differs in code.

use electrode_plugin::{
    BlockHash, Coin, CoinError, CoinFactory, Descriptor, Height, Reader, export_coin, sha256d,
};

/// Bytes of a header that its hash covers.
const HASHED: usize = 80;

/// The coin on one of its nets.
#[derive(Debug)]
pub struct Template(Descriptor);

impl CoinFactory for Template {
    fn create(net: &str, _options: &str) -> Result<Self, String> {
        let text = match net {
            "regtest" => include_str!("regtest.toml"),
            _ => return Err(format!("expected regtest, got {net:?}")),
        };
        Descriptor::from_toml(text)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

impl Coin for Template {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    /// Stands where `header_hash = "custom"`; put your chain's hash here.
    fn header_hash(&self, _height: Height, header: &[u8]) -> Result<Option<BlockHash>, CoinError> {
        let hashed = Reader::new(header, 0)
            .take(HASHED)
            .map_err(|end| CoinError::Malformed {
                what: "header",
                offset: end.offset,
            })?;
        Ok(Some(BlockHash(sha256d(hashed))))
    }
}

export_coin!(Template);
