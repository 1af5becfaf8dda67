//! The certificate of an operator who has none: made once, and never again.
//!
//! Electrum trusts a certificate that signed itself when it sees the first, and from then on
//! insists on it. A second one would look like an attack to every wallet that knows the first.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyPair};

use super::{TlsError, TlsFiles};

const CERT: &str = "tls-cert.pem";
const KEY: &str = "tls-key.pem";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// 20 years, leap days included.
const VALIDITY_DAYS: u32 = 7305;

/// Tells where they are in a data folder.
pub(super) fn files(folder: &Path) -> TlsFiles {
    TlsFiles {
        cert: folder.join(CERT),
        key: folder.join(KEY),
    }
}

/// Makes certificate and key, unless they are there.
pub(super) fn make_once(files: &TlsFiles, hosts: &[String]) -> Result<(), TlsError> {
    match [files.cert.exists(), files.key.exists()] {
        [true, true] => Ok(()),
        [true, false] => Err(half_gone(&files.cert, &files.key)),
        // The program ended between the two.
        [false, true] if unfinished(&files.cert).exists() => finish(&files.cert),
        [false, true] => Err(half_gone(&files.key, &files.cert)),
        [false, false] => make(files, hosts),
    }
}

fn half_gone(present: &Path, missing: &Path) -> TlsError {
    TlsError::HalfGone {
        present: present.to_owned(),
        missing: missing.to_owned(),
    }
}

fn make(files: &TlsFiles, hosts: &[String]) -> Result<(), TlsError> {
    let key = KeyPair::generate().map_err(TlsError::Make)?;
    let cert = params(hosts)?.self_signed(&key).map_err(TlsError::Make)?;
    write(&files.cert, &cert.pem())?;
    write(&files.key, &key.serialize_pem())?;
    finish(&files.key)?;
    finish(&files.cert)?;
    tracing::info!(path = %files.cert.display(), "made a certificate; keep it, wallets remember it");
    Ok(())
}

fn params(hosts: &[String]) -> Result<CertificateParams, TlsError> {
    let mut names = hosts.to_vec();
    names.push("localhost".to_owned());
    let mut params = CertificateParams::new(names).map_err(TlsError::Make)?;
    params.distinguished_name = DistinguishedName::new();
    let name = hosts.first().map_or("localhost", String::as_str);
    params.distinguished_name.push(DnType::CommonName, name);
    let now = SystemTime::now();
    // A wallet whose clock is slow takes it too.
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY * VALIDITY_DAYS).into();
    params.is_ca = IsCa::ExplicitNoCa;
    Ok(params)
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("pem.new")
}

/// Writes a file that only its owner reads, under another name until it is finished.
fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(unfinished(path))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| cannot_write(path, source))
}

/// Gives a file its name, durably.
fn finish(path: &Path) -> Result<(), TlsError> {
    let finish = || {
        fs::rename(unfinished(path), path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    finish().map_err(|source| cannot_write(path, source))
}

fn cannot_write(path: &Path, source: io::Error) -> TlsError {
    TlsError::Write {
        path: path.to_owned(),
        source,
    }
}
