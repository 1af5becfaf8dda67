//! Coins as plugins: the C border that a server and a shared library meet at, and the kit to write
//! such a library in safe Rust.
//!
//! An author implements [`Coin`] (only what differs from the families) and [`CoinFactory`] for a
//! type and names it in [`export_coin!`]. With the feature `conformance` the author's tests can
//! run `conformance::run`. The border itself is in `layout.rs` and, for other languages, in
//! `include/electrode_coin.h`. The server's side is the crate `electrode-loader`.

#![expect(
    unsafe_code,
    reason = "the C border; every block says who keeps its promise"
)]

#[cfg(panic = "abort")]
compile_error!("a coin plugin must be built with panic = \"unwind\", or it takes the server down");

#[cfg(feature = "conformance")]
pub mod conformance;
mod export;
mod factory;
mod guard;
mod layout;
mod trampoline;
mod writer;

pub use electrode_coin::*;

pub use export::header;
pub use factory::CoinFactory;
pub use layout::{
    ABI_MAJOR, ABI_MINOR, Array, Bytes, ConvertFn, CreateFn, CutFn, DescribeFn, DestroyFn,
    FEATURES, HashFn, Instance, MAGIC, MeasureFn, Out, ParseFn, PluginHeader, Preamble, PrevFn,
    RawOutput, RawTx, SYMBOL, Sink, Vtable, WalkFn, answer, status,
};
