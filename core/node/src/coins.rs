//! Coins: finding the one that is wanted, listing them, and trying their rules on real blocks.

mod check;
mod find;
mod list;
mod sample;
mod trial;

pub(crate) use check::check;
pub(crate) use find::find;
pub(crate) use list::list;
