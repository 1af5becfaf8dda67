//! The families that coins are put together from: round trips, and bytes that mean harm.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod auxpow;
mod fuzz;
mod headers;
mod made;
mod mweb;
mod outputs;
mod segwit;
