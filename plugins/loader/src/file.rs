//! The file of a plugin: who could have written it, and whether it is the one that was pinned.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};

use crate::{LoadError, Reason};

/// Permission of everybody to write.
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// The user that may change every file anyway.
const ROOT: u32 = 0;

/// A plugin as the operator names it.
#[derive(Clone, Debug)]
pub struct PluginFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it must hash to, if the operator pinned it.
    pub sha256: Option<Pin>,
}

/// SHA-256 of a plugin's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin([u8; 32]);

/// Text that is no pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a SHA-256: 64 hexadecimal digits, as sha256sum prints")]
pub struct ParsePinError;

impl FromStr for Pin {
    type Err = ParsePinError;

    fn from_str(text: &str) -> Result<Self, ParsePinError> {
        let hash = text.parse::<sha256::Hash>();
        hash.map(|hash| Self(hash.to_byte_array()))
            .map_err(|_not_hex| ParsePinError)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        sha256::Hash::from_byte_array(self.0).fmt(f)
    }
}

impl PluginFile {
    /// Opens the file if nobody but root and the server's user can change it, and if it is the
    /// pinned one. What is loaded later is what was opened here.
    pub(crate) fn open(&self) -> Result<File, LoadError> {
        self.checked().map_err(|reason| self.refused(reason))
    }

    pub(crate) fn refused(&self, reason: Reason) -> LoadError {
        LoadError {
            path: self.path.clone(),
            reason,
        }
    }

    fn checked(&self) -> Result<File, Reason> {
        if !self.path.is_absolute() {
            return Err(Reason::NotAbsolute);
        }
        check_kind(&self.path)?;
        let mut file = File::open(&self.path).map_err(Reason::Unreadable)?;
        check_access(&file)?;
        if let Some(expected) = self.sha256 {
            let found = hash(&mut file).map_err(Reason::Unreadable)?;
            if found != expected {
                return Err(Reason::Sha256 { found, expected });
            }
        }
        Ok(file)
    }
}

/// Looks before opening: a pipe would be waited for.
fn check_kind(path: &Path) -> Result<(), Reason> {
    let metadata = fs::metadata(path).map_err(Reason::Unreadable)?;
    if metadata.is_file() {
        Ok(())
    } else {
        Err(Reason::NotAFile)
    }
}

fn check_access(file: &File) -> Result<(), Reason> {
    let metadata = file.metadata().map_err(Reason::Unreadable)?;
    if !metadata.is_file() {
        return Err(Reason::NotAFile);
    }
    let mode = metadata.mode() & 0o7777;
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(Reason::WritableByOthers { mode });
    }
    let (owner, us) = (metadata.uid(), our_user().map_err(Reason::Unreadable)?);
    if owner != ROOT && owner != us {
        return Err(Reason::Owner { owner, us });
    }
    Ok(())
}

/// The kernel shows the folder of a process as its user's.
fn our_user() -> io::Result<u32> {
    fs::metadata("/proc/self").map(|metadata| metadata.uid())
}

fn hash(file: &mut File) -> io::Result<Pin> {
    let mut engine = sha256::Hash::engine();
    let mut buffer = [0; 16 * 1024];
    loop {
        let len = file.read(&mut buffer)?;
        match buffer.get(..len) {
            None | Some([]) => break,
            Some(read) => engine.input(read),
        }
    }
    Ok(Pin(sha256::Hash::from_engine(engine).to_byte_array()))
}
