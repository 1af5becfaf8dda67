//! The constants of a chain, as a value and as TOML.

mod check;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use std::{borrow::Cow, ops::Range};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    Addresses, BlockHash, CoinError, HeaderFamily, HeaderHash, TransactionFamily, Unspendable,
    VectorError, Vectors,
};

/// Everything about a chain that is data.
///
/// What is left to the default is as on Bitcoin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    /// Version of these keys.
    pub schema: Schema,
    /// Name of the coin, as COIN in the configuration.
    #[serde(deserialize_with = "value::name")]
    pub coin: Cow<'static, str>,
    /// Name of the network, as NET in the configuration.
    #[serde(deserialize_with = "value::name")]
    pub net: Cow<'static, str>,
    /// Name of the chain: networks of one coin with the same chain share an index.
    #[serde(deserialize_with = "value::name")]
    pub chain: Cow<'static, str>,
    /// What operators must know before they use it, as how much of the chain can be read; shown
    /// in the list of coins and at the start. `None`: nothing.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "value::remark"
    )]
    pub note: Option<Cow<'static, str>>,
    /// Hash of block 0.
    pub genesis_hash: BlockHash,
    /// Port of the node's JSON-RPC where the configuration names none.
    #[serde(deserialize_with = "value::port")]
    pub rpc_port: u16,
    /// How many blocks can be disconnected; deeper reorganisations need a new index.
    #[serde(default = "default_reorg_limit", deserialize_with = "value::blocks")]
    pub reorg_limit: u32,
    /// Changes when what is indexed of the same chain changes; another number in an index means
    /// that it must be built anew.
    #[serde(default = "default_index_revision", deserialize_with = "value::number")]
    pub index_revision: u32,
    /// What becomes of the genesis block's transactions.
    #[serde(default, deserialize_with = "value::named")]
    pub genesis: Genesis,
    /// How its transactions are written.
    #[serde(default, deserialize_with = "value::named")]
    pub transactions: TransactionFamily,
    /// Which outputs can never be spent.
    #[serde(default, deserialize_with = "value::named")]
    pub unspendable: Unspendable,
    /// What the header says of the transactions.
    #[serde(default, deserialize_with = "value::named")]
    pub merkle_tree: MerkleTree,
    /// How blocks get their hash.
    #[serde(default)]
    pub header_hash: HeaderHash,
    /// How its headers are laid out.
    #[serde(default)]
    pub header: HeaderFamily,
    /// How its addresses are written.
    pub addresses: Addresses,
    /// Examples, tried when the coin is loaded.
    #[serde(default)]
    pub vectors: Vectors,
}

/// Version of a descriptor's keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "u32")]
#[non_exhaustive]
pub enum Schema {
    /// The keys of [`Descriptor`].
    #[default]
    V1,
}

/// What becomes of the genesis block's transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Genesis {
    /// Nobody can spend them, so they are not indexed.
    #[default]
    Unspendable,
    /// They are indexed as those of any block.
    Indexed,
}

/// What bytes 36..68 of a header hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MerkleTree {
    /// The root of the tree of double SHA-256 over the txids.
    #[default]
    Sha256d,
    /// Something else, which is not checked.
    Unknown,
}

/// Why a text is no descriptor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// It is not TOML, lacks a key, or has one that is not known or whose value cannot be.
    #[error("line {line}: {message}")]
    Malformed {
        /// Where in the text.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// It leaves something to the code of a plugin.
    #[error(transparent)]
    Code(#[from] CoinError),
    /// One of its examples fails.
    #[error(transparent)]
    Vector(#[from] VectorError),
    /// It has a value that TOML cannot write.
    #[error(transparent)]
    Unwritable(#[from] toml::ser::Error),
}

impl Descriptor {
    /// Reads a descriptor.
    ///
    /// # Errors
    /// The text is not TOML with these keys and no others, or a value is impossible by itself or
    /// beside others.
    pub fn from_toml(text: &str) -> Result<Self, DescriptorError> {
        let descriptor: Self =
            toml::from_str(text).map_err(|error| DescriptorError::Malformed {
                line: line_at(text, error.span()),
                message: error.message().replace('\n', ", "),
            })?;
        check::check(&descriptor, text)?;
        Ok(descriptor)
    }

    /// Writes the descriptor so that [`Self::from_toml`] reads it.
    ///
    /// # Errors
    /// A number is beyond what TOML can write.
    pub fn to_toml(&self) -> Result<String, DescriptorError> {
        Ok(toml::to_string(self)?)
    }
}

impl Default for Descriptor {
    fn default() -> Self {
        Self {
            schema: Schema::default(),
            coin: Cow::default(),
            net: Cow::default(),
            chain: Cow::default(),
            note: None,
            genesis_hash: BlockHash::default(),
            rpc_port: 8332,
            reorg_limit: default_reorg_limit(),
            index_revision: default_index_revision(),
            genesis: Genesis::default(),
            transactions: TransactionFamily::default(),
            unspendable: Unspendable::default(),
            merkle_tree: MerkleTree::default(),
            header_hash: HeaderHash::default(),
            header: HeaderFamily::default(),
            addresses: Addresses::default(),
            vectors: Vectors::default(),
        }
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match value::number(deserializer)? {
            1 => Ok(Self::V1),
            other => Err(D::Error::custom(format_args!(
                "expected schema 1, got {other}: it takes a newer Electrode"
            ))),
        }
    }
}

impl From<Schema> for u32 {
    fn from(Schema::V1: Schema) -> Self {
        1
    }
}

/// Gives the number of the line in which a piece of the text starts.
fn line_at(text: &str, piece: Option<Range<usize>>) -> usize {
    let start = piece.map_or(0, |piece| piece.start);
    let before = text.get(..start).unwrap_or_default();
    1 + before.matches('\n').count()
}

fn default_reorg_limit() -> u32 {
    200
}

fn default_index_revision() -> u32 {
    1
}
