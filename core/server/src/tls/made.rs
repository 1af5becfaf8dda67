//! The certificate of an operator who has none: made once, and never again.
//!
//! Electrum trusts a certificate that signed itself when it sees the first, and from then on
//! insists on it. A second one would look like an attack to every wallet that knows the first.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyPair};

use super::{TlsError, TlsFiles};
use crate::private_file::{self, unfinished};

const CERT: &str = "tls-cert.pem";
const KEY: &str = "tls-key.pem";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Permissions that nobody but the owner, and a group that may read, has of a key that was made.
const TOO_MUCH: u32 = 0o027;
/// 20 years, leap days included.
const VALIDITY_DAYS: u32 = 7305;

/// Tells where they are in a data folder.
pub(super) fn files(folder: &Path) -> TlsFiles {
    TlsFiles {
        cert: folder.join(CERT),
        key: folder.join(KEY),
    }
}

/// How much there is of certificate and key.
pub(super) enum State {
    /// All.
    Made,
    /// All but the certificate's name: the program ended just before.
    Unfinished,
    /// Nothing.
    Missing,
}

/// Finds out how much there is of certificate and key.
///
/// # Errors
/// Half of it is gone, or others can read or change the key.
pub(super) fn state(files: &TlsFiles) -> Result<State, TlsError> {
    let state = match [files.cert.exists(), files.key.exists()] {
        [true, true] => State::Made,
        [true, false] => return Err(half_gone(&files.cert, &files.key)),
        [false, true] if unfinished(&files.cert).exists() => State::Unfinished,
        [false, true] => return Err(half_gone(&files.key, &files.cert)),
        [false, false] => return Ok(State::Missing),
    };
    check_private(&files.key).map(|()| state)
}

/// Makes certificate and key, unless they are there.
pub(super) fn make_once(files: &TlsFiles, hosts: &[String]) -> Result<(), TlsError> {
    match state(files)? {
        State::Made => Ok(()),
        State::Unfinished => finish(&files.cert),
        State::Missing => make(files, hosts),
    }
}

/// Nobody but its owner could read the key when it was made.
fn check_private(key: &Path) -> Result<(), TlsError> {
    // What cannot be looked at cannot be read either, which is told then.
    let metadata = fs::metadata(key).ok();
    let mode = metadata.map_or(0, |metadata| metadata.permissions().mode() & 0o7777);
    match mode & TOO_MUCH {
        0 => Ok(()),
        _ => Err(TlsError::Exposed {
            path: key.to_owned(),
            mode,
        }),
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
    prepare(&files.cert, &cert.pem())?;
    prepare(&files.key, &key.serialize_pem())?;
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

fn prepare(path: &Path, text: &str) -> Result<(), TlsError> {
    private_file::prepare(path, text.as_bytes()).map_err(|source| cannot_write(path, source))
}

fn finish(path: &Path) -> Result<(), TlsError> {
    private_file::finish(path).map_err(|source| cannot_write(path, source))
}

fn cannot_write(path: &Path, source: io::Error) -> TlsError {
    TlsError::Write {
        path: path.to_owned(),
        source,
    }
}
