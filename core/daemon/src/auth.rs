//! How the node knows us: HTTP Basic credentials from the URL or from its cookie file.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use hyper::header::HeaderValue;
use tokio::{fs::File, io::AsyncReadExt as _};

use crate::{DaemonConfig, DaemonError, DaemonUrl, endpoint::Endpoint};

/// Bytes of a cookie file that are read; Bitcoin Core's has 75.
const MAX_COOKIE_LEN: u64 = 4096;

const BASE64_ALPHABET: [u8; 64] =
    *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Gives each node its `Authorization` header.
pub(crate) struct Auth {
    cookie_file: Option<PathBuf>,
    /// The nodes that may be told what the cookie file holds: those of the configuration.
    trusted: Vec<Endpoint>,
    /// Header made of the cookie file when it was last read.
    cookie: Mutex<Option<HeaderValue>>,
}

impl Auth {
    pub(crate) fn new(config: &DaemonConfig) -> Self {
        let trusted = config.urls.iter().map(|url| url.endpoint().clone());
        Self {
            cookie_file: config.cookie_file.clone(),
            trusted: trusted.collect(),
            cookie: Mutex::new(None),
        }
    }

    /// Gives the header for a node; reads the cookie file the first time it is needed.
    pub(crate) async fn header(&self, url: &DaemonUrl) -> Result<Option<HeaderValue>, DaemonError> {
        if let Some(credentials) = url.credentials() {
            return Ok(Some(basic(credentials)));
        }
        if !self.trusts(url) {
            return Ok(None);
        }
        let cookie = self
            .cookie
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match cookie {
            Some(cookie) => Ok(Some(cookie)),
            None => self.read_cookie().await,
        }
    }

    /// Gives the header to try once more with, after the node refused `refused`: `None` unless
    /// the cookie file holds something else by now.
    pub(crate) async fn renewed(
        &self,
        url: &DaemonUrl,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, DaemonError> {
        if url.credentials().is_some() || !self.trusts(url) {
            return Ok(None);
        }
        let cookie = self.read_cookie().await?;
        Ok(cookie.filter(|cookie| Some(cookie) != refused))
    }

    /// Says what to mend when a node does not accept the credentials.
    pub(crate) fn hint(&self, url: &DaemonUrl) -> String {
        match &self.cookie_file {
            _ if url.credentials().is_some() => "check user and password in its URL".to_owned(),
            Some(path) => format!(
                "check that {} is the cookie file of this node",
                path.display()
            ),
            None => "set cookie_file, or put user:password@ into its URL".to_owned(),
        }
    }

    fn trusts(&self, url: &DaemonUrl) -> bool {
        self.trusted.contains(url.endpoint())
    }

    async fn read_cookie(&self) -> Result<Option<HeaderValue>, DaemonError> {
        let Some(path) = &self.cookie_file else {
            return Ok(None);
        };
        let mut cookie = Vec::new();
        match File::open(path).await {
            Ok(file) => file.take(MAX_COOKIE_LEN).read_to_end(&mut cookie).await,
            Err(error) => Err(error),
        }
        .map_err(|source| DaemonError::Cookie {
            path: path.clone(),
            source,
        })?;
        let header = basic(cookie.trim_ascii());
        *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = Some(header.clone());
        Ok(Some(header))
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth")
            .field("cookie_file", &self.cookie_file)
            .finish_non_exhaustive()
    }
}

fn basic(credentials: &[u8]) -> HeaderValue {
    let mut header = HeaderValue::try_from(format!("Basic {}", base64(credentials)))
        .expect("base64 is made of characters that a header may have");
    header.set_sensitive(true);
    header
}

/// Shape: 3 bytes become 4 characters; the last group is padded with `=`. Source: RFC 4648.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().zip([16, 8, 0]).fold(0, |bits, (byte, shift)| {
            bits | (usize::from(*byte) << shift)
        });
        for (position, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = BASE64_ALPHABET.get(bits >> shift & 63);
            let digit = digit.filter(|_| position <= group.len());
            text.push(digit.map_or('=', |digit| char::from(*digit)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of RFC 4648, section 10.
    #[test]
    fn encodes_base64() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }
}
