//! Headers: how long they are, and what of them is hashed.

mod table;

use std::{fmt, str::FromStr};

use scrypt::{Params, scrypt};
use serde::{Deserialize, Serialize};

use crate::{
    BlockHash, CoinError, Height, Reader, Truncated, coin::malformed as malformed_piece,
    descriptor::value, sha256d, tx,
};

/// Where a header names the block it builds on.
pub(crate) const PREV_HASH_AT: usize = 4;

/// Bytes of a header as Bitcoin has it.
const PLAIN_LEN: usize = 80;

/// Bit of the version that says that a proof of work on another chain follows the header.
const AUXPOW_VERSION: u32 = 1 << 8;

/// How headers of a chain are laid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "family", rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeaderFamily {
    /// Every header has the same length.
    Fixed {
        /// Its bytes.
        len: usize,
    },
    /// 80 bytes, and a proof of merged mining behind them where the version has bit 8.
    #[serde(rename = "auxpow")]
    AuxPow {},
    /// The length changes at certain heights.
    Stepped {
        /// The steps, by height, rising; the first is that of the genesis block.
        steps: Vec<HeaderStep>,
    },
    /// A plugin's `header_len` decides.
    Custom {},
}

/// From which height headers have which length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderStep {
    /// First height with this length.
    #[serde(deserialize_with = "value::height")]
    pub from: Height,
    /// Bytes of a header.
    #[serde(deserialize_with = "table::len")]
    pub len: usize,
}

/// How the hash that names a block is made from its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum HeaderHash {
    /// `sha256d:<len>`: double SHA-256 of the first bytes.
    Sha256d {
        /// How many.
        len: usize,
    },
    /// `scrypt`: scrypt with N = 1024, r = 1, p = 1 of the first 80 bytes, salted with themselves.
    Scrypt,
    /// `daemon`: only the node knows; the hash under which it gives a block counts.
    Daemon,
    /// `custom`: a plugin's `header_hash` decides.
    Custom,
}

/// Text that names no header hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected \"sha256d:<bytes>\" of 1 byte or more, \"scrypt\", \"daemon\" or \"custom\", got {0:?}"
)]
pub struct ParseHeaderHashError(String);

impl HeaderFamily {
    /// Gives the length in bytes of the header that `block` starts with.
    ///
    /// # Errors
    /// The block is shorter than its header.
    pub fn len(&self, height: Height, block: &[u8]) -> Result<usize, CoinError> {
        let fixed = |len| {
            let taken = Reader::new(block, 0).take(len);
            taken.map(|_header| len).map_err(malformed)
        };
        match self {
            Self::Fixed { len } => fixed(*len),
            Self::AuxPow {} => auxpow_len(block).map_err(malformed),
            Self::Stepped { steps } => {
                let step = steps.iter().rev().find(|step| step.from <= height);
                fixed(step.map_or(PLAIN_LEN, |step| step.len))
            }
            Self::Custom {} => Err(CoinError::NoCode { key: "header" }),
        }
    }

    /// Gives the length of the shortest header there is; `None` where code decides.
    pub(crate) fn shortest(&self) -> Option<usize> {
        match self {
            Self::Fixed { len } => Some(*len),
            Self::AuxPow {} => Some(PLAIN_LEN),
            Self::Stepped { steps } => steps.iter().map(|step| step.len).min(),
            Self::Custom {} => None,
        }
    }

    /// Gives the part of a header that its hash covers, where wallets need no more.
    pub(crate) fn proven<'a>(&self, header: &'a [u8]) -> &'a [u8] {
        match self {
            Self::AuxPow {} => header.get(..PLAIN_LEN).unwrap_or(header),
            _ => header,
        }
    }
}

impl HeaderHash {
    /// Hashes a header; `None` where only the node can.
    ///
    /// # Errors
    /// The header is too short.
    pub fn hash(self, header: &[u8]) -> Result<Option<BlockHash>, CoinError> {
        let hashed = |len| Reader::new(header, 0).take(len).map_err(malformed);
        match self {
            Self::Sha256d { len } => Ok(Some(BlockHash(sha256d(hashed(len)?)))),
            Self::Scrypt => hashed(PLAIN_LEN).map(|plain| Some(scrypt_hash(plain))),
            Self::Daemon => Ok(None),
            Self::Custom => Err(CoinError::NoCode { key: "header_hash" }),
        }
    }
}

impl Default for HeaderFamily {
    fn default() -> Self {
        Self::Fixed { len: PLAIN_LEN }
    }
}

impl Default for HeaderHash {
    fn default() -> Self {
        Self::Sha256d { len: PLAIN_LEN }
    }
}

impl FromStr for HeaderHash {
    type Err = ParseHeaderHashError;

    fn from_str(text: &str) -> Result<Self, ParseHeaderHashError> {
        match text {
            "scrypt" => return Ok(Self::Scrypt),
            "daemon" => return Ok(Self::Daemon),
            "custom" => return Ok(Self::Custom),
            _ => {}
        }
        let len = text.strip_prefix("sha256d:").map(str::parse);
        match len {
            Some(Ok(len)) if len > 0 => Ok(Self::Sha256d { len }),
            _ => Err(ParseHeaderHashError(text.to_owned())),
        }
    }
}

impl fmt::Display for HeaderHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256d { len } => write!(f, "sha256d:{len}"),
            Self::Scrypt => f.write_str("scrypt"),
            Self::Daemon => f.write_str("daemon"),
            Self::Custom => f.write_str("custom"),
        }
    }
}

impl TryFrom<String> for HeaderHash {
    type Error = ParseHeaderHashError;

    fn try_from(text: String) -> Result<Self, ParseHeaderHashError> {
        text.parse()
    }
}

impl From<HeaderHash> for String {
    fn from(hash: HeaderHash) -> Self {
        hash.to_string()
    }
}

/// Says that a header ends too early.
pub(crate) fn malformed(truncated: Truncated) -> CoinError {
    malformed_piece("header")(truncated)
}

/// Measures an `AuxPoW` header.
///
/// Shape: header (80) ‖ where its version has bit 8: coinbase transaction of the parent block ‖
/// hash of that block (32) ‖ branch of the coinbase ‖ branch of this chain ‖ header of the parent
/// block (80).
/// Source: `CAuxPow` of Namecoin Core's `auxpow.h`.
fn auxpow_len(block: &[u8]) -> Result<usize, Truncated> {
    let mut reader = Reader::new(block, 0);
    let version = reader.u32()?;
    reader.take(PLAIN_LEN - size_of_val(&version))?;
    if version & AUXPOW_VERSION != 0 {
        tx::skip(block, &mut reader)?;
        reader.take(32)?;
        skip_branch(&mut reader)?;
        skip_branch(&mut reader)?;
        reader.take(PLAIN_LEN)?;
    }
    Ok(reader.offset())
}

/// Shape: `CompactSize` hashes ‖ hashes (32 each) ‖ position in the tree (4).
fn skip_branch(reader: &mut Reader<'_>) -> Result<(), Truncated> {
    let hashes = reader.count(32)?;
    reader.take(32 * hashes)?;
    reader.take(4)?;
    Ok(())
}

fn scrypt_hash(header: &[u8]) -> BlockHash {
    let mut hash = BlockHash::default();
    let params = Params::new(10, 1, 1, hash.0.len()).expect("constants in their ranges");
    scrypt(header, header, &params, &mut hash.0).expect("an output of 32 bytes");
    hash
}

/// Reads when a block was made: bytes 68..72 of its header, in every chain known.
///
/// Units: seconds since 1970.
#[must_use]
pub fn header_time(header: &[u8]) -> Option<u32> {
    let time = header.get(68..)?.first_chunk()?;
    Some(u32::from_le_bytes(*time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hashes_survive() {
        for text in ["sha256d:80", "sha256d:112", "scrypt", "daemon", "custom"] {
            assert_eq!(text.parse::<HeaderHash>().unwrap().to_string(), text);
        }
        for text in ["", "sha256d", "sha256d:", "sha256d:-1", "sha256d:0", "x11"] {
            assert!(text.parse::<HeaderHash>().is_err(), "{text}");
        }
    }

    #[test]
    fn steps_by_height() {
        let steps = vec![
            HeaderStep {
                from: Height(0),
                len: 80,
            },
            HeaderStep {
                from: Height(100),
                len: 120,
            },
        ];
        let family = HeaderFamily::Stepped { steps };
        let block = [0; 120];
        assert_eq!(family.len(Height(99), &block), Ok(80));
        assert_eq!(family.len(Height(100), &block), Ok(120));
        assert!(family.len(Height(100), &block[..119]).is_err());
    }

    /// Source: Litecoin's genesis block, whose scrypt hash its proof of work is judged by.
    #[test]
    fn hashes_with_scrypt() {
        let mut header = [0; 80];
        header[0] = 1;
        let merkle_root: crate::Txid =
            "97ddfbbae6be97fd6cdf3e7ca13232a3afff2353e29badfab7f73011edd4ced9"
                .parse()
                .unwrap();
        header[36..68].copy_from_slice(&merkle_root.0);
        header[68..72].copy_from_slice(&1_317_972_665_u32.to_le_bytes());
        header[72..76].copy_from_slice(&0x1e0f_fff0_u32.to_le_bytes());
        header[76..80].copy_from_slice(&2_084_524_493_u32.to_le_bytes());
        let id = HeaderHash::default().hash(&header).unwrap().unwrap();
        assert_eq!(
            id.to_string(),
            "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2"
        );
        let work = HeaderHash::Scrypt.hash(&header).unwrap().unwrap();
        assert_eq!(
            work.to_string(),
            "0000050c34a64b415b6b15b37f2216634b5b1669cb9a2e38d76f7213b0671e00"
        );
    }
}
