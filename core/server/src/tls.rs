//! The certificate, and the TLS that is spoken with it.
//!
//! TLS 1.2 and 1.3 by rustls. Certificate and key are read from files; where the operator names
//! none, they are made once and kept, because wallets remember the certificate they saw first.
//! Files that change are read again without a session being dropped.

mod error;
mod key_kind;
mod made;
mod pair;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server};

use crate::meter::Metered;
pub use error::TlsError;
use pair::{Pair, Stamp};

/// How often the files are looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(3);

/// An encrypted connection.
pub(crate) type TlsStream = Box<server::TlsStream<Metered<TcpStream>>>;

/// A certificate, its key, and the files they come from.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    pair: ArcSwap<Pair>,
    /// What the files were like when they were read last, whatever was in them.
    seen: Mutex<Stamp>,
}

/// Where certificate and key are, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that vouch for it.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// A file cannot be read, holds something else, or the two do not belong together.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let seen = files.stamp();
        let pair = files.read()?;
        Ok(Self {
            pair: ArcSwap::from_pointee(pair),
            seen: Mutex::new(seen),
            files,
        })
    }

    /// Reads the certificate and the key that were made in `folder`, or makes them: valid for
    /// 20 years, for `hosts` and `localhost`, signed by itself.
    ///
    /// # Errors
    /// As those of [`load`](Self::load), and of writing. One of the two that is alone is never
    /// replaced.
    pub fn load_or_make(folder: &Path, hosts: &[String]) -> Result<Self, TlsError> {
        let files = made::files(folder);
        made::make_once(&files, hosts)?;
        Self::load(files)
    }

    /// Reads the certificate and the key that were made in `folder`, if they were.
    ///
    /// # Errors
    /// As those of [`load_or_make`](Self::load_or_make).
    pub fn check_made(folder: &Path) -> Result<(), TlsError> {
        let files = made::files(folder);
        match made::state(&files)? {
            made::State::Made => Self::load(files).map(drop),
            made::State::Unfinished | made::State::Missing => Ok(()),
        }
    }

    /// Gives the SHA-256 of the certificate in hex, as wallets and `openssl x509 -fingerprint`
    /// show it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.pair.load().fingerprint.clone()
    }

    /// Reads the files again; connections from now on get what is in them.
    ///
    /// # Errors
    /// As those of [`load`](Self::load); what was read before stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        // Looked at before reading: what changes meanwhile is seen next time.
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = self.files.stamp();
        let pair = self.files.read()?;
        tracing::info!(fingerprint = pair.fingerprint, "read the certificate again");
        self.pair.store(Arc::new(pair));
        Ok(())
    }

    /// Reads the files again whenever they change, for ever.
    pub async fn watch(&self) {
        loop {
            tokio::time::sleep(WATCH_INTERVAL).await;
            self.look_again();
        }
    }

    /// Reads the files again if they are not what they were when they were read last.
    fn look_again(&self) {
        let has_changed =
            self.files.stamp() != *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if has_changed && let Err(error) = self.reload() {
            tracing::warn!(%error, "the certificate in use stays");
        }
    }

    /// Speaks the first words of TLS with a client.
    pub(crate) async fn accept(&self, stream: Metered<TcpStream>) -> io::Result<TlsStream> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.pair.load().config));
        Ok(Box::new(acceptor.accept(stream).await?))
    }
}

#[cfg(test)]
mod tests;
