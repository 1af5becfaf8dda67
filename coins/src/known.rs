//! What coins there are, and where each comes from.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use electrode_coin::{DescriptorError, FamilyCoin};

use crate::{argentum, bitcoin, digibyte, litecoin, shipped};

/// Ending of a descriptor's file name.
const EXTENSION: &str = "toml";

/// Names that are told beside an unknown one, at the most.
const NEAR_NAMES: usize = 5;

/// Every coin and net that is known; where two have the same names, the operator's own comes
/// before a descriptor that is shipped, and that before what is compiled in.
#[derive(Clone, Debug)]
pub struct KnownCoins(Vec<KnownCoin>);

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

/// A descriptor that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoinFileError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It describes no coin.
    #[error("{file}: {source}")]
    Invalid {
        /// The file.
        file: String,
        /// What is wrong.
        source: DescriptorError,
    },
}

/// A pair of COIN and NET that names no coin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not known{choices}; \"electrode coins\" lists all")]
pub struct UnknownCoinError {
    what: String,
    choices: Choices,
}

/// What may have been meant, likeliest first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Choices(Vec<String>);

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, ": expected {}", self.0.join(", "))
    }
}

impl KnownCoins {
    /// Gathers what comes with Electrode and what the descriptors in `dir`, if there is one, add
    /// or replace; the examples of all of them are tried.
    ///
    /// # Errors
    /// A descriptor cannot be read, or its examples fail.
    pub fn gather(dir: Option<&Path>) -> Result<Self, CoinFileError> {
        let mut known = match dir {
            Some(dir) => own(dir)?,
            None => Vec::new(),
        };
        for (name, text) in shipped::FILES {
            let coin = read(name, text)?;
            let source = Source::Shipped(name);
            known.push(KnownCoin { coin, source });
        }
        known.extend(Self::built_in().0);
        Ok(Self(known))
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
        Self(known.collect())
    }

    /// Finds a coin by COIN and NET; case does not matter.
    ///
    /// # Errors
    /// The pair is unknown; the error lists what is near.
    pub fn find(&self, coin: &str, net: &str) -> Result<&KnownCoin, UnknownCoinError> {
        let nets: Vec<_> = self
            .0
            .iter()
            .filter(|known| known.coin_name().eq_ignore_ascii_case(coin))
            .collect();
        if nets.is_empty() {
            return Err(UnknownCoinError {
                what: format!("coin \"{coin}\""),
                choices: alike(coin, self.0.iter().map(KnownCoin::coin_name)),
            });
        }
        let found = nets
            .iter()
            .find(|known| known.net_name().eq_ignore_ascii_case(net));
        found.copied().ok_or_else(|| UnknownCoinError {
            what: format!("net \"{net}\" of coin \"{coin}\""),
            choices: all(net, nets.iter().map(|known| known.net_name())),
        })
    }

    /// Lists all of them by name; each pair of names once.
    #[must_use]
    pub fn list(&self) -> Vec<&KnownCoin> {
        let name = |known: &&KnownCoin| {
            let names = [known.coin_name(), known.net_name()];
            names.map(str::to_ascii_lowercase)
        };
        let mut list: Vec<_> = self.0.iter().collect();
        // Stable, so that of the same names the first stays, which is the one that counts.
        list.sort_by_key(name);
        list.dedup_by_key(|known| name(known));
        list
    }
}

impl From<KnownCoin> for KnownCoins {
    fn from(known: KnownCoin) -> Self {
        Self(vec![known])
    }
}

impl KnownCoin {
    /// Reads the descriptor in a file and tries its examples.
    ///
    /// # Errors
    /// The file cannot be read, is no descriptor, or an example fails.
    pub fn from_file(path: &Path) -> Result<Self, CoinFileError> {
        let text = fs::read_to_string(path).map_err(unreadable(path))?;
        let coin = read(&path.display().to_string(), &text)?;
        let source = Source::File(path.to_owned());
        Ok(Self { coin, source })
    }

    fn coin_name(&self) -> &str {
        &self.coin.as_ref().coin
    }

    fn net_name(&self) -> &str {
        &self.coin.as_ref().net
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

/// Reads the operator's descriptors, in the order of their names.
fn own(dir: &Path) -> Result<Vec<KnownCoin>, CoinFileError> {
    let entries = fs::read_dir(dir).map_err(unreadable(dir))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable(dir))?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == EXTENSION));
    paths.sort();
    paths
        .iter()
        .map(|path| KnownCoin::from_file(path))
        .collect()
}

fn read(file: &str, text: &str) -> Result<FamilyCoin, CoinFileError> {
    FamilyCoin::from_toml(text).map_err(|source| CoinFileError::Invalid {
        file: file.to_owned(),
        source,
    })
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> CoinFileError {
    move |source| CoinFileError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

/// Lists the names that `name` may be a slip of: no more than half of it is other.
fn alike<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Choices {
    let most = name.len() / 2;
    let near = by_likeness(name, names).take_while(|(distance, _)| *distance <= most);
    Choices(
        near.take(NEAR_NAMES)
            .map(|(_, name)| name.to_owned())
            .collect(),
    )
}

/// Lists all the names, those that are most like `name` first.
fn all<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Choices {
    let names = by_likeness(name, names).map(|(_, name)| name.to_owned());
    Choices(names.collect())
}

/// Sorts names, each with how far it is from `name`.
fn by_likeness<'a>(
    name: &str,
    names: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = (usize, &'a str)> {
    let name = name.to_ascii_lowercase();
    let distance = |other: &str| strsim::damerau_levenshtein(&name, &other.to_ascii_lowercase());
    let mut names: Vec<_> = names.map(|other| (distance(other), other)).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use ::bitcoin::hex::FromHex as _;
    use electrode_coin::{BlockHash, Coin as _, Descriptor, Height};

    use super::*;

    fn known() -> KnownCoins {
        KnownCoins::gather(None).unwrap()
    }

    #[test]
    fn finds_coins_whatever_the_case() {
        for (coin, net, source) in [
            ("bitcoin", "RegTest", Source::BuiltIn),
            ("LITECOIN", "mainnet", Source::BuiltIn),
            (
                "Vertcoin",
                "mainnet",
                Source::Shipped("vertcoin-mainnet.toml"),
            ),
        ] {
            let known = known();
            let found = known.find(coin, net).unwrap();
            assert!(found.coin.descriptor().net.eq_ignore_ascii_case(net));
            assert_eq!(found.source, source);
        }
    }

    #[test]
    fn lists_the_near_ones() {
        let coin = known().find("Bitcoln", "mainnet").unwrap_err().to_string();
        assert!(
            coin.starts_with("coin \"Bitcoln\" is not known: expected Bitcoin, Bitcore,"),
            "{coin}"
        );
        let strange = known().find("Dash", "mainnet").unwrap_err().to_string();
        assert_eq!(
            strange,
            "coin \"Dash\" is not known; \"electrode coins\" lists all"
        );
        let net = known().find("Bitcoin", "main").unwrap_err().to_string();
        assert!(
            net.starts_with("net \"main\" of coin \"Bitcoin\" is not known: expected mainnet,"),
            "{net}"
        );
    }

    #[test]
    fn ships_every_file_of_the_folder() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/coins");
        let mut files: Vec<_> = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort_unstable();
        let shipped: Vec<_> = shipped::FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(shipped, files);
        for (name, text) in shipped::FILES {
            assert!(text.starts_with("# Constants: "), "{name} says no source");
        }
    }

    #[test]
    fn names_no_pair_twice_and_tries_an_example_of_each_file() {
        let known = known();
        assert_eq!(known.list().len(), known.0.len());
        for it in &known.0 {
            let vectors = &it.coin.descriptor().vectors;
            vectors.check(&it.coin).unwrap();
            let is_shipped = it.source != Source::BuiltIn;
            assert!(
                !is_shipped || !vectors.addresses.is_empty(),
                "{}",
                it.source
            );
        }
    }

    /// No chain is an exception: each has its genesis header in its node's source, and a hash that
    /// is worked out here.
    #[test]
    fn begins_every_chain_with_a_header_that_hashes_to_its_genesis_block() {
        for it in &known().0 {
            let Descriptor {
                coin,
                net,
                genesis_hash,
                vectors,
                ..
            } = it.coin.descriptor();
            let genesis = vectors.headers.iter().find(|it| it.height == Height(0));
            let genesis = genesis.unwrap_or_else(|| panic!("{coin} {net} has no genesis header"));
            let header = Vec::from_hex(&genesis.header).unwrap();
            let hash = it.coin.header_hash(Height(0), &header).unwrap();
            assert_eq!(hash, Some(*genesis_hash), "{coin} {net}");
            let prev = it.coin.header_prev(&header).unwrap();
            assert_eq!(prev, BlockHash::default(), "{coin} {net}");
        }
    }

    #[test]
    fn survives_as_toml() {
        for it in known().list() {
            let descriptor = it.coin.descriptor();
            let text = descriptor.to_toml().unwrap();
            assert_eq!(Descriptor::from_toml(&text).unwrap(), *descriptor, "{text}");
        }
    }

    #[test]
    fn prefers_the_operators_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.toml");
        let (_, text) = shipped::FILES[0];
        let text = text.replace("rpc_port = ", "rpc_port = 1 # ");
        fs::write(&path, text).unwrap();
        let known = KnownCoins::gather(Some(dir.path())).unwrap();
        let own = Source::File(path);
        let found = known.list().into_iter().find(|it| it.source == own);
        assert_eq!(found.unwrap().coin.descriptor().rpc_port, 1);
        assert_eq!(known.list().len(), known.0.len() - 1);
    }
}
