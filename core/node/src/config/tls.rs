//! `[tls]`: the certificate of encrypted services.

use std::path::PathBuf;

use electrode_server::TlsFiles;

use super::read::Reader;

/// Reads the section: both files or none.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<TlsFiles> {
    let cert: Option<PathBuf> = reader.optional("tls.cert");
    let key: Option<PathBuf> = reader.optional("tls.key");
    let (alone, other) = match (cert, key) {
        (Some(cert), Some(key)) => return Some(TlsFiles { cert, key }),
        (None, None) => return None,
        (Some(_), None) => ("tls.cert", "tls.key"),
        (None, Some(_)) => ("tls.key", "tls.cert"),
    };
    let conflict = format!("expected {other} with it; set both, or none to have them made");
    reader.report(alone, vec![conflict]);
    None
}
