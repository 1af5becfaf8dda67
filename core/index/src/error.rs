//! What can go wrong with an index.

use std::{borrow::Cow, path::PathBuf};

use electrode_coin::{BlockHash, CoinError, Height, OutPoint};
use rocksdb::ErrorKind;

/// Why the index could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The folder holds an index of something else.
    #[error(
        "{} holds an index of another chain or layout: expected {expected}, found {found}; \
         give each coin and net its own data_dir, or empty this one to build it anew",
        path.display()
    )]
    Identity {
        /// Folder of the index.
        path: PathBuf,
        /// What the configuration asks for.
        expected: String,
        /// What stands in the index.
        found: String,
    },
    /// The folder holds an index of a layout that was in use before the folder `index` was.
    #[error(
        "{} holds an index of an older layout: remove blocks, headers, identity, rows, run and \
         txids from it (nothing else), and the index is built anew",
        path.display()
    )]
    OldLayout {
        /// The data folder.
        path: PathBuf,
    },
    /// Another process has the folder open.
    #[error("{} is in use by another process: stop that server first", path.display())]
    InUse {
        /// Folder of the index.
        path: PathBuf,
    },
    /// The folder is not where it was when the index was opened.
    #[error(
        "{} was moved, replaced or removed while the index was open: put it back and start again",
        path.display()
    )]
    Moved {
        /// Folder of the index.
        path: PathBuf,
    },
    /// The database failed, through no fault of what is in it.
    #[error("database: {0}; nothing that was indexed is lost: mend the cause and start again")]
    Database(rocksdb::Error),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Bytes in the index are not what this program wrote, or are missing.
    #[error("the index is damaged: {what}; \"electrode index repair\" mends it from the node")]
    Damaged {
        /// What, and where.
        what: Cow<'static, str>,
    },
    /// A block does not build on the tip.
    #[error("block {hash} at height {height} builds on {prev}, but the tip is {tip}")]
    NotConnected {
        /// Height the block was offered at.
        height: Height,
        /// The block.
        hash: BlockHash,
        /// What its header names as the block before.
        prev: BlockHash,
        /// What the index ends with.
        tip: BlockHash,
    },
    /// A run of blocks has more outputs than can be counted.
    #[error("the blocks up to height {height} are too many for one run: set a smaller cache")]
    RunTooLarge {
        /// Height of the block that is too many.
        height: Height,
    },
    /// A block cannot be read by the rules of its coin.
    #[error(
        "block {hash} at height {height}: {source}; the coin's rules may have changed, look for \
         a newer version of its plugin or of Electrode"
    )]
    Block {
        /// Height of the block.
        height: Height,
        /// The block.
        hash: BlockHash,
        /// What the coin said.
        source: CoinError,
    },
    /// The bytes are those of another block.
    #[error(
        "expected block {hash} at height {height}, got one whose hash is {got}: check `coin` and \
         `net`, or how the coin's `header_hash` is made"
    )]
    OtherBlock {
        /// Height that was asked for.
        height: Height,
        /// The block that was asked for.
        hash: BlockHash,
        /// What the coin says of the bytes.
        got: BlockHash,
    },
    /// The transactions of a block are not those that its header was made for.
    #[error(
        "block {hash} at height {height} came damaged: its Merkle root is not that of its \
         transactions; check the disk and the memory of the node's machine"
    )]
    DamagedBlock {
        /// Height of the block.
        height: Height,
        /// The block.
        hash: BlockHash,
    },
    /// The spent outputs that came with a block are not those of its inputs.
    #[error("block {hash} at height {height}: the node's spent outputs do not match its inputs")]
    SpentOutputs {
        /// Height of the block.
        height: Height,
        /// The block.
        hash: BlockHash,
    },
    /// An input spends an output that the index does not have.
    #[error(
        "block at height {height} spends {outpoint}, which is not in the index; run \
         \"electrode index verify\""
    )]
    MissingOutput {
        /// Height of the block.
        height: Height,
        /// The output.
        outpoint: OutPoint,
    },
    /// The chain forks deeper than the index can go back.
    #[error(
        "no undo record for height {height}: the chain forks deeper than reorg_limit; empty \
         data_dir to build the index anew, with a higher reorg_limit"
    )]
    NoUndo {
        /// The block that cannot be disconnected.
        height: Height,
    },
    /// The blocks a view stands on were replaced while it was read: ask again with a new view.
    #[error("the chain was reorganised during the query")]
    Reorganised,
    /// There is no block to answer from.
    #[error("the index has no block yet")]
    Empty,
    /// A script has more entries than were allowed.
    #[error("history too large")]
    HistoryTooLarge,
}

impl IndexError {
    /// Tells whether the bytes of a block are at fault, so that another source may have better
    /// ones.
    #[must_use]
    pub fn is_of_the_source(&self) -> bool {
        matches!(
            self,
            Self::DamagedBlock { .. }
                | Self::OtherBlock { .. }
                | Self::Block {
                    source: CoinError::Malformed { .. },
                    ..
                }
        )
    }

    pub(crate) fn damaged(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// What the database says of a file that it needs and that is not there; it has no kind of error
/// for that.
const NO_SUCH_FILE: &str = "No such file or directory";

impl From<rocksdb::Error> for IndexError {
    fn from(error: rocksdb::Error) -> Self {
        let is_damage = match error.kind() {
            ErrorKind::Corruption => true,
            ErrorKind::IOError => error.as_ref().contains(NO_SUCH_FILE),
            _ => false,
        };
        if is_damage {
            Self::damaged(error.into_string())
        } else {
            Self::Database(error)
        }
    }
}
