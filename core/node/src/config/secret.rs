//! Texts that must not be logged.

use std::fmt;

use electrode_daemon::DaemonUrl;

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

/// Writes the URL of a node whole, with the port where it names none; its credentials as
/// [`masked`] does.
pub(super) fn masked_whole(url: &str, default_port: u16) -> String {
    let Ok(whole) = DaemonUrl::parse(url, default_port).map(|url| url.to_string()) else {
        return masked(url);
    };
    let has_credentials = url.contains('@');
    match whole.split_once("://") {
        Some((scheme, rest)) if has_credentials => format!("{scheme}://***@{rest}"),
        _ => whole,
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

    #[test]
    fn shows_the_port_in_force() {
        for (url, expected) in [
            ("http://alice:s3@cret@node", "http://***@node:22555/"),
            ("alice:s3cret@[::1]:9/x", "http://***@[::1]:9/x"),
            ("node", "http://node:22555/"),
            ("https://alice:s3cret@node", "https://***@node"),
        ] {
            assert_eq!(masked_whole(url, 22555), expected);
        }
    }
}
