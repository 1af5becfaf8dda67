//! What stands before the hash in a Base58 address.

use std::{fmt, str::FromStr};

use bitcoin::hex::{DisplayHex as _, FromHex as _};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

/// Longest version in bytes; the longest known has 4.
const MAX_LEN: usize = 8;

/// How much of a text that is no version is shown.
const MAX_SHOWN: usize = 40;

/// The version in front of the hash in a Base58 address: one byte on most chains, more on some.
///
/// Shape in TOML: a number for one byte (`0x1c`), hexadecimal digits for any (`"1cb8"`).
#[derive(Clone, PartialEq, Eq)]
pub struct AddressVersion(Vec<u8>);

/// Text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a version such as 0x1c or \"1cb8\", the hexadecimal digits of 1 to {MAX_LEN} bytes, \
     got {0:?}"
)]
pub struct ParseVersionError(String);

impl AddressVersion {
    /// Gives its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives the byte it is, if it is only one.
    fn as_byte(&self) -> Option<u8> {
        match self.0.as_slice() {
            [byte] => Some(*byte),
            _ => None,
        }
    }
}

impl From<u8> for AddressVersion {
    fn from(byte: u8) -> Self {
        Self(vec![byte])
    }
}

impl FromStr for AddressVersion {
    type Err = ParseVersionError;

    fn from_str(digits: &str) -> Result<Self, ParseVersionError> {
        match Vec::from_hex(digits) {
            Ok(bytes) if (1..=MAX_LEN).contains(&bytes.len()) => Ok(Self(bytes)),
            _ => Err(ParseVersionError(digits.chars().take(MAX_SHOWN).collect())),
        }
    }
}

impl fmt::Display for AddressVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hex().fmt(f)
    }
}

impl fmt::Debug for AddressVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Reads the versions of pay-to-public-key-hash.
///
/// Two numbers are no list of versions here: no chain is known that has two, but several have one
/// of two bytes, which looks like it.
pub(super) fn of_key_hashes<'de, D>(deserializer: D) -> Result<Vec<AddressVersion>, D::Error>
where
    D: Deserializer<'de>,
{
    let versions: Vec<Written> = not_empty(deserializer)?;
    if versions.len() > 1 && versions.iter().all(|version| version.is_number) {
        let digits: String = versions
            .iter()
            .map(|version| version.version.to_string())
            .collect();
        return Err(D::Error::custom(format_args!(
            "expected one version, got {} numbers: a version of {} bytes is one text, [\"{digits}\"]",
            versions.len(),
            versions.len(),
        )));
    }
    Ok(plain(versions))
}

/// Reads the versions of pay-to-script-hash: old and new form are both in use on many chains.
pub(super) fn of_script_hashes<'de, D>(deserializer: D) -> Result<Vec<AddressVersion>, D::Error>
where
    D: Deserializer<'de>,
{
    not_empty(deserializer).map(plain)
}

/// Writes what [`of_key_hashes`] reads.
pub(super) fn write_key_hashes<S>(
    versions: &[AddressVersion],
    serializer: S,
) -> Result<S::Ok, S::Error>
where
    S: Serializer,
{
    match versions {
        [version] => [Plainly(version)].serialize(serializer),
        versions => serializer.collect_seq(versions.iter().map(ToString::to_string)),
    }
}

/// Writes what [`of_script_hashes`] reads.
pub(super) fn write_script_hashes<S>(
    versions: &[AddressVersion],
    serializer: S,
) -> Result<S::Ok, S::Error>
where
    S: Serializer,
{
    serializer.collect_seq(versions.iter().map(Plainly))
}

fn not_empty<'de, D>(deserializer: D) -> Result<Vec<Written>, D::Error>
where
    D: Deserializer<'de>,
{
    let versions: Vec<Written> = Vec::deserialize(deserializer)?;
    if versions.is_empty() {
        return Err(D::Error::custom(
            "expected at least one version, such as [0x1c], got none",
        ));
    }
    Ok(versions)
}

fn plain(versions: Vec<Written>) -> Vec<AddressVersion> {
    versions
        .into_iter()
        .map(|written| written.version)
        .collect()
}

/// A version, and how it is written.
struct Written {
    version: AddressVersion,
    is_number: bool,
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl Visitor<'_> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version such as 0x1c or \"1cb8\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Written, E> {
        one_byte(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Written, E> {
        one_byte(number)
    }

    fn visit_str<E: Error>(self, digits: &str) -> Result<Written, E> {
        Ok(Written {
            version: digits.parse().map_err(E::custom)?,
            is_number: false,
        })
    }
}

fn one_byte<E: Error>(number: impl TryInto<u8> + Copy + fmt::Display) -> Result<Written, E> {
    let byte = number.try_into().map_err(|_too_large| {
        E::custom(format_args!(
            "expected a version of one byte, from 0x00 to 0xff, got {number}: write a longer one \
             as its hexadecimal digits, such as \"1cb8\""
        ))
    })?;
    Ok(Written {
        version: byte.into(),
        is_number: true,
    })
}

/// A version as a number if it is one byte, which servers before this form read too.
struct Plainly<'a>(&'a AddressVersion);

impl Serialize for Plainly<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_byte() {
            Some(byte) => byte.serialize(serializer),
            None => serializer.collect_str(self.0),
        }
    }
}
