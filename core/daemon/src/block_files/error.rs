//! Why block files cannot be used.

use std::{io, path::PathBuf};

use electrode_coin::BlockHash;

/// Why the block files of a folder are no source of blocks. Serving needs none: the node is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockFilesError {
    /// Something in the folder cannot be read.
    #[error(
        "cannot read {path}: {source}; expected the node's folder `blocks`, readable by this user"
    )]
    Unreadable {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are no block files.
    #[error(
        "{dir} holds no blk00000.dat: expected the node's folder `blocks`, of regtest `regtest/blocks`"
    )]
    NoFiles {
        /// The folder.
        dir: PathBuf,
    },
    /// The first blocks are gone.
    #[error("{dir} starts with file {first}: the node has pruned its blocks, expected all of them")]
    Pruned {
        /// The folder.
        dir: PathBuf,
        /// Number of the first file.
        first: u32,
    },
    /// The first file does not start with a block of this chain.
    #[error("{path} starts with block {got}, expected {expected}, the genesis block of the chain")]
    OtherChain {
        /// The file.
        path: PathBuf,
        /// Hash of the chain's genesis block.
        expected: BlockHash,
        /// Hash of what is there.
        got: BlockHash,
    },
    /// The file with the key has another length.
    #[error("{path} has {len} bytes, expected the 8 of a key")]
    Key {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        len: usize,
    },
    /// Blocks of this chain cannot be told apart by their first bytes.
    #[error(
        "the coin's block hash is \"{header_hash}\", expected sha256d: what it makes of a block without its height is not known"
    )]
    HeaderHash {
        /// The hash that the descriptor names.
        header_hash: String,
    },
}
