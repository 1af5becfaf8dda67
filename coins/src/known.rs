//! What coins there are, and where each comes from.

mod file;
mod names;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use electrode_coin::FamilyCoin;

use crate::{argentum, bitcoin, digibyte, litecoin, shipped};

use file::{Fault, Folder};

pub use file::CoinFileError;
pub use names::UnknownCoinError;

/// Every coin and net that is known; where two have the same names, the operator's own comes
/// before a descriptor that is shipped, and that before what is compiled in.
#[derive(Clone, Debug)]
pub struct KnownCoins {
    coins: Vec<KnownCoin>,
    faults: Vec<Fault>,
}

/// A coin and net, and where it comes from.
#[derive(Clone, Debug)]
pub struct KnownCoin {
    /// The coin.
    pub coin: FamilyCoin,
    /// Where it comes from.
    pub source: Source,
}

/// Where a coin comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Compiled in.
    BuiltIn,
    /// A descriptor of `configs/coins`, compiled in.
    Shipped(&'static str),
    /// A descriptor of the operator.
    File(PathBuf),
}

/// Why there is no coin for a pair of COIN and NET.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindCoinError {
    /// Nothing has these names.
    #[error(transparent)]
    Unknown(#[from] UnknownCoinError),
    /// The operator's descriptor of it cannot be used; nothing else stands in for it.
    #[error("{0}")]
    Fault(Arc<CoinFileError>),
    /// The operator has a descriptor that cannot be used and does not say of what it is.
    #[error("{error}; it may be that of {coin} {net}: mend it, or take it out of the folder")]
    Doubt {
        /// What is wrong with it.
        error: Arc<CoinFileError>,
        /// The coin.
        coin: String,
        /// The net.
        net: String,
    },
}

impl KnownCoins {
    /// Gathers what comes with Electrode and what the descriptors in `dir`, if there is one, add
    /// or replace; the examples of all of them are tried.
    ///
    /// # Errors
    /// The folder cannot be read. A descriptor in it that cannot be used is among [`Self::faults`].
    pub fn gather(dir: Option<&Path>) -> Result<Self, CoinFileError> {
        let own = dir.map(Folder::read).transpose()?.unwrap_or_default();
        let mut known = Self {
            coins: own.coins,
            faults: own.faults,
        };
        for (name, text) in shipped::FILES {
            known.coins.push(KnownCoin {
                coin: file::parse(name, text)?,
                source: Source::Shipped(name),
            });
        }
        known.coins.extend(Self::built_in().coins);
        Ok(known)
    }

    /// Gives the coins that are compiled in.
    #[must_use]
    pub fn built_in() -> Self {
        let coins = [
            bitcoin::descriptors(),
            litecoin::descriptors(),
            argentum::descriptors(),
            digibyte::descriptors(),
        ];
        let known = coins.into_iter().flatten().map(|descriptor| KnownCoin {
            coin: FamilyCoin::new(descriptor),
            source: Source::BuiltIn,
        });
        Self {
            coins: known.collect(),
            faults: Vec::new(),
        }
    }

    /// Finds a coin by COIN and NET; case does not matter.
    ///
    /// # Errors
    /// The pair is unknown, and the error lists what is near; or the operator's descriptor of it,
    /// or one that may be, cannot be used.
    pub fn find(&self, coin: &str, net: &str) -> Result<&KnownCoin, FindCoinError> {
        if let Some(fault) = self.faults.iter().find(|fault| fault.is_of(coin, net)) {
            return Err(FindCoinError::Fault(Arc::clone(&fault.error)));
        }
        let found = self.coins.iter().find(|known| known.is(coin, net));
        let is_own = found.is_some_and(|known| matches!(known.source, Source::File(_)));
        let mut doubts = self
            .faults
            .iter()
            .filter(|fault| fault.may_be_of(coin, net));
        match (doubts.next(), found) {
            (Some(doubt), _) if !is_own => Err(FindCoinError::Doubt {
                error: Arc::clone(&doubt.error),
                coin: coin.to_owned(),
                net: net.to_owned(),
            }),
            (_, Some(found)) => Ok(found),
            (_, None) => Err(self.unknown(coin, net).into()),
        }
    }

    /// Gives what is wrong with descriptors that were passed over.
    pub fn faults(&self) -> impl Iterator<Item = &CoinFileError> {
        self.faults.iter().map(|fault| fault.error.as_ref())
    }

    /// Lists all that [`Self::find`] finds by name, those aside that only a descriptor without
    /// names casts doubt on; each pair of names once.
    #[must_use]
    pub fn list(&self) -> Vec<&KnownCoin> {
        let name = |known: &&KnownCoin| {
            let (coin, net) = known.names();
            [coin, net].map(str::to_ascii_lowercase)
        };
        let usable = self.coins.iter().filter(|known| {
            let (coin, net) = known.names();
            !self.faults.iter().any(|fault| fault.is_of(coin, net))
        });
        let mut list: Vec<_> = usable.collect();
        // Stable, so that of the same names the first stays, which is the one that counts.
        list.sort_by_key(name);
        list.dedup_by_key(|known| name(known));
        list
    }

    fn unknown(&self, coin: &str, net: &str) -> UnknownCoinError {
        let names = || self.coins.iter().map(KnownCoin::names);
        let nets: Vec<_> = names()
            .filter(|(known, _)| known.eq_ignore_ascii_case(coin))
            .map(|(_, net)| net)
            .collect();
        match nets.is_empty() {
            true => UnknownCoinError::coin(coin, names().map(|(coin, _)| coin)),
            false => UnknownCoinError::net(net, coin, nets.into_iter()),
        }
    }
}

impl From<KnownCoin> for KnownCoins {
    fn from(known: KnownCoin) -> Self {
        Self {
            coins: vec![known],
            faults: Vec::new(),
        }
    }
}

impl KnownCoin {
    /// Reads the descriptor in a file and tries its examples.
    ///
    /// # Errors
    /// The file cannot be read, is no descriptor, or an example fails.
    pub fn from_file(path: &Path) -> Result<Self, CoinFileError> {
        file::read(path)
    }

    /// Gives COIN and NET.
    fn names(&self) -> (&str, &str) {
        let descriptor = self.coin.as_ref();
        (&descriptor.coin, &descriptor.net)
    }

    fn is(&self, coin: &str, net: &str) -> bool {
        let (own, on) = self.names();
        own.eq_ignore_ascii_case(coin) && on.eq_ignore_ascii_case(net)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::Shipped(name) => write!(f, "configs/coins/{name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}
