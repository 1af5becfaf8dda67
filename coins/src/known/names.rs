//! Names of coins and nets that are not known, and what may have been meant by them.

use std::fmt;

/// Names that are told beside an unknown one, at the most.
const NEAR_NAMES: usize = 5;

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

impl UnknownCoinError {
    /// Says that there is no such coin, of those that there are.
    pub(super) fn coin<'a>(coin: &str, coins: impl Iterator<Item = &'a str>) -> Self {
        Self {
            what: format!("coin \"{coin}\""),
            choices: alike(coin, coins),
        }
    }

    /// Says that the coin has no such net, of those that it has.
    pub(super) fn net<'a>(net: &str, coin: &str, nets: impl Iterator<Item = &'a str>) -> Self {
        Self {
            what: format!("net \"{net}\" of coin \"{coin}\""),
            choices: all(net, nets),
        }
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, ": expected {}", self.0.join(", "))
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
