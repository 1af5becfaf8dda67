//! What a certificate, or a file with a key, says of its key.
//!
//! It reads no further than it takes to pair the two, and to say why one cannot be used. rustls
//! would read certificates of version 3 only, and refuse what it does not know of them; but wallets
//! that remember a certificate look at nothing in it, and many servers have one of version 1.

use std::fmt;

use rustls::pki_types::PrivateKeyDer;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0]`: the version of a certificate, or the curve of a key.
const FIRST_OPTION: u8 = 0xa0;

/// Object identifiers of curves, and their names. Source: RFC 5480, SEC 2.
const CURVES: &[(&[u8], &str)] = &[
    (b"\x2a\x86\x48\xce\x3d\x03\x01\x07", "P-256"),
    (b"\x2b\x81\x04\x00\x22", "P-384"),
    (b"\x2b\x81\x04\x00\x23", "P-521"),
    (b"\x2b\x81\x04\x00\x0a", "secp256k1"),
];

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// RSA.
    Rsa {
        /// Length of the modulus.
        bits: usize,
    },
    /// ECDSA, on a curve; `None`: one that is not known here.
    Ecdsa(Option<&'static str>),
    /// Ed25519.
    Ed25519,
    /// Anything else.
    Other,
}

impl KeyKind {
    /// Tells whether TLS can be spoken with it here.
    pub(super) fn is_spoken(self) -> bool {
        match self {
            Self::Rsa { bits } => (2048..=4096).contains(&bits),
            Self::Ecdsa(curve) => matches!(curve, Some("P-256" | "P-384")),
            Self::Ed25519 => true,
            Self::Other => false,
        }
    }

    /// Tells the kind of a private key; `None` where it is none.
    pub(super) fn of(key: &PrivateKeyDer<'_>) -> Option<Self> {
        let mut key = Der(key.secret_der()).sequence()?;
        key.expect(INTEGER)?;
        match key.next()? {
            // PKCS#1: version, modulus, …
            (INTEGER, modulus) => Some(Self::rsa(modulus)),
            // PKCS#8: version, algorithm, key.
            (SEQUENCE, algorithm) => {
                let inner = key.expect(OCTET_STRING)?;
                Self::read(Der(algorithm), || {
                    let mut rsa = Der(inner).sequence()?;
                    rsa.expect(INTEGER)?;
                    rsa.expect(INTEGER)
                })
            }
            // SEC 1: version, key, curve.
            (OCTET_STRING, _key) => {
                let curve = Der(key.expect(FIRST_OPTION)?).expect(OBJECT_IDENTIFIER)?;
                Some(Self::ecdsa(curve))
            }
            _ => None,
        }
    }

    /// Reads an algorithm with its parameters.
    fn read<'a>(
        mut algorithm: Der<'_>,
        modulus: impl FnOnce() -> Option<&'a [u8]>,
    ) -> Option<Self> {
        Some(match algorithm.expect(OBJECT_IDENTIFIER)? {
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" => Self::rsa(modulus()?),
            b"\x2a\x86\x48\xce\x3d\x02\x01" => {
                Self::ecdsa(algorithm.expect(OBJECT_IDENTIFIER).unwrap_or_default())
            }
            b"\x2b\x65\x70" => Self::Ed25519,
            _ => Self::Other,
        })
    }

    fn ecdsa(curve: &[u8]) -> Self {
        let known = CURVES.iter().find(|(identifier, _)| *identifier == curve);
        Self::Ecdsa(known.map(|(_, name)| *name))
    }

    fn rsa(modulus: &[u8]) -> Self {
        let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
        let digits = modulus.get(zeros..).unwrap_or_default();
        let unused = digits.first().map_or(0, |first| first.leading_zeros());
        let unused = usize::try_from(unused).unwrap_or_default();
        Self::Rsa {
            bits: digits.len() * 8 - unused,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA of {bits} bits"),
            Self::Ecdsa(Some(curve)) => write!(f, "ECDSA on {curve}"),
            Self::Ecdsa(None) => f.write_str("ECDSA on another curve"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other => f.write_str("another algorithm"),
        }
    }
}

/// The key that a certificate is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PublicKey<'a> {
    pub(super) kind: KeyKind,
    /// The key itself, as the algorithm has it.
    pub(super) bytes: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Finds it in an X.509 certificate of any version; `None` where it is none.
    pub(super) fn of(certificate: &'a [u8]) -> Option<Self> {
        let mut signed = Der(certificate).sequence()?.sequence()?;
        // Certificates of version 1 do not say so.
        if signed.0.first() == Some(&FIRST_OPTION) {
            signed.next()?;
        }
        // Serial number, signature, issuer, validity, subject.
        for _ in 0..5 {
            signed.next()?;
        }
        let mut key = signed.sequence()?;
        let algorithm = key.sequence()?;
        // The first byte tells how many bits of the last one are not used: none, of a key.
        let bytes = key.expect(BIT_STRING)?.strip_prefix(&[0])?;
        let kind = KeyKind::read(algorithm, || Der(bytes).sequence()?.expect(INTEGER))?;
        Some(Self { kind, bytes })
    }
}

/// What is left of DER to be read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// Takes an element off: its tag, and what is in it.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (len, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((*tag, content))
    }

    /// Takes an element off that has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, content) = self.next()?;
        (found == tag).then_some(content)
    }

    fn sequence(&mut self) -> Option<Self> {
        self.expect(SEQUENCE).map(Self)
    }
}

/// Takes a length off: one byte, or the number of bytes that it has and these.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let count = match first {
        0..=0x7f => return Some((usize::from(*first), rest)),
        0x81..=0x84 => usize::from(first & 0x7f),
        _ => return None,
    };
    let (digits, rest) = rest.split_at_checked(count)?;
    let len = digits
        .iter()
        .fold(0, |len, byte| len << 8 | usize::from(*byte));
    Some((len, rest))
}
