//! The secret that opens an admin RPC which others than this machine can reach.

use std::fmt;

/// Fewest characters: 128 bits in hex.
const MIN_LEN: usize = 32;

/// The secret of an admin RPC; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// The text is too short for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a token of at least {MIN_LEN} characters, came {len}; make one with \
     `openssl rand -hex 32`"
)]
pub struct TokenError {
    /// Its length without white space around it.
    pub len: usize,
}

impl Token {
    /// Takes the text of a token file.
    ///
    /// # Errors
    /// It is too short to be a secret.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let token = text.trim();
        match token.len() {
            len if len < MIN_LEN => Err(TokenError { len }),
            _ => Ok(Self(token.to_owned())),
        }
    }

    /// Takes what a client says its token is.
    pub(crate) fn claimed(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Compares in a time that tells nothing but the length.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), other.0.as_bytes());
        let differences = ours.iter().zip(theirs).fold(0, |sum, (a, b)| sum | (a ^ b));
        ours.len() == theirs.len() && std::hint::black_box(differences) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
