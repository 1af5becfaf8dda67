//! Why a plugin is refused, step by step of the ladder.

use std::{io, path::PathBuf};

use electrode_coin::{DescriptorError, VectorError};
use electrode_plugin::{ABI_MAJOR, FEATURES};

use crate::Pin;

/// A plugin that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("plugin {}: {reason}", path.display())]
pub struct LoadError {
    /// Its file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub reason: Reason,
}

/// What is wrong with a plugin; the steps of the ladder in order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The path depends on where the server was started.
    #[error("expected an absolute path, so that no other file can take its place")]
    NotAbsolute,
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The path names something else.
    #[error("expected a regular file")]
    NotAFile,
    /// Anybody can change the file.
    #[error("refused: it is writable by others (mode {mode:04o}); chmod o-w it")]
    WritableByOthers {
        /// Its permissions.
        mode: u32,
    },
    /// Somebody else can change the file.
    #[error(
        "refused: it belongs to user {owner}, expected root or user {us} who runs the server; \
         chown it"
    )]
    Owner {
        /// Whose it is.
        owner: u32,
        /// Who runs the server.
        us: u32,
    },
    /// The file is not the one that was pinned.
    #[error(
        "its SHA-256 is {found}, [plugins.sha256] expects {expected}; install the pinned version, \
         or pin this one if you trust it"
    )]
    Sha256 {
        /// Of the file.
        found: Pin,
        /// Of the configuration.
        expected: Pin,
    },
    /// The system cannot load it.
    #[error("cannot be loaded: {0}; expected a shared library for this system")]
    NotALibrary(String),
    /// It is some other library.
    #[error(
        "not a coin plugin: it has no symbol electrode_coin_plugin; does it call export_coin!, \
         and is its crate-type cdylib?"
    )]
    NoSymbol,
    /// Its header is none.
    #[error("not a coin plugin: its header starts with {found:02x?}, expected ELECTROD")]
    Magic {
        /// What it starts with.
        found: [u8; 8],
    },
    /// It was built for another border.
    #[error(
        "it speaks version {major}.{minor} of the border, this server {ABI_MAJOR}.x; build it \
         with electrode-plugin of this server"
    )]
    AbiMajor {
        /// Its version.
        major: u32,
        /// Its additions.
        minor: u32,
    },
    /// Its header is too short.
    #[error("its header has {found} bytes, expected {expected}; build it anew")]
    HeaderSize {
        /// What it says.
        found: u32,
        /// What it takes.
        expected: usize,
    },
    /// It needs what this server does not have.
    #[error(
        "it needs features {bits:#x} that this server lacks (it has {FEATURES:#x}); update the server"
    )]
    Features {
        /// What is lacking.
        bits: u64,
    },
    /// Its table ends early.
    #[error(
        "its table has {found} bytes, expected {expected}: slot {slot} is missing; build it anew"
    )]
    ShortTable {
        /// What it says.
        found: u32,
        /// What it takes.
        expected: usize,
        /// The first slot that is not there.
        slot: &'static str,
    },
    /// Its table has a hole.
    #[error("slot {slot} of its table is null, expected a function; fill it")]
    EmptySlot {
        /// The hole.
        slot: &'static str,
    },
    /// It does not make the coin.
    #[error("it refuses to make the coin: {0}")]
    Create(String),
    /// Its descriptor is none.
    #[error("its descriptor cannot be used: {0}")]
    Descriptor(#[from] DescriptorError),
    /// It makes another coin.
    #[error(
        "it makes {found}, the configuration asks for {expected}; check coin, net and the file"
    )]
    Identity {
        /// What it makes.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// It gets an example of its own wrong.
    #[error("it gets an example of its descriptor wrong: {0}")]
    Vector(#[from] VectorError),
    /// It broke down while it was tried.
    #[error("it broke down: {0}; ask its author for a newer version")]
    Broken(String),
    /// More than one file has the name of the coin.
    #[error("{} is for the same coin; remove one of the two", other.display())]
    Ambiguous {
        /// The other file.
        other: PathBuf,
    },
}
