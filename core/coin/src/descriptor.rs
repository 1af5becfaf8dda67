//! The constants of a chain, as a value and as TOML.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

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
    pub coin: Cow<'static, str>,
    /// Name of the network, as NET in the configuration.
    pub net: Cow<'static, str>,
    /// Name of the chain: networks of one coin with the same chain share an index.
    pub chain: Cow<'static, str>,
    /// Hash of block 0.
    pub genesis_hash: BlockHash,
    /// Port of the node's JSON-RPC where the configuration names none.
    pub rpc_port: u16,
    /// How many blocks can be disconnected; deeper reorganisations need a new index.
    #[serde(default = "default_reorg_limit")]
    pub reorg_limit: u32,
    /// Changes when what is indexed of the same chain changes; another number in an index means
    /// that it must be built anew.
    #[serde(default = "default_index_revision")]
    pub index_revision: u32,
    /// What becomes of the genesis block's transactions.
    #[serde(default)]
    pub genesis: Genesis,
    /// How its transactions are written.
    #[serde(default)]
    pub transactions: TransactionFamily,
    /// Which outputs can never be spent.
    #[serde(default)]
    pub unspendable: Unspendable,
    /// What the header says of the transactions.
    #[serde(default)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
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
    /// It is not TOML, or lacks a key, or has one that is not known.
    #[error("line {line}: {message}")]
    Toml {
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
    /// The text is not TOML with these keys and no others.
    pub fn from_toml(text: &str) -> Result<Self, DescriptorError> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            DescriptorError::Toml {
                line: 1 + before.matches('\n').count(),
                message: error.message().replace('\n', ", "),
            }
        })
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

impl TryFrom<u32> for Schema {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        match version {
            1 => Ok(Self::V1),
            other => Err(format!(
                "expected schema 1, got {other}: it takes a newer Electrode"
            )),
        }
    }
}

impl From<Schema> for u32 {
    fn from(Schema::V1: Schema) -> Self {
        1
    }
}

fn default_reorg_limit() -> u32 {
    200
}

fn default_index_revision() -> u32 {
    1
}
