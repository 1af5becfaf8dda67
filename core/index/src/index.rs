//! The index: one writer, and views for any number of readers.

use std::{path::Path, sync::Arc};

use electrode_coin::{BlockHash, Descriptor, Height, ScriptKey, u64_from};
use rayon::prelude::*;

use crate::{
    BlockRows, IndexConfig, IndexError, IndexView, Run,
    chain::Chain,
    changes::Changes,
    commit::{Batch, Rows as _, begin_run, commit_run, recover_run, write_run_file},
    disconnect::disconnect,
    folder::Folder,
    lookup::TXID_LEN,
    manifest::{self, ManifestWriter, Noted},
    places::RecentRuns,
    schema::{BlockRecord, FileEnds, STATE_KEY, State, Table, undo_key},
    store::{ROWS, Store},
};

/// How many times as much as its share of memory the write-ahead log may hold when nobody has had
/// the time to [tidy](Index::tidy) up.
const MAX_BUFFERS: u64 = 2;

/// The last block of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
}

/// The index of one chain, opened for writing.
#[derive(Debug)]
pub struct Index {
    folder: Folder,
    manifest: ManifestWriter,
    store: Arc<Store>,
    chain: Chain,
    config: IndexConfig,
    /// Most blocks the flat files ever held since opening: a view may stand on any of them.
    most_blocks: u32,
    recent: RecentRuns,
    is_compaction_paused: bool,
}

impl Index {
    /// Opens the index in the folder `index` of `data_dir`, or starts an empty one there.
    ///
    /// What a crash left behind is mended on the way; that takes no longer than any opening.
    ///
    /// # Errors
    /// The folder holds an index of another chain or layout ([`IndexError::Identity`]; nothing is
    /// touched then), or is in use, or cannot be read, or something in it is not as it was left
    /// ([`IndexError::Damaged`]).
    pub fn open(
        data_dir: &Path,
        descriptor: &Descriptor,
        config: IndexConfig,
    ) -> Result<Self, IndexError> {
        let Tables {
            folder,
            store,
            state,
            mut manifest,
        } = Tables::open(data_dir, descriptor, &config)?;
        let chain = load_chain(&store, &state)?;
        manifest.note(&state, store.first_log()?)?;
        Ok(Self {
            folder,
            manifest,
            store: Arc::new(store),
            chain,
            config,
            most_blocks: state.block_count,
            recent: RecentRuns::default(),
            is_compaction_paused: false,
        })
    }

    /// Gives the last block, `None` in an empty index.
    #[must_use]
    pub fn tip(&self) -> Option<Tip> {
        let (height, block) = self.chain.tip()?;
        Some(Tip {
            height,
            hash: block.hash,
        })
    }

    /// Gives the height that the next block to connect must have.
    #[must_use]
    pub fn next_height(&self) -> Height {
        Height(self.chain.block_count())
    }

    /// Gives the hash of a block of the chain.
    #[must_use]
    pub fn block_hash(&self, height: Height) -> Option<BlockHash> {
        self.chain.block_hash(height)
    }

    /// Gives the settings it was opened with.
    #[must_use]
    pub fn config(&self) -> &IndexConfig {
        &self.config
    }

    /// Takes a view of the index as it stands, for any number of readers.
    #[must_use]
    pub fn view(&self) -> IndexView {
        IndexView::new(Arc::clone(&self.store), self.chain.clone())
    }

    /// Connects the next block and makes it durable; gives the scripts it touches.
    ///
    /// # Errors
    /// The block does not build on the tip, or spends what is not there; nothing changes then.
    pub fn connect(&mut self, block: &BlockRows) -> Result<Vec<ScriptKey>, IndexError> {
        self.check_place()?;
        self.recent.clear();
        let mut run = Run::new(self, block.height);
        run.push(block)?;
        let changes = Changes::new(&self.store, &self.recent, &run)?;
        let chain = self.append(&run)?;
        let mut batch = Batch::new(&self.store);
        for part in &Changes::PARTS {
            changes.write(part, &mut batch)?;
        }
        if let Some(old) = block.height.0.checked_sub(self.config.reorg_limit) {
            batch.delete(Table::Undo, &undo_key(Height(old)))?;
        }
        let state = state_of(&self.store, &chain)?;
        batch.commit(&state)?;
        self.adopt(chain, &state)?;
        Ok(changes.touched())
    }

    /// Connects a run of blocks of the initial build and makes it durable.
    ///
    /// # Errors
    /// The run spends what is not there; nothing of it counts then.
    pub fn connect_run(&mut self, run: Run) -> Result<(), IndexError> {
        self.check_place()?;
        let changes = Changes::new(&self.store, &self.recent, &run)?;
        begin_run(&self.store)?;
        let write_rows = || {
            let parts = Changes::PARTS.par_iter().with_max_len(1);
            parts.try_for_each(|part| {
                write_run_file(&self.store, part, |rows| changes.write(part, rows))
            })
        };
        let (chain, written) = rayon::join(|| self.append(&run), write_rows);
        let chain = chain?;
        written?;
        let state = state_of(&self.store, &chain)?;
        commit_run(&self.store, &state)?;
        self.manifest.ingested(state.block_count);
        self.adopt(chain, &state)?;
        let max_memory = self.config.recent_runs_memory();
        self.recent.push(run.base, run.places, max_memory);
        Ok(())
    }

    /// Leaves the tables as the runs to come make them, for as long as they are too many to be
    /// worth merging.
    ///
    /// # Errors
    /// The database refuses.
    pub fn pause_compaction(&mut self) -> Result<(), IndexError> {
        if !self.is_compaction_paused {
            self.store.set_compaction("true")?;
            self.is_compaction_paused = true;
        }
        Ok(())
    }

    /// Merges what runs have left, in the background.
    ///
    /// # Errors
    /// The database refuses.
    pub fn resume_compaction(&mut self) -> Result<(), IndexError> {
        if self.is_compaction_paused {
            self.store.set_compaction("false")?;
            self.is_compaction_paused = false;
        }
        // What is known of the runs must not hang on a log that can be lost.
        self.flush()
    }

    /// Disconnects the tip and makes that durable; gives the scripts it touched.
    ///
    /// # Errors
    /// [`IndexError::NoUndo`] for the genesis block and below the `reorg_limit`.
    pub fn disconnect(&mut self) -> Result<Vec<ScriptKey>, IndexError> {
        self.check_place()?;
        let no_undo = |height| IndexError::NoUndo { height };
        let (height, _) = self.chain.tip().ok_or(no_undo(Height(0)))?;
        let tx_nums = self.chain.tx_nums(height).ok_or(no_undo(height))?;
        self.recent.clear();
        let mut chain = self.chain.clone();
        chain.pop();
        let store = Arc::clone(&self.store);
        let mut batch = Batch::new(&store);
        let touched = disconnect(&store, height, tx_nums, &mut batch)?;
        if self.manifest.lower_ingested(chain.block_count()) {
            // Before the commit: a crash between the two is none of a log that lost its end.
            self.note(&state_of(&self.store, &self.chain)?)?;
        }
        let state = state_of(&self.store, &chain)?;
        batch.commit(&state)?;
        self.adopt(chain, &state)?;
        Ok(touched)
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Appends blocks to the flat files; they do not count before the rows are committed.
    fn append(&self, run: &Run) -> Result<Chain, IndexError> {
        if self.chain.block_count() < self.most_blocks {
            self.store.announce_overwrite();
        }
        let records: Vec<u8> = run
            .blocks
            .iter()
            .flat_map(|block| block.record.bytes())
            .collect();
        let records_start = blocks_len(self.chain.block_count());
        let store = &self.store;
        // Three waits for the disk at once are as short as one.
        let writes = [
            (
                &store.txids,
                self.chain.tx_count().0 * TXID_LEN,
                run.txids.as_flattened(),
            ),
            (&store.headers, self.chain.headers_len(), &run.headers[..]),
            (&store.blocks, records_start, &records[..]),
        ];
        writes
            .par_iter()
            .try_for_each(|(file, start, bytes)| file.write(*start, bytes))?;
        Ok(run.extended(&self.chain))
    }

    /// Goes on from what was committed.
    fn adopt(&mut self, chain: Chain, state: &State) -> Result<(), IndexError> {
        self.most_blocks = self.most_blocks.max(chain.block_count());
        self.chain = chain;
        self.note(state)?;
        if self.manifest.log_len() > MAX_BUFFERS * self.config.write_buffer_bytes() {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes rows into tables that are only in the write-ahead log, if they are many: for times
    /// when nobody waits for a block.
    ///
    /// # Errors
    /// The database refuses.
    pub fn tidy(&mut self) -> Result<(), IndexError> {
        if self.manifest.log_len() > self.config.write_buffer_bytes() {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), IndexError> {
        self.store.flush()?;
        self.note(&state_of(&self.store, &self.chain)?)
    }

    fn note(&mut self, state: &State) -> Result<(), IndexError> {
        self.manifest.note(state, self.store.first_log()?)
    }

    /// Checks that the index is where it was opened: what is written elsewhere is lost.
    ///
    /// # Errors
    /// [`IndexError::Moved`].
    pub fn check_place(&self) -> Result<(), IndexError> {
        self.folder.check_place()
    }
}

/// The tables of an index, which say how far its files go: those are not looked at yet.
pub(crate) struct Tables {
    folder: Folder,
    pub(crate) store: Store,
    pub(crate) state: State,
    manifest: ManifestWriter,
}

impl Tables {
    /// Opens the tables of the index in `data_dir`, with what a crash left behind mended.
    pub(crate) fn open(
        data_dir: &Path,
        descriptor: &Descriptor,
        config: &IndexConfig,
    ) -> Result<Self, IndexError> {
        let folder = Folder::open(data_dir, descriptor)?;
        let (dir, rows) = (folder.path(), folder.path().join(ROWS));
        let noted = manifest::check(dir, &rows)?;
        let store = Store::open(dir, config)?;
        let before = match store.db().get(STATE_KEY)? {
            Some(state) => State::parse(&state)?,
            None => State::default(),
        };
        let mut manifest = ManifestWriter::new(dir, &rows, noted.as_ref());
        let state = recover_run(&store, before)?;
        if state != before {
            manifest.ingested(state.block_count);
        }
        Noted::check(noted.as_ref(), &state)?;
        Ok(Self {
            folder,
            store,
            state,
            manifest,
        })
    }
}

fn load_chain(store: &Store, state: &State) -> Result<Chain, IndexError> {
    let len = blocks_len(state.block_count);
    store.blocks.cut(len, state.ends.blocks)?;
    let bytes = store.blocks.read_vec(0, len)?;
    let (records, _) = bytes.as_chunks();
    let chain = Chain::new(records.iter().map(BlockRecord::parse).collect());
    let tip_hash = chain.tip().map(|(_, block)| block.hash).unwrap_or_default();
    if tip_hash != state.tip_hash || !chain.rises() {
        return Err(IndexError::damaged("its block records are of another time"));
    }
    store.headers.cut(chain.headers_len(), state.ends.headers)?;
    store
        .txids
        .cut(chain.tx_count().0 * TXID_LEN, state.ends.txids)?;
    Ok(chain)
}

fn state_of(store: &Store, chain: &Chain) -> Result<State, IndexError> {
    let tip_hash = chain.tip().map(|(_, block)| block.hash).unwrap_or_default();
    Ok(State {
        block_count: chain.block_count(),
        tip_hash,
        ends: FileEnds {
            blocks: store.blocks.sum_at(blocks_len(chain.block_count()))?,
            headers: store.headers.sum_at(chain.headers_len())?,
            txids: store.txids.sum_at(chain.tx_count().0 * TXID_LEN)?,
        },
    })
}

/// Bytes that the records of so many blocks take.
pub(crate) fn blocks_len(count: u32) -> u64 {
    u64_from(BlockRecord::LEN) * u64::from(count)
}
