//! From files to what rustls speaks with.

use std::{fs, io, path::Path, sync::Arc, time::SystemTime};

use bitcoin::hashes::{Hash as _, sha256};
use rustls::{
    ServerConfig, crypto,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
};

use super::{TlsError, TlsFiles};

/// A certificate and its key, ready for use.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) config: Arc<ServerConfig>,
    /// SHA-256 of the certificate, in hex.
    pub(super) fingerprint: String,
}

/// What tells that a file is another one: when it was written, and how long it is.
pub(super) type Stamp = [Option<(SystemTime, u64)>; 2];

impl TlsFiles {
    /// Looks at the files without reading them.
    pub(super) fn stamp(&self) -> Stamp {
        [&self.cert, &self.key].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }

    /// Reads both.
    pub(super) fn read(&self) -> Result<Pair, TlsError> {
        let chain = self.read_cert()?;
        let key = self.read_key()?;
        let fingerprint = chain
            .first()
            .map(|leaf| sha256::Hash::hash(leaf).to_string());
        let mismatch = |source| TlsError::Mismatch {
            cert: self.cert.clone(),
            key: self.key.clone(),
            source,
        };
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(mismatch)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(mismatch)?;
        Ok(Pair {
            config: Arc::new(config),
            fingerprint: fingerprint.unwrap_or_default(),
        })
    }

    fn read_cert(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let text = read("cert", &self.cert)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match chain {
            Ok(chain) if chain.is_empty() => Err(pem::Error::NoItemsFound),
            other => other,
        }
        .map_err(|came| content("cert", &self.cert, "a certificate", &came))
    }

    fn read_key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let text = read("key", &self.key)?;
        PrivateKeyDer::from_pem_slice(&text)
            .map_err(|came| content("key", &self.key, "a private key without password", &came))
    }
}

/// Reads a file as far as certificates go.
fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    /// More than any chain of certificates has.
    const MAX_LEN: u64 = 1 << 20;
    let unreadable = |source| TlsError::Unreadable {
        setting,
        path: path.to_owned(),
        source,
    };
    match fs::metadata(path).map_err(unreadable)? {
        metadata if metadata.len() > MAX_LEN => {
            let long = format!("expected at most {MAX_LEN} bytes");
            Err(unreadable(io::Error::other(long)))
        }
        _ => fs::read(path).map_err(unreadable),
    }
}

fn content(
    setting: &'static str,
    path: &Path,
    expected: &'static str,
    came: &pem::Error,
) -> TlsError {
    TlsError::Content {
        setting,
        path: path.to_owned(),
        expected,
        came: match came {
            pem::Error::NoItemsFound => "none".to_owned(),
            other => other.to_string(),
        },
    }
}
