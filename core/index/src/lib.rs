//! The index of a chain: its tables, how blocks are connected to it and disconnected from it,
//! and what it answers.
//!
//! Synchronous, on RocksDB and three flat files. It reads no clock, starts no task and knows no
//! network; which blocks to connect, its caller decides. What the rows look like, only `schema`
//! knows.

mod chain;
mod changes;
mod commit;
mod config;
mod content;
mod disconnect;
mod durable;
mod error;
mod flat;
mod folder;
mod index;
mod lookup;
mod manifest;
mod places;
mod repair;
mod rows;
mod run;
mod schema;
mod snapshot;
mod sorted;
mod store;
mod view;

pub use config::IndexConfig;
pub use content::Difference;
pub use error::IndexError;
pub use folder::INDEX_DIR;
pub use index::{Index, Tip};
pub use repair::Repaired;
pub use rows::{BlockRows, RawBlock};
pub use run::Run;
pub use view::{Headers, HistoryTx, IndexView, OwnedOutput, UnspentOutput};
