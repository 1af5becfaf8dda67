//! Addresses, both ways: Base58Check for hashes, bech32 and bech32m for witness programs.

mod version;

use std::borrow::Cow;

use bitcoin::{
    base58,
    bech32::{Fe32, Hrp, segwit},
};
use serde::{Deserialize, Serialize};

use crate::{descriptor::value, words};

pub use version::{AddressVersion, ParseVersionError};

/// Bytes of the hash in a Base58 address.
const HASH_LEN: usize = 20;

/// How addresses of a chain are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// Versions of pay-to-public-key-hash; the first is the one written.
    #[serde(
        serialize_with = "version::write_key_hashes",
        deserialize_with = "version::of_key_hashes"
    )]
    pub p2pkh: Vec<AddressVersion>,
    /// Versions of pay-to-script-hash; the first is the one written.
    #[serde(
        serialize_with = "version::write_script_hashes",
        deserialize_with = "version::of_script_hashes"
    )]
    pub p2sh: Vec<AddressVersion>,
    /// Human-readable part of segwit addresses (BIP173, BIP350); `None` where there are none.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "value::bech32_prefix"
    )]
    pub bech32: Option<Cow<'static, str>>,
}

/// Why a text is no address of a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It has neither a valid Base58 nor a valid bech32 checksum.
    #[error(
        "\"{address}\" is not a valid address: its checksum does not match, was it copied whole?"
    )]
    Checksum {
        /// What came.
        address: String,
    },
    /// It is an address of another chain.
    #[error("\"{address}\" is an address of another chain: expected {expected}")]
    OtherChain {
        /// What came.
        address: String,
        /// The beginnings that this chain knows.
        expected: String,
    },
    /// The code of a plugin says that it is none.
    #[error("{reason}")]
    Refused {
        /// In its words.
        reason: String,
    },
}

/// Turns an address into its output script.
pub(crate) fn to_script(addresses: &Addresses, address: &str) -> Result<Vec<u8>, AddressError> {
    if let Ok((hrp, version, program)) = segwit::decode(address) {
        return match &addresses.bech32 {
            Some(expected) if hrp.as_str().eq_ignore_ascii_case(expected) => {
                Ok(witness_script(version, &program))
            }
            _ => Err(other_chain(addresses, address)),
        };
    }
    let Ok(payload) = base58::decode_check(address) else {
        return Err(AddressError::Checksum {
            address: address.to_owned(),
        });
    };
    match payload.split_last_chunk::<HASH_LEN>() {
        Some((version, hash)) if is_one_of(&addresses.p2pkh, version) => {
            Ok([&[0x76, 0xa9, 20], &hash[..], &[0x88, 0xac]].concat())
        }
        Some((version, hash)) if is_one_of(&addresses.p2sh, version) => {
            Ok([&[0xa9, 20], &hash[..], &[0x87]].concat())
        }
        _ => Err(other_chain(addresses, address)),
    }
}

fn is_one_of(versions: &[AddressVersion], version: &[u8]) -> bool {
    versions.iter().any(|known| known.as_bytes() == version)
}

/// Turns an output script into its address, if it is of a form that has one.
pub(crate) fn from_script(addresses: &Addresses, script: &[u8]) -> Option<String> {
    match script {
        [0x76, 0xa9, 20, hash @ .., 0x88, 0xac] if hash.len() == HASH_LEN => {
            base58_address(addresses.p2pkh.first()?, hash)
        }
        [0xa9, 20, hash @ .., 0x87] if hash.len() == HASH_LEN => {
            base58_address(addresses.p2sh.first()?, hash)
        }
        [version @ (0x00 | 0x51..=0x60), len, program @ ..]
            if usize::from(*len) == program.len() =>
        {
            let hrp = Hrp::parse(addresses.bech32.as_deref()?).ok()?;
            let version = Fe32::try_from(version.saturating_sub(0x50)).ok()?;
            segwit::encode(hrp, version, program).ok()
        }
        _ => None,
    }
}

fn base58_address(version: &AddressVersion, hash: &[u8]) -> Option<String> {
    Some(base58::encode_check(&[version.as_bytes(), hash].concat()))
}

/// Shape: `OP_0` or `OP_1`..`OP_16` ‖ length ‖ program. Source: BIP141.
fn witness_script(version: Fe32, program: &[u8]) -> Vec<u8> {
    let opcode = match version.to_u8() {
        0 => 0x00,
        version => 0x50 + version,
    };
    // A valid segwit address has a program of 2 to 40 bytes.
    let len = u8::try_from(program.len()).unwrap_or(u8::MAX);
    [&[opcode, len], program].concat()
}

fn other_chain(addresses: &Addresses, address: &str) -> AddressError {
    let versions = addresses.p2pkh.iter().chain(&addresses.p2sh);
    let versions: Vec<_> = versions.map(ToString::to_string).collect();
    let mut expected = format!("Base58 with version {}", words::any_of(&versions));
    if let Some(hrp) = &addresses.bech32 {
        expected.push_str(&format!(", or bech32 starting with {hrp}1"));
    }
    AddressError::OtherChain {
        address: address.to_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mainnet() -> Addresses {
        Addresses {
            p2pkh: vec![0x00.into()],
            p2sh: vec![0x05.into()],
            bech32: Some("bc".into()),
        }
    }

    /// Pairs of BIP173, BIP350 and the genesis coinbase's well-known address.
    const PAIRS: [(&str, &str); 4] = [
        (
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac",
        ),
        (
            "3P14159f73E4gFr7JterCCQh9QjiTjiZrG",
            "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87",
        ),
        (
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "0014751e76e8199196d454941c45d1b3a323f1433bd6",
        ),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        ),
    ];

    /// Crown has versions of three bytes, and still reads those of one byte that it had before.
    fn crown() -> Addresses {
        let versions = |long: &str, short: u8| vec![long.parse().unwrap(), short.into()];
        Addresses {
            p2pkh: versions("017507", 0x00),
            p2sh: versions("0174f1", 0x1c),
            bech32: None,
        }
    }

    fn check(addresses: &Addresses, address: &str, script_hex: &str) {
        let script = to_script(addresses, address).unwrap();
        let hex: String = script.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, script_hex, "{address}");
        assert_eq!(from_script(addresses, &script).as_deref(), Some(address));
    }

    #[test]
    fn converts_both_ways() {
        for (address, script_hex) in PAIRS {
            check(&mainnet(), address, script_hex);
        }
    }

    /// Source: Crown Core's release notes of 0.13.0, which name old and new form of one address;
    /// the pay-to-script-hash address is made of Crown's version and the hash in `PAIRS`.
    #[test]
    fn converts_versions_of_several_bytes() {
        let crown = crown();
        check(
            &crown,
            "CRWGZiLqSUbCTWkm3ABp5qpXdun2h8DJCKYF",
            "76a9143271b95d0a3af5b1095502895a422a907b30841288ac",
        );
        check(
            &crown,
            "CRMhqkjhNL3mQC7kSPs9F2aDLfTVPuyaamsz",
            "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87",
        );
        let [old, new] = [
            "15bj2HB2UbmjEZgXyEW4M8MhUL5TXGCN8L",
            "CRWGZiLqSUbCTWkm3ABp5qpXdun2h8DJCKYF",
        ]
        .map(|address| to_script(&crown, address).unwrap());
        assert_eq!(old, new);
        let foreign = to_script(&mainnet(), "CRWGZiLqSUbCTWkm3ABp5qpXdun2h8DJCKYF").unwrap_err();
        let expected = "expected Base58 with version 00 or 05, or bech32 starting with bc1";
        assert!(foreign.to_string().ends_with(expected), "{foreign}");
        let foreign = to_script(&crown, "3P14159f73E4gFr7JterCCQh9QjiTjiZrG").unwrap_err();
        let expected = "expected Base58 with version 017507, 00, 0174f1 or 1c";
        assert!(foreign.to_string().ends_with(expected), "{foreign}");
    }

    #[test]
    fn refuses_what_is_not_an_address_of_the_chain() {
        let checksum = to_script(&mainnet(), "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb").unwrap_err();
        assert!(
            matches!(checksum, AddressError::Checksum { .. }),
            "{checksum}"
        );
        for foreign in [
            "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        ] {
            let error = to_script(&mainnet(), foreign).unwrap_err();
            assert!(matches!(error, AddressError::OtherChain { .. }), "{error}");
        }
    }

    #[test]
    fn gives_no_address_to_other_scripts() {
        for script in [&[][..], &[0x6a, 1, 2], &[0x00, 20, 1], &[0x51], &[0x51, 0]] {
            assert_eq!(from_script(&mainnet(), script), None, "{script:02x?}");
        }
    }
}
