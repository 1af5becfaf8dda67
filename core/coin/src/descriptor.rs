//! The constants of a chain.

use std::borrow::Cow;

use crate::BlockHash;

/// Everything about a chain that is data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Name of the coin, as COIN in the configuration.
    pub coin: Cow<'static, str>,
    /// Name of the network, as NET in the configuration.
    pub net: Cow<'static, str>,
    /// Name of the chain: networks of one coin with the same chain share an index.
    pub chain: Cow<'static, str>,
    /// Hash of block 0.
    pub genesis_hash: BlockHash,
    /// How many bytes its headers have.
    pub header_len: usize,
    /// How its transactions are written.
    pub transactions: TransactionFamily,
    /// How its addresses are written.
    pub addresses: Addresses,
    /// How many blocks can be disconnected; deeper reorganisations need a new index.
    pub reorg_limit: u32,
    /// Port of the node's JSON-RPC where the configuration names none.
    pub rpc_port: u16,
    /// Changes when what is indexed of the same chain changes; another number in an index means
    /// that it must be built anew.
    pub index_revision: u32,
}

/// How transactions of a chain are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionFamily {
    /// Without witnesses.
    Legacy,
    /// BIP144: with or without witnesses.
    Segwit,
}

/// How addresses of a chain are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Version bytes of pay-to-public-key-hash; the first is the one written.
    pub p2pkh: Cow<'static, [u8]>,
    /// Version bytes of pay-to-script-hash; the first is the one written.
    pub p2sh: Cow<'static, [u8]>,
    /// Human-readable part of segwit addresses (BIP173, BIP350); `None` where there are none.
    pub bech32: Option<Cow<'static, str>>,
}
