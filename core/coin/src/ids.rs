//! Hashes that name things, in internal byte order, printed in display order (reversed hex).

use std::{borrow::Cow, fmt, str::FromStr};

use bitcoin::hashes::{Hash as _, sha256};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct ParseHexError;

/// Defines a 32-byte hash: a macro because the types differ in name only, and must differ.
macro_rules! hash32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// Gives the bytes in display order, which is the reverse of the internal order.
            #[must_use]
            pub fn display_bytes(&self) -> [u8; 32] {
                let mut bytes = self.0;
                bytes.reverse();
                bytes
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_reversed_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_reversed_hex(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }

        impl FromStr for $name {
            type Err = ParseHexError;

            fn from_str(text: &str) -> Result<Self, ParseHexError> {
                parse_reversed_hex(text).map(Self)
            }
        }
    };
}

hash32! {
    /// Names a transaction: double SHA-256 of its serialisation without witness.
    ///
    /// Shape: internal byte order; `Ord` is internal order too. What the Electrum protocol sorts
    /// by is [`Txid::display_bytes`].
    Txid
}

hash32! {
    /// Names a block: the coin's hash of its header. Internal byte order.
    BlockHash
}

hash32! {
    /// Names an output script as wallets do: SHA-256 of the script.
    ///
    /// Shape: the plain digest; on the wire it is reversed hex.
    /// Source: Electrum protocol basics, "Script hashes".
    ScriptHash
}

impl ScriptHash {
    /// Hashes an output script.
    #[must_use]
    pub fn of(script: &[u8]) -> Self {
        Self(sha256::Hash::hash(script).to_byte_array())
    }

    /// Gives the part of the hash that the index and the mempool go by.
    #[must_use]
    pub fn key(&self) -> ScriptKey {
        let [a, b, c, d, e, f, g, h, i, j, k, ..] = self.0;
        ScriptKey([a, b, c, d, e, f, g, h, i, j, k])
    }
}

/// The first 11 bytes of a [`ScriptHash`]: what the index and the mempool file a script under.
///
/// 88 bits leave no collision to chance, and to collide with a given script takes 2^88 work.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScriptKey(pub [u8; Self::LEN]);

impl ScriptKey {
    /// Bytes of a key.
    pub const LEN: usize = 11;
}

impl fmt::Debug for ScriptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Names one output of a transaction.
///
/// Shape: as in a transaction, 36 bytes; plugins count on it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutPoint {
    /// Transaction that made the output.
    pub txid: Txid,
    /// Position of the output in that transaction.
    pub vout: u32,
}

impl OutPoint {
    /// What a coinbase input names: no output at all.
    pub const NULL: Self = Self {
        txid: Txid([0; 32]),
        vout: u32::MAX,
    };

    /// Tells whether an input with this outpoint makes new coins.
    #[must_use]
    pub fn is_null(&self) -> bool {
        *self == Self::NULL
    }
}

impl fmt::Display for OutPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.txid, self.vout)
    }
}

fn write_reversed_hex(bytes: &[u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes
        .iter()
        .rev()
        .try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn parse_reversed_hex(text: &str) -> Result<[u8; 32], ParseHexError> {
    let digits: &[u8; 64] = text
        .as_bytes()
        .try_into()
        .map_err(|_wrong_len| ParseHexError)?;
    let (pairs, _) = digits.as_chunks::<2>();
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().rev().zip(pairs) {
        *byte = (hex_digit(*high)? << 4) | hex_digit(*low)?;
    }
    Ok(bytes)
}

fn hex_digit(digit: u8) -> Result<u8, ParseHexError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(ParseHexError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_in_display_order() {
        let text = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
        let hash: BlockHash = text.parse().unwrap();
        assert_eq!(hash.0[0], 0x6f);
        assert_eq!(hash.to_string(), text);
        assert_eq!(hash.display_bytes()[31], 0x6f);
    }

    #[test]
    fn refuses_text_that_is_not_a_hash() {
        for text in ["", "00", &"g".repeat(64), &"0".repeat(63), &"é".repeat(32)] {
            assert_eq!(text.parse::<Txid>(), Err(ParseHexError), "{text:?}");
        }
    }

    #[test]
    fn takes_the_first_bytes_of_the_digest_as_key() {
        // sha256("") starts e3b0c442 98fc1c14 9afbf4
        assert_eq!(
            format!("{:?}", ScriptHash::of(b"").key()),
            "e3b0c44298fc1c149afbf4"
        );
    }
}
