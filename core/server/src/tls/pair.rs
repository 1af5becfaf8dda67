//! From files to what rustls speaks with.

use std::{fs, io, path::Path, sync::Arc, time::SystemTime};

use bitcoin::hashes::{Hash as _, sha256};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    sign::{CertifiedKey, SigningKey, SingleCertAndKey},
};

use super::{
    TlsError, TlsFiles,
    key_kind::{KeyKind, PublicKey},
};

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
        let provider = ring::default_provider();
        let chain = self.read_cert()?;
        let key = self.read_key(&provider, &chain)?;
        let fingerprint = chain
            .first()
            .map(|leaf| sha256::Hash::hash(leaf).to_string());
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            // Whoever shows a certificate need not understand all of it.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
                chain, key,
            ))));
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

    /// Reads the key, which must be that of the first certificate.
    fn read_key(
        &self,
        provider: &CryptoProvider,
        chain: &[CertificateDer<'_>],
    ) -> Result<Arc<dyn SigningKey>, TlsError> {
        let text = read("key", &self.key)?;
        let der = PrivateKeyDer::from_pem_slice(&text)
            .map_err(|came| content("key", &self.key, "a private key without password", &came))?;
        let kind = KeyKind::of(&der);
        let load = |der| provider.key_provider.load_private_key(der);
        let key = load(der).map_err(|error| self.unspoken(kind, &error))?;
        let certified = chain.first().and_then(|leaf| PublicKey::of(leaf));
        let Some(certified) = certified else {
            return Err(TlsError::Content {
                setting: "cert",
                path: self.cert.clone(),
                expected: "an X.509 certificate",
                came: "something else".to_owned(),
            });
        };
        match is_pair(provider, key.as_ref(), certified.bytes) {
            true => Ok(key),
            false => Err(self.mismatch(certified.kind, kind)),
        }
    }

    fn unspoken(&self, kind: Option<KeyKind>, error: &rustls::Error) -> TlsError {
        TlsError::Unspoken {
            path: self.key.clone(),
            came: match kind {
                Some(kind) if !kind.is_spoken() => kind.to_string(),
                Some(kind) => format!("{kind} that is damaged or unusual ({error})"),
                None => format!("nothing that can be read ({error})"),
            },
        }
    }

    fn mismatch(&self, certified: KeyKind, kind: Option<KeyKind>) -> TlsError {
        TlsError::Mismatch {
            cert: self.cert.clone(),
            key: self.key.clone(),
            came: match kind {
                Some(kind) if kind != certified => {
                    format!("a certificate for {certified} and a key for {kind}")
                }
                _ => "another key of the same kind".to_owned(),
            },
        }
    }
}

/// Tells whether what one key signs is proved right by the other: what a client finds out, too.
fn is_pair(provider: &CryptoProvider, key: &dyn SigningKey, public_key: &[u8]) -> bool {
    const MESSAGE: &[u8] = b"whose key is this?";
    let algorithms = provider.signature_verification_algorithms;
    let Some(signer) = key.choose_scheme(&algorithms.supported_schemes()) else {
        return false;
    };
    let Ok(signature) = signer.sign(MESSAGE) else {
        return false;
    };
    let verifiers = algorithms
        .mapping
        .iter()
        .filter(|(scheme, _)| *scheme == signer.scheme())
        .flat_map(|(_, verifiers)| *verifiers);
    let mut proofs =
        verifiers.map(|verifier| verifier.verify_signature(public_key, MESSAGE, &signature));
    proofs.any(|proof| proof.is_ok())
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
