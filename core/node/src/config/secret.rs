//! Texts that must not be logged.

use std::fmt;

/// A URL that may hold a user and a password; printed and debugged without them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps a URL.
    pub(crate) fn new(url: String) -> Self {
        Self(url)
    }

    /// Gives the URL with its credentials.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

/// Replaces the credentials of a URL by `***`.
///
/// Everything from the scheme to the last `@` counts as credentials: better too much than a
/// password with an `@` in it.
pub(super) fn masked(url: &str) -> String {
    match url.rsplit_once('@') {
        None => url.to_owned(),
        Some((before, host)) => {
            let scheme = before.find("://").and_then(|at| before.get(..at + 3));
            format!("{}***@{host}", scheme.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shows_credentials() {
        for (url, expected) in [
            (
                "http://alice:s3cret@127.0.0.1:8332",
                "http://***@127.0.0.1:8332",
            ),
            ("alice:s3@cret@node:8332/", "***@node:8332/"),
            ("http://127.0.0.1:8332", "http://127.0.0.1:8332"),
        ] {
            assert_eq!(format!("{:?}", Secret::new(url.to_owned())), expected);
        }
    }
}
