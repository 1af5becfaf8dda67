//! How a descriptor writes the layout of headers: `header = { family = "…" }`.

use std::{fmt, ops::RangeInclusive};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{HeaderFamily, HeaderStep, PLAIN_LEN};
use crate::{descriptor::value, words};

/// Lengths that a header can have: Bitcoin's is the shortest; the longest known has 1487 bytes.
const LENGTHS: RangeInclusive<usize> = PLAIN_LEN..=0x1_0000;

/// Each family, and how it is written.
const FAMILIES: [(&str, &str); 4] = [
    ("fixed", "{ family = \"fixed\", len = 80 }"),
    ("auxpow", "{ family = \"auxpow\" }"),
    (
        "stepped",
        "{ family = \"stepped\", steps = [{ from = 0, len = 80 }, { from = 1219736, len = 120 }] }",
    ),
    ("custom", "{ family = \"custom\" }"),
];

/// The keys of the table, whichever family it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    family: String,
    #[serde(default, deserialize_with = "some_len")]
    len: Option<usize>,
    steps: Option<Vec<HeaderStep>>,
}

/// Reads the length of a header.
pub(super) fn len<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    value::whole(deserializer, "a length in bytes", LENGTHS)
}

fn some_len<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    len(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for HeaderFamily {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TableVisitor)
    }
}

struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = HeaderFamily;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a table such as {}", example("fixed"))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<HeaderFamily, E> {
        let message = match FAMILIES.iter().find(|(family, _)| *family == name) {
            Some((_, example)) => format!("expected a table, got {name:?}: write {example}"),
            None => unknown(name),
        };
        Err(E::custom(message))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HeaderFamily, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        HeaderFamily::try_from(table).map_err(A::Error::custom)
    }
}

impl TryFrom<Table> for HeaderFamily {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let Table { family, len, steps } = table;
        match (family.as_str(), len, steps) {
            ("fixed", Some(len), None) => Ok(Self::Fixed { len }),
            ("stepped", None, Some(steps)) => {
                check_steps(&steps)?;
                Ok(Self::Stepped { steps })
            }
            ("auxpow", None, None) => Ok(Self::AuxPow {}),
            ("custom", None, None) => Ok(Self::Custom {}),
            (known, len, steps) if FAMILIES.iter().any(|(name, _)| *name == known) => {
                let keys = [("len", len.is_some()), ("steps", steps.is_some())];
                let got: Vec<_> = keys.iter().filter(|(_, is_there)| *is_there).collect();
                let got = match got.as_slice() {
                    [] => "no other key".to_owned(),
                    keys => words::all_of(&keys.iter().map(|(key, _)| *key).collect::<Vec<_>>()),
                };
                Err(format!(
                    "expected the keys of {}, got {got} beside family",
                    example(known)
                ))
            }
            (name, ..) => Err(unknown(name)),
        }
    }
}

/// Steps rise from the genesis block on: another order would hide some of them.
fn check_steps(steps: &[HeaderStep]) -> Result<(), String> {
    let example = example("stepped");
    match steps.first() {
        None => return Err(format!("expected at least one step, got none: {example}")),
        Some(first) if first.from.0 != 0 => {
            return Err(format!(
                "expected the first step at the genesis block, from = 0, got from = {}: {example}",
                first.from
            ));
        }
        Some(_) => {}
    }
    let mut pairs = steps.iter().zip(steps.iter().skip(1));
    match pairs.find(|(step, next)| step.from >= next.from) {
        Some((step, next)) => Err(format!(
            "expected steps in rising order, got from = {} after from = {}: {example}",
            next.from, step.from
        )),
        None => Ok(()),
    }
}

fn unknown(name: &str) -> String {
    let names = FAMILIES.map(|(name, _)| format!("\"{name}\""));
    let example = example("fixed");
    format!(
        "expected family {}, got {name:?}: {example}",
        words::any_of(&names)
    )
}

/// Shows how a family is written.
fn example(family: &str) -> &'static str {
    let known = FAMILIES.iter().find(|(name, _)| *name == family);
    known.map_or("", |(_, example)| example)
}
