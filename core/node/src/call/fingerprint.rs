//! What a certificate is known by.

use std::fmt;

use bitcoin::hashes::{Hash as _, sha256};
use electrode_protocol::decode_hex;

use crate::config::FromText;

/// SHA-256 of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Hashes a certificate, in DER.
    pub(super) fn of(certificate: &[u8]) -> Self {
        Self(sha256::Hash::hash(certificate).to_byte_array())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// In hex, with or without the colons that `openssl x509 -fingerprint` puts between bytes.
impl FromText for Fingerprint {
    fn from_text(text: &str) -> Result<Self, String> {
        let hex: String = text.chars().filter(|c| *c != ':').collect();
        let bytes = decode_hex(&hex).and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| "the SHA-256 of a certificate: 64 hexadecimal digits".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_log_and_openssl_print() {
        let known = Fingerprint::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(known.to_string(), text);
        let pairs: Vec<_> = known.0.iter().map(|byte| format!("{byte:02X}")).collect();
        for text in [text, &text.to_uppercase(), &pairs.join(":")] {
            assert_eq!(Fingerprint::from_text(text), Ok(known));
        }
        for text in ["", "ba78", &format!("{text}00"), &text.replace('b', "g")] {
            Fingerprint::from_text(text).unwrap_err();
        }
    }
}
