//! Coins from shared libraries: refuses those that cannot be trusted to work, and makes a
//! [`Coin`](electrode_coin::Coin) of the others.
//!
//! [`load`] climbs a ladder of checks, each with its own reason in [`LoadError`]: the file, its
//! pin, the library, its header, its table, the coin it makes, the examples of that coin. What is
//! left to check then is checked with every block ([`ForeignCoin`]). This catches mistakes and
//! wrong files, not malice: a plugin runs with all rights of the server. Libraries are never
//! unloaded. The other side of the border is the crate `electrode-plugin`.

#![expect(
    unsafe_code,
    reason = "the C border; every block says who keeps its promise"
)]

mod call;
mod calls;
mod error;
mod file;
mod folder;
mod foreign;
mod library;
mod receive;

pub use error::{LoadError, Reason};
pub use file::{ParsePinError, Pin, PluginFile};
pub use folder::{find, list};
pub use foreign::{ForeignCoin, Wanted, load};
pub use library::{Plugin, PluginInfo};
