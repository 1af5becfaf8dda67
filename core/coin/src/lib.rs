//! What a coin is: the [`Coin`] trait, its [`Descriptor`], and the serialisation families,
//! header rules and address codecs that coins are put together from.
//!
//! Pure: no I/O, no task, no clock. Every byte handed in is foreign: parsing never panics and
//! never allocates by a length it has not checked against the bytes at hand.

mod address;
mod block;
mod coin;
mod descriptor;
mod family;
mod header;
mod ids;
mod num;
mod outputs;
mod reader;
mod spent;
mod tx;
mod units;
mod vectors;
mod words;

pub use address::{AddressError, AddressVersion, Addresses, ParseVersionError};
pub use block::{check_transactions, merkle_root};
pub use coin::{Coin, CoinError, OutputView, Parsed, TxSink, TxView};
pub use descriptor::{Descriptor, DescriptorError, Genesis, MerkleTree, Schema};
pub use family::FamilyCoin;
pub use header::{HeaderFamily, HeaderHash, HeaderStep, ParseHeaderHashError, header_time};
pub use ids::{BlockHash, OutPoint, ParseHexError, ScriptHash, ScriptKey, Txid};
pub use num::{u64_from, usize_from};
pub use outputs::{Unspendable, owner_key};
pub use reader::{Reader, Truncated};
pub use spent::{SpentOutput, SpentOutputs};
pub use tx::{TransactionFamily, sha256d};
pub use units::{Height, Sats, TxNum};
pub use vectors::{AddressVector, HeaderVector, VectorError, Vectors};
