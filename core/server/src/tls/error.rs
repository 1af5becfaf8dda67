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
    /// Certificate and key do not go together, or no TLS can be spoken with them.
    #[error(
        "tls.cert {} and tls.key {}: expected a certificate and its own key, came others: {source}",
        .cert.display(),
        .key.display()
    )]
    Mismatch {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
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
