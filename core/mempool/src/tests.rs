//! The mempool against a naive oracle, and the cases worth a name of their own.

mod cases;
mod chain;
mod node;
mod oracle;
mod random;
mod rivals;
mod world;
