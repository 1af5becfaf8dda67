//! What can be wrong with a certificate.

use std::{io, path::PathBuf};

/// Why there is no certificate to use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("tls.{setting} {}: expected a file that can be read: {source}; check path and permissions", .path.display())]
    Unreadable {
        /// `cert` or `key`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is no PEM, or not with what was looked for.
    #[error("tls.{setting} {}: expected {expected} in PEM, came {came}", .path.display())]
    Content {
        /// `cert` or `key`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
        /// What came instead.
        came: String,
    },
    /// No TLS can be spoken with a key.
    #[error(
        "tls.key {}: expected a key for ECDSA on P-256 or P-384, for Ed25519, or for RSA of 2048 \
         to 4096 bits, came one for {came}; wallets must accept a new certificate, made by \
         `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7305 \
         -subj /CN=HOST -keyout KEY -out CERT`",
        .path.display()
    )]
    Unspoken {
        /// The file.
        path: PathBuf,
        /// What it holds.
        came: String,
    },
    /// Certificate and key do not go together.
    #[error(
        "tls.cert {} and tls.key {}: expected a certificate and its own key, came {came}",
        .cert.display(),
        .key.display()
    )]
    Mismatch {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// How they differ.
        came: String,
    },
    /// TLS cannot be set up at all.
    #[error("expected to speak TLS 1.2 and 1.3: {0}")]
    Setup(#[from] rustls::Error),
    /// Others can read or change the key that was made.
    #[error(
        "{}: expected a key that only its owner can change and others cannot read, came mode \
         {mode:04o}: chmod 600 it, and if others may have read it, remove it and the certificate",
        .path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Half of what was made once is gone.
    #[error(
        "{} is there and {} is not: restore it, or remove both, and wallets must accept a new certificate",
        .present.display(),
        .missing.display()
    )]
    HalfGone {
        /// What is there.
        present: PathBuf,
        /// What is not.
        missing: PathBuf,
    },
    /// A certificate cannot be made.
    #[error("expected to make a certificate for the hosts of serve.report_services: {0}")]
    Make(rcgen::Error),
    /// What was made cannot be written.
    #[error("{}: expected to write the certificate that was made: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
