//! Descriptors of the operator: a file of its own, and those of a folder.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use electrode_coin::{DescriptorError, FamilyCoin};

use super::{KnownCoin, Source};

/// Ending of a descriptor's file name.
const EXTENSION: &str = "toml";

/// The most bytes of a descriptor that are read: a hundred times what one needs.
const MAX_LEN: u64 = 1 << 20;

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
    /// It is longer than a descriptor can be.
    #[error("{}: expected at most {MAX_LEN} bytes, is it a descriptor?", .0.display())]
    TooLong(PathBuf),
    /// It describes no coin.
    #[error("{file}: {source}")]
    Invalid {
        /// The file.
        file: String,
        /// What is wrong.
        source: DescriptorError,
    },
    /// It describes what another one of its folder describes.
    #[error(
        "{} and {} both describe {coin} {net}: take one of them out of the folder",
        first.display(),
        second.display()
    )]
    Twice {
        /// The coin.
        coin: String,
        /// The net.
        net: String,
        /// The one whose name comes first.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

/// The descriptors of a folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    /// What they describe.
    pub(super) coins: Vec<KnownCoin>,
    /// Those that cannot be used.
    pub(super) faults: Vec<Fault>,
}

/// What cannot be used, and of which coin it is.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) error: Arc<CoinFileError>,
    names: Names,
}

/// The names in a descriptor, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    coin: Option<String>,
    net: Option<String>,
}

impl Folder {
    /// Reads every descriptor of a folder, in the order of their file names.
    pub(super) fn read(dir: &Path) -> Result<Self, CoinFileError> {
        let entries = fs::read_dir(dir).map_err(unreadable(dir))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = paths
            .collect::<Result<Vec<_>, _>>()
            .map_err(unreadable(dir))?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == EXTENSION));
        paths.sort();
        let mut folder = Self::default();
        for path in paths {
            match Fault::or_coin(&path) {
                Ok(known) => folder.coins.push(known),
                Err(fault) => folder.faults.push(*fault),
            }
        }
        folder.part_twins();
        Ok(folder)
    }

    /// Takes out what two files describe: neither is more right than the other.
    fn part_twins(&mut self) {
        let mut twins: Vec<Fault> = Vec::new();
        for (position, one) in self.coins.iter().enumerate() {
            let (coin, net) = one.names();
            let others = self.coins.iter().skip(position + 1);
            let other = others.clone().find(|other| other.is(coin, net));
            if let (Some(other), Source::File(first)) = (other, &one.source)
                && let Source::File(second) = &other.source
                && !twins.iter().any(|twin| twin.is_of(coin, net))
            {
                twins.push(Fault::twins(one, first, second));
            }
        }
        self.coins.retain(|known| {
            let (coin, net) = known.names();
            !twins.iter().any(|twin| twin.is_of(coin, net))
        });
        self.faults.append(&mut twins);
    }
}

impl Fault {
    /// Reads a descriptor; says what is wrong with it otherwise, and of which coin it is.
    fn or_coin(path: &Path) -> Result<KnownCoin, Box<Self>> {
        let fault = |error, names| {
            let error = Arc::new(error);
            Box::new(Self { error, names })
        };
        let text = text(path).map_err(|error| fault(error, Names::default()))?;
        of_text(path, &text).map_err(|error| fault(error, Names::guess(&text)))
    }

    fn twins(known: &KnownCoin, first: &Path, second: &Path) -> Self {
        let (coin, net) = known.names();
        let (coin, net) = (coin.to_owned(), net.to_owned());
        Self {
            names: Names {
                coin: Some(coin.clone()),
                net: Some(net.clone()),
            },
            error: Arc::new(CoinFileError::Twice {
                coin,
                net,
                first: first.to_owned(),
                second: second.to_owned(),
            }),
        }
    }

    /// Tells whether it is the descriptor of this coin and net.
    pub(super) fn is_of(&self, coin: &str, net: &str) -> bool {
        let Names { coin: own, net: on } = &self.names;
        own.is_some() && on.is_some() && self.may_be_of(coin, net)
    }

    /// Tells whether it may be the descriptor of this coin and net, for all that is known.
    pub(super) fn may_be_of(&self, coin: &str, net: &str) -> bool {
        let may_be = |own: &Option<String>, name| {
            own.as_ref()
                .is_none_or(|own: &String| own.eq_ignore_ascii_case(name))
        };
        may_be(&self.names.coin, coin) && may_be(&self.names.net, net)
    }
}

impl Names {
    /// Looks for the names in a text that is no descriptor, and perhaps not even TOML.
    fn guess(text: &str) -> Self {
        let top = text.lines().map(str::trim);
        let top = top.take_while(|line| !line.starts_with('['));
        let value = |key: &str| {
            let mut values = top.clone().filter_map(|line| value(line, key));
            values.next().map(str::to_owned)
        };
        Self {
            coin: value("coin"),
            net: value("net"),
        }
    }
}

/// Gives what a line says after `key =`, in quotes.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let after = line.strip_prefix(key)?.trim_start().strip_prefix('=')?;
    let after = after.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, _rest) = after.strip_prefix(quote)?.split_once(quote)?;
    Some(value)
}

/// Reads the descriptor in a file and tries its examples.
pub(super) fn read(path: &Path) -> Result<KnownCoin, CoinFileError> {
    of_text(path, &text(path)?)
}

fn of_text(path: &Path, text: &str) -> Result<KnownCoin, CoinFileError> {
    Ok(KnownCoin {
        coin: parse(&path.display().to_string(), text)?,
        source: Source::File(path.to_owned()),
    })
}

/// Makes the coin that a text describes and tries its examples.
pub(super) fn parse(file: &str, text: &str) -> Result<FamilyCoin, CoinFileError> {
    FamilyCoin::from_toml(text).map_err(|source| CoinFileError::Invalid {
        file: file.to_owned(),
        source,
    })
}

fn text(path: &Path) -> Result<String, CoinFileError> {
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable(path))?;
    file.take(MAX_LEN + 1)
        .read_to_string(&mut text)
        .map_err(unreadable(path))?;
    match u64::try_from(text.len()) {
        Ok(len) if len <= MAX_LEN => Ok(text),
        _ => Err(CoinFileError::TooLong(path.to_owned())),
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> CoinFileError {
    move |source| CoinFileError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_names_where_the_rest_is_wrong() {
        for (text, coin, net) in [
            (
                "coin = \"A\"\nnet = \"b\" # main\ncolour",
                Some("A"),
                Some("b"),
            ),
            ("  coin='A'\nnet = b", Some("A"), None),
            ("coins = \"A\"\nnetwork = \"b\"", None, None),
            ("net = \"b\"\n[x]\ncoin = \"A\"", None, Some("b")),
            ("", None, None),
        ] {
            let expected = Names {
                coin: coin.map(str::to_owned),
                net: net.map(str::to_owned),
            };
            assert_eq!(Names::guess(text), expected, "{text}");
        }
    }
}
