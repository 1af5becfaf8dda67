//! The node's own block files: `blk?????.dat` holds blocks, `rev?????.dat` the outputs that they
//! spend.
//!
//! Sync: whoever calls is on a thread that may wait for the disk. Read-only: the node writes the
//! files, at the same time. What is there is used; what is not, or is not as expected, is `None`,
//! and whoever asked has the node to ask. Memory for Bitcoin's 900,000 blocks: 18 MB, and 22 MB
//! more once all were asked for with what they spend.

mod error;
mod folder;
#[cfg(test)]
pub(crate) mod made;
mod places;
mod record;
#[cfg(test)]
mod tests;
mod undo;
mod undo_file;
mod xor;

use std::{
    collections::HashMap,
    io,
    ops::Range,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use electrode_coin::{
    BlockHash, Descriptor, HeaderFamily, HeaderHash, Height, Reader, TransactionFamily,
};
use rayon::prelude::*;

pub use error::BlockFilesError;
use folder::{Folder, Kind, PlainFile};
use places::{Found, Place, Places};
use record::{HEAD_LEN, Layout};
use undo_file::{UndoFile, Wanted};

use crate::FetchedBlock;

/// Longest header start whose hash names a block.
const MAX_HASHED_LEN: usize = 1000;

/// Where a header names the block before it, in every chain known.
const PREV_HASH: Range<usize> = 4..36;

/// Least time between two looks for blocks that the node has added.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// Files that may still grow: the node writes to the last one, or to two while it checks old
/// blocks behind a snapshot of the chain.
const GROWING_FILES: usize = 2;

/// Which folder is read, for which chain.
#[derive(Clone, Debug)]
pub struct BlockFilesConfig {
    /// The node's folder `blocks`.
    pub dir: PathBuf,
    /// The chain whose blocks are expected there.
    pub chain: Descriptor,
}

/// The blocks of a folder.
#[derive(Debug)]
pub struct BlockFiles {
    folder: Folder,
    chain: Descriptor,
    layout: Layout,
    places: RwLock<Places>,
    undo: Mutex<HashMap<u32, Arc<UndoFile>>>,
    looked: Mutex<Instant>,
    complained: AtomicBool,
}

impl BlockFiles {
    /// Opens a folder and finds every block in it.
    ///
    /// Cost: reads the head of each block, several files at a time.
    ///
    /// # Errors
    /// The folder cannot be read, or is not that of an unpruned node of the chain.
    pub fn open(config: &BlockFilesConfig) -> Result<Self, BlockFilesError> {
        let chain = config.chain.clone();
        let hashed_len = hashed_len(&chain)?;
        let folder = Folder::open(&config.dir)?;
        let numbers = folder.numbers()?;
        let layout = Layout {
            magic: check_start(&folder, &numbers, &chain)?,
            min_len: hashed_len,
            trailer_len: 0,
            start_len: hashed_len,
        };
        let files = Self {
            folder,
            chain,
            layout,
            places: RwLock::default(),
            undo: Mutex::default(),
            looked: Mutex::new(Instant::now()),
            complained: AtomicBool::new(false),
        };
        let found: Vec<_> = numbers
            .into_par_iter()
            .filter_map(|number| files.noted(files.walk(number, 0)))
            .collect();
        found.into_iter().for_each(|found| files.add(found));
        Ok(files)
    }

    /// Gives the number of blocks that were found so far.
    #[must_use]
    pub fn block_count(&self) -> usize {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.len()
    }

    /// Tells whether there is undo data beside the blocks.
    #[must_use]
    pub fn has_undo(&self) -> bool {
        self.folder.path(Kind::Undo, 0).exists()
    }

    /// Reads a block.
    #[must_use]
    pub fn block(&self, hash: &BlockHash) -> Option<Vec<u8>> {
        let place = self.place(hash)?;
        self.noted(self.read_block(place, hash))
    }

    /// Reads some bytes of a block that was read before. Nothing is checked: whoever asks must
    /// know them when they see them.
    #[must_use]
    pub fn part(&self, hash: &BlockHash, range: Range<u32>) -> Option<Vec<u8>> {
        let Place { file, offset } = self.place(hash)?;
        let len = range.end.checked_sub(range.start)?;
        let start = u64::from(offset) + u64::from(range.start);
        let read = self.folder.file(Kind::Blocks, file);
        self.noted(read.and_then(|file| file.read(start, len)))
    }

    /// Reads a block and what it spends.
    #[must_use]
    pub fn fetch(&self, hash: &BlockHash) -> Option<FetchedBlock> {
        let place = self.place(hash)?;
        let block = self.noted(self.read_block(place, hash))?;
        let spent = self.noted(self.read_spent(place, &block)).flatten();
        Some(FetchedBlock {
            block: block.into(),
            spent: spent.map(Into::into),
        })
    }

    /// Finds a block; looks for what the node has added when it is not known.
    fn place(&self, hash: &BlockHash) -> Option<Place> {
        self.known_place(hash).or_else(|| {
            self.look_again();
            self.known_place(hash)
        })
    }

    fn known_place(&self, hash: &BlockHash) -> Option<Place> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.get(hash)
    }

    fn read_block(&self, place: Place, hash: &BlockHash) -> io::Result<Vec<u8>> {
        let file = self.folder.file(Kind::Blocks, place.file)?;
        let record = self.layout.read(&file, place.offset)?;
        let record = record.ok_or_else(|| unexpected("no block where there was one"))?;
        let block = file.read(record.offset.into(), record.len)?;
        match self.chain.header_hash.hash(&block) {
            Ok(Some(got)) if got == *hash => Ok(block),
            _ => Err(unexpected("another block where there was one")),
        }
    }

    /// Reads what a block spends, in the form of REST; `None` of the genesis block, which has no
    /// undo data.
    fn read_spent(&self, place: Place, block: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let prev_hash = block.get(PREV_HASH).unwrap_or_default();
        if prev_hash.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let file = self.folder.file(Kind::Undo, place.file)?;
        let wanted = Wanted {
            block: place.offset,
            prev_hash,
            transactions: self.spending_transactions(block),
        };
        let found = self
            .undo_file(place.file)
            .find(&file, self.layout.magic, wanted)?;
        let undo = found.ok_or_else(|| unexpected("no undo data for a block"))?;
        let mut reader = Reader::new(&undo, 0);
        let spent = undo::to_spent_outputs(&mut reader);
        // Where other coins add to it without a checksum of its own, it may be of another form.
        let may_go_on = self.chain.transactions == TransactionFamily::Mweb;
        match spent {
            Some(spent) if may_go_on || reader.remaining() == 0 => Ok(Some(spent)),
            _ => Err(unexpected("undo data of another form")),
        }
    }

    /// Counts the transactions of a block but the coinbase; `None` where they cannot be found
    /// without its height.
    fn spending_transactions(&self, block: &[u8]) -> Option<u32> {
        let header = &self.chain.header;
        let is_known = matches!(header, HeaderFamily::Fixed { .. } | HeaderFamily::AuxPow {});
        let header_len = is_known.then(|| header.len(Height(0), block).ok())??;
        let count = Reader::new(block, header_len).compact_size().ok()?;
        u32::try_from(count.checked_sub(1)?).ok()
    }

    fn undo_file(&self, number: u32) -> Arc<UndoFile> {
        let mut files = self.undo.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(files.entry(number).or_default())
    }

    /// Looks for blocks that the node has added, unless that was just done.
    fn look_again(&self) {
        let Ok(mut looked) = self.looked.try_lock() else {
            return;
        };
        if looked.elapsed() < LOOK_PAUSE {
            return;
        }
        let ends: Vec<_> = {
            let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
            places.ends().take(GROWING_FILES).collect()
        };
        for (number, end) in &ends {
            if let Some(found) = self.noted(self.walk(*number, *end)) {
                self.add(found);
            }
        }
        let next = ends.first().map_or(0, |(last, _)| last.saturating_add(1));
        for number in next.. {
            match self.walk(number, 0) {
                Ok(found) => self.add(found),
                Err(_not_there_yet) => break,
            }
        }
        *looked = Instant::now();
    }

    /// Finds the blocks of a file from an offset on.
    fn walk(&self, number: u32, from: u32) -> io::Result<Found> {
        let file = self.folder.file(Kind::Blocks, number)?;
        let mut blocks = Vec::new();
        let end = self.layout.walk(&file, from, |record, start| {
            if let Ok(Some(hash)) = self.chain.header_hash.hash(start) {
                blocks.push(((&hash).into(), record.offset));
            }
        })?;
        Ok(Found {
            file: number,
            end,
            blocks,
        })
    }

    fn add(&self, found: Found) {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        places.add(found);
    }

    /// Gives what was read, and mentions what was not: the first time in the log, for the rest is
    /// most often the same again.
    fn noted<T>(&self, read: io::Result<T>) -> Option<T> {
        let error = match read {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let dir = self.folder.dir().display();
        if self.complained.swap(true, Ordering::Relaxed) {
            tracing::debug!(%error, "{dir} lacks something");
        } else {
            tracing::warn!(
                %error,
                "{dir} lacks something, which is had in another way; not mentioned again"
            );
        }
        None
    }
}

/// Gives how much of a header is hashed to name its block.
fn hashed_len(chain: &Descriptor) -> Result<u32, BlockFilesError> {
    match chain.header_hash {
        HeaderHash::Sha256d { len } if len <= MAX_HASHED_LEN => u32::try_from(len).ok(),
        _ => None,
    }
    .ok_or_else(|| BlockFilesError::HeaderHash {
        header_hash: chain.header_hash.to_string(),
    })
}

/// Checks that the first file starts with the genesis block of the chain; gives its magic.
fn check_start(
    folder: &Folder,
    numbers: &[u32],
    chain: &Descriptor,
) -> Result<[u8; 4], BlockFilesError> {
    let dir = folder.dir().to_owned();
    match numbers.first() {
        None => return Err(BlockFilesError::NoFiles { dir }),
        Some(0) => {}
        Some(first) => return Err(BlockFilesError::Pruned { dir, first: *first }),
    }
    let path = folder.path(Kind::Blocks, 0);
    let (magic, got) =
        first_block(folder, chain).map_err(|source| BlockFilesError::Unreadable {
            path: path.clone(),
            source,
        })?;
    if got == chain.genesis_hash {
        Ok(magic)
    } else {
        let expected = chain.genesis_hash;
        Err(BlockFilesError::OtherChain {
            path,
            expected,
            got,
        })
    }
}

/// Reads magic and hash of the first block.
fn first_block(folder: &Folder, chain: &Descriptor) -> io::Result<([u8; 4], BlockHash)> {
    let file: PlainFile = folder.file(Kind::Blocks, 0)?;
    let mut start = vec![0; MAX_HASHED_LEN];
    let len = file.read_some(0, &mut start)?;
    start.truncate(len);
    let magic = start.first_chunk().copied().unwrap_or_default();
    let header = usize::try_from(HEAD_LEN).ok();
    let header = header.and_then(|at| start.get(at..)).unwrap_or_default();
    match chain.header_hash.hash(header) {
        Ok(Some(hash)) => Ok((magic, hash)),
        _ => Err(unexpected("no block")),
    }
}

#[cfg(test)]
impl BlockFiles {
    fn forget_last_look(&self) {
        let long_ago = Instant::now().checked_sub(LOOK_PAUSE).unwrap();
        *self.looked.lock().unwrap() = long_ago;
    }
}

fn unexpected(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
