//! The unconfirmed state machine: which listed transactions touch which scripts, at what fee.
//!
//! One writer owns a [`Mempool`] and tells it what the node lists ([`Mempool::reconcile`]) and
//! what blocks do to it ([`Mempool::confirm`], [`Mempool::disconnect`]); each answers which
//! scripts are [`Touched`]. Requests read a [`MempoolView`], an immutable snapshot that shares
//! its memory with the writer, so that neither ever waits for the other.
//!
//! Pure: no I/O, no task, no clock. What it needs of the confirmed chain it asks for through
//! [`Prevouts`]. Raw transactions and their order in an answer are not its business.

mod config;
mod histogram;
mod mempool;
mod order;
mod parse;
mod prevouts;
mod tx;
mod view;

#[cfg(test)]
mod tests;

pub use config::MempoolConfig;
pub use mempool::{Mempool, Touched};
pub use parse::ParseError;
pub use prevouts::Prevouts;
pub use tx::{NewTx, Prevout, Tx};
pub use view::{Entry, MempoolView, Unspent};
