//! Values of a descriptor's keys: how they are read, so that a wrong one is told in words.

use std::{borrow::Cow, fmt, ops::RangeInclusive};

use bitcoin::bech32::Hrp;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IntoDeserializer as _, Unexpected, Visitor},
};

use crate::{Height, words};

/// Longest name or remark, in bytes.
const MAX_TEXT_LEN: usize = 200;

/// Reads a port.
pub(super) fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    whole(deserializer, "a port", 1..=u16::MAX)
}

/// Reads a number of blocks.
pub(super) fn blocks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    whole(deserializer, "a number of blocks", 1..=u32::MAX)
}

/// Reads a number that only tells versions apart.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    whole(deserializer, "a number", 0..=u32::MAX)
}

/// Reads a height.
pub(crate) fn height<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Height, D::Error> {
    whole(deserializer, "a height", 0..=u32::MAX).map(Height)
}

/// Reads a whole number of a range; `what` says what it stands for.
pub(crate) fn whole<'de, D, T>(
    deserializer: D,
    what: &'static str,
    range: RangeInclusive<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Copy + PartialOrd + TryFrom<i128> + fmt::Display,
{
    deserializer.deserialize_i64(Whole { what, range })
}

/// Reads the name of one of the values that `T` can have.
pub(super) fn named<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let name = String::deserialize(deserializer)?;
    let named = T::deserialize(name.as_str().into_deserializer());
    named.map_err(|Unnamed(message)| D::Error::custom(message))
}

/// Reads the name of a coin, a net or a chain.
pub(super) fn name<'de, D>(deserializer: D) -> Result<Cow<'static, str>, D::Error>
where
    D: Deserializer<'de>,
{
    text(deserializer, "a name")
}

/// Reads a remark.
pub(super) fn remark<'de, D>(deserializer: D) -> Result<Option<Cow<'static, str>>, D::Error>
where
    D: Deserializer<'de>,
{
    text(deserializer, "a remark").map(Some)
}

/// Reads the human-readable part of segwit addresses.
pub(crate) fn bech32_prefix<'de, D>(deserializer: D) -> Result<Option<Cow<'static, str>>, D::Error>
where
    D: Deserializer<'de>,
{
    let prefix = String::deserialize(deserializer)?;
    if Hrp::parse(&prefix).is_ok() && !prefix.chars().any(|c| c.is_ascii_uppercase()) {
        return Ok(Some(prefix.into()));
    }
    Err(D::Error::custom(format_args!(
        "expected lower-case letters and digits, such as \"bc\", got {prefix:?}; leave the key out \
         where the chain has no segwit addresses"
    )))
}

fn text<'de, D>(deserializer: D, what: &str) -> Result<Cow<'static, str>, D::Error>
where
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    let is_one_line = !text.chars().any(char::is_control);
    if !text.trim().is_empty() && text.len() <= MAX_TEXT_LEN && is_one_line {
        return Ok(text.into());
    }
    let start: String = text.chars().take(MAX_TEXT_LEN).collect();
    Err(D::Error::custom(format_args!(
        "expected {what} of one line and at most {MAX_TEXT_LEN} bytes, got {start:?}"
    )))
}

/// Takes whole numbers of a range.
struct Whole<T> {
    what: &'static str,
    range: RangeInclusive<T>,
}

impl<T: Copy + PartialOrd + TryFrom<i128> + fmt::Display> Whole<T> {
    fn take<E: Error>(&self, number: i128) -> Result<T, E> {
        let value = T::try_from(number).ok();
        value
            .filter(|value| self.range.contains(value))
            .ok_or_else(|| E::custom(format_args!("expected {self}, got {number}")))
    }
}

impl<T: fmt::Display> fmt::Display for Whole<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, range } = self;
        write!(f, "{what} from {} to {}", range.start(), range.end())
    }
}

impl<T> Visitor<'_> for Whole<T>
where
    T: Copy + PartialOrd + TryFrom<i128> + fmt::Display,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.take(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.take(number.into())
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<T, E> {
        self.take(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Err(E::custom(format_args!(
            "expected {self}, got {text:?}: write it without quotes"
        )))
    }
}

/// Says that a name is none of those there are.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unnamed(String);

impl Error for Unnamed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn unknown_variant(name: &str, names: &'static [&'static str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
        Self(format!("expected {}, got {name:?}", words::any_of(&names)))
    }

    fn invalid_type(got: Unexpected<'_>, _expected: &dyn serde::de::Expected) -> Self {
        Self(format!("expected a name alone, got {got}"))
    }
}
