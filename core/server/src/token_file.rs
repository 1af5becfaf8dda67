//! The token of the admin RPC in its file: made once, or named by the operator.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use electrode_protocol::{Token, TokenError};
use rustls::crypto::ring;

use crate::private_file;

/// Name of the file that is made in a data directory.
const NAME: &str = "admin-token";
/// Bytes of a token that is made; written in hex.
const TOKEN_LEN: usize = 32;
/// Longest file that is read: more than any token has. Units: bytes.
const MAX_FILE_LEN: u64 = 4096;
/// Permissions that nobody but the owner, and a group that may read, has of a token that was made.
const TOO_MUCH: u32 = 0o027;

/// The file with the token of an admin RPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFile {
    path: PathBuf,
    maker: Maker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    Operator,
    Server,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("admin token {}: expected a file that can be read: {source}; {}", .path.display(), mend(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else.
    #[error("admin token {}: {source}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TokenError,
    },
    /// Others know it, or can change it.
    #[error(
        "admin token {}: expected a file that only its owner can change and others cannot read, \
         came mode {mode:04o}: others may know it, so remove it, and a new one is made",
        .path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// None can be made.
    #[error(
        "admin token {}: expected to write it: {source}; the user who runs the server must be able \
         to write to data_dir",
        .path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl TokenFile {
    /// Names the file that the server makes in its data directory.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            path: folder.join(NAME),
            maker: Maker::Server,
        }
    }

    /// Names the file of an operator, which must be there.
    #[must_use]
    pub fn named(path: PathBuf) -> Self {
        Self {
            path,
            maker: Maker::Operator,
        }
    }

    /// Reads the token; makes it first where the server does that and has not yet.
    ///
    /// # Errors
    /// It cannot be read or made, is no token, or was made here and others can read it.
    pub fn read_or_make(&self) -> Result<Token, TokenFileError> {
        match self.read_if_there()? {
            Some(token) => Ok(token),
            None => self.make(),
        }
    }

    /// Reads the token; `None` where the server has not made it yet.
    ///
    /// # Errors
    /// As those of [`read_or_make`](Self::read_or_make).
    pub fn read_if_there(&self) -> Result<Option<Token>, TokenFileError> {
        let unreadable = |source| TokenFileError::Unreadable {
            path: self.path.clone(),
            source,
        };
        let metadata = match fs::metadata(&self.path) {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && self.maker == Maker::Server =>
            {
                return Ok(None);
            }
            metadata => metadata.map_err(unreadable)?,
        };
        if !metadata.is_file() || metadata.len() > MAX_FILE_LEN {
            let expected = format!("a regular file of at most {MAX_FILE_LEN} bytes is one");
            return Err(unreadable(io::Error::other(expected)));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if self.maker == Maker::Server && mode & TOO_MUCH != 0 {
            let path = self.path.clone();
            return Err(TokenFileError::Exposed { path, mode });
        }
        let text = fs::read_to_string(&self.path).map_err(unreadable)?;
        let token = Token::new(&text).map_err(|source| TokenFileError::Content {
            path: self.path.clone(),
            source,
        })?;
        Ok(Some(token))
    }

    /// Gives the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn make(&self) -> Result<Token, TokenFileError> {
        let written = || {
            let mut bytes = [0; TOKEN_LEN];
            let random = ring::default_provider().secure_random;
            random
                .fill(&mut bytes)
                .map_err(|_failed| io::Error::other("the system gives no random numbers"))?;
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            private_file::replace(&self.path, format!("{hex}\n").as_bytes())?;
            tracing::info!(path = %self.path.display(), "made the token of the admin RPC");
            Token::new(&hex).map_err(io::Error::other)
        };
        written().map_err(|source| TokenFileError::Write {
            path: self.path.clone(),
            source,
        })
    }
}

/// Tells how a file can be read.
fn mend(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => "do this as the user who runs the server",
        _ => "check its path",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn makes_a_token_once_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::in_folder(folder.path());
        assert_eq!(file.read_if_there().unwrap(), None);
        let token = file.read_or_make().unwrap();
        assert!(file.read_or_make().unwrap().is_same(&token));
        let text = fs::read_to_string(file.path()).unwrap();
        assert!(text.len() == 65 && text.ends_with('\n'), "{text}");
        let mode = fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        let other = tempfile::tempdir().unwrap();
        let another = TokenFile::in_folder(other.path()).read_or_make().unwrap();
        assert!(!another.is_same(&token));
    }

    #[test]
    fn refuses_a_token_of_its_own_that_others_can_read_or_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::in_folder(folder.path());
        file.read_or_make().unwrap();
        for (mode, is_refused) in [
            (0o604, true),
            (0o602, true),
            (0o620, true),
            (0o644, true),
            // The operator let a group read it.
            (0o640, false),
            (0o400, false),
        ] {
            set_mode(file.path(), mode);
            let read = file.read_or_make();
            assert_eq!(read.is_err(), is_refused, "{mode:o}");
            if let Err(error) = read {
                let told = error.to_string();
                assert!(told.contains(&format!("came mode {mode:04o}")), "{told}");
            }
            // That of an operator may be shared on purpose.
            TokenFile::named(file.path().to_owned())
                .read_or_make()
                .unwrap();
        }
    }

    #[test]
    fn makes_none_in_the_place_of_an_operator_s() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let file = TokenFile::named(path.clone());
        let told = file.read_or_make().unwrap_err().to_string();
        assert!(told.contains("expected a file that can be read"), "{told}");
        assert!(!path.exists());
        for (text, expected) in [("short", "at least 32 characters"), ("", "came 0")] {
            fs::write(&path, text).unwrap();
            let told = file.read_or_make().unwrap_err().to_string();
            assert!(told.contains(expected), "{told}");
        }
        fs::write(&path, "x".repeat(5000)).unwrap();
        let told = file.read_or_make().unwrap_err().to_string();
        assert!(told.contains("at most 4096 bytes"), "{told}");
    }

    #[test]
    fn says_where_it_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::in_folder(&folder.path().join("gone"));
        let told = file.read_or_make().unwrap_err().to_string();
        assert!(told.contains("must be able to write to data_dir"), "{told}");
    }
}
