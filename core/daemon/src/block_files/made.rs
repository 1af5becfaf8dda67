//! Blocks, undo data and the files of them, made up.
//!
//! Blocks are headers and a count of transactions; what they spend follows from the header.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
};

use bitcoin::hashes::{Hash as _, sha256d};
use electrode_coin::{BlockHash, Descriptor};
use tempfile::TempDir;

use super::{BlockFiles, BlockFilesConfig, xor::XorKey};

pub(super) const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

/// A folder of block files, removed when dropped.
pub(crate) struct Made {
    dir: TempDir,
    key: XorKey,
    genesis: BlockHash,
    counts: Vec<(u32, usize)>,
}

impl Made {
    pub(super) fn new(key: Option<[u8; 8]>) -> Self {
        let dir = TempDir::new().unwrap();
        if let Some(key) = key {
            fs::write(dir.path().join("xor.dat"), key).unwrap();
        }
        Self {
            dir,
            key: XorKey(key.unwrap_or_default()),
            genesis: hash_of(&chain_of(1)[0]),
            counts: Vec::new(),
        }
    }

    /// Makes a folder with a chain of blocks and what they spend.
    pub(crate) fn with_blocks(count: u32) -> Self {
        let mut made = Self::new(Some([1, 2, 3, 4, 5, 6, 7, 8]));
        let blocks = chain_of(count);
        made.file(0, &blocks, &undo_bodies(&blocks[1..]));
        made
    }

    /// Gives a block of [`chain_of`].
    pub(crate) fn block(number: usize) -> Vec<u8> {
        chain_of(u32::try_from(number).unwrap() + 1).swap_remove(number)
    }

    /// Writes the files of a number.
    pub(super) fn file(&mut self, number: u32, blocks: &[Vec<u8>], undo: &[Vec<u8>]) {
        self.counts.retain(|(file, _)| *file != number);
        self.counts.push((number, blocks.len()));
        self.write(&format!("blk{number:05}.dat"), blocks, 0);
        self.write(&format!("rev{number:05}.dat"), undo, 32);
    }

    /// Adds bytes to a file with blocks as they are.
    pub(super) fn append_raw(&self, number: u32, bytes: &[u8]) {
        let path = self.path(&format!("blk{number:05}.dat"));
        let mut file = File::options().append(true).open(path).unwrap();
        file.write_all(bytes).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn config(&self) -> BlockFilesConfig {
        BlockFilesConfig {
            dir: self.dir.path().to_owned(),
            chain: Descriptor {
                genesis_hash: self.genesis,
                ..Descriptor::default()
            },
        }
    }

    pub(super) fn open(&self) -> BlockFiles {
        BlockFiles::open(&self.config()).unwrap()
    }

    /// Gives the number of blocks in all files.
    pub(super) fn count(&self) -> usize {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    fn write(&self, name: &str, bodies: &[Vec<u8>], trailer_len: usize) {
        let records = bodies.iter().map(|body| {
            let head = head(u32::try_from(body.len() - trailer_len).unwrap());
            [&head[..], body].concat()
        });
        let mut bytes = records.collect::<Vec<_>>().concat();
        self.key.apply(&mut bytes, 0);
        fs::write(self.path(name), bytes).unwrap();
    }
}

/// The head of a record.
pub(super) fn head(len: u32) -> Vec<u8> {
    [MAGIC, len.to_le_bytes()].concat()
}

/// A chain of blocks, every third of which spends nothing.
pub(super) fn chain_of(count: u32) -> Vec<Vec<u8>> {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    for number in 0..count {
        let block = match blocks.last() {
            None => block(&[], number, 0),
            Some(prev) => block(prev, number, u8::try_from(number % 3).unwrap()),
        };
        blocks.push(block);
    }
    blocks
}

/// A block that says to hold a coinbase and `spending` transactions; bytes stand for them.
pub(super) fn block(prev: &[u8], number: u32, spending: u8) -> Vec<u8> {
    let prev_hash = match prev {
        [] => BlockHash::default(),
        prev => hash_of(prev),
    };
    let mut header = [&[1, 0, 0, 0][..], &prev_hash.0, &number.to_le_bytes()].concat();
    header.resize(80, 0);
    let len = usize::try_from(number % 50).unwrap();
    [&header[..], &[spending + 1], &vec![0xaa; len]].concat()
}

pub(crate) fn hash_of(block: &[u8]) -> BlockHash {
    BlockHash(sha256d::Hash::hash(&block[..80]).to_byte_array())
}

/// What each transaction of a block spends, scripts only: one output for the first, two for the
/// second and so on.
pub(super) fn spent_scripts(block: &[u8]) -> Vec<Vec<u8>> {
    let spending = block[80] - 1;
    let inputs = (0..spending).flat_map(|tx| (0..=tx).map(move |input| (tx, input)));
    let scripts = inputs.map(|(tx, input)| [&block[36..40], &[tx, input]].concat());
    scripts.collect()
}

/// Undo data of a block, without its checksum.
pub(super) fn undo_of(block: &[u8]) -> Vec<u8> {
    let spending = block[80] - 1;
    let mut scripts = spent_scripts(block).into_iter();
    let mut undo = vec![spending];
    for tx in 0..spending {
        undo.push(tx + 1);
        for script in scripts.by_ref().take(usize::from(tx) + 1) {
            let kind = u8::try_from(script.len()).unwrap() + 6;
            undo.extend([&[2, 0, 9, kind][..], &script].concat());
        }
    }
    undo
}

/// Undo data and its checksum.
pub(super) fn with_checksum(block: &[u8], undo: &[u8]) -> Vec<u8> {
    let checksum = sha256d::Hash::hash(&[&block[4..36], undo].concat());
    [undo, &checksum.to_byte_array()].concat()
}

/// Undo data of blocks, with checksums.
pub(super) fn undo_bodies(blocks: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let bodies = blocks
        .iter()
        .map(|block| with_checksum(block, &undo_of(block)));
    bodies.collect()
}
