//! The coins that come with Electrode: compiled in, one short file each, or described by a file of
//! `configs/coins`; and those that a folder of the operator describes.

mod argentum;
mod bitcoin;
mod digibyte;
mod known;
mod litecoin;
mod shipped;
mod versions;

pub use known::{CoinFileError, FindCoinError, KnownCoin, KnownCoins, Source, UnknownCoinError};
