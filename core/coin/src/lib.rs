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
mod ids;
mod reader;
mod script;
mod spent;
mod tx;
mod units;

pub use address::AddressError;
pub use coin::{Coin, CoinError, OutputView, Parsed, TxSink, TxView};
pub use descriptor::{Addresses, Descriptor, TransactionFamily};
pub use family::FamilyCoin;
pub use ids::{BlockHash, OutPoint, ParseHexError, ScriptHash, ScriptKey, Txid};
pub use reader::{Reader, Truncated};
pub use spent::{SpentOutput, SpentOutputs};
pub use tx::sha256d;
pub use units::{Height, Sats, TxNum};
