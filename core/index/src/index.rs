//! The index: one writer, and views for any number of readers.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use electrode_coin::{BlockHash, Descriptor, Height, ScriptKey};
use rayon::prelude::*;

use crate::{
    BlockRows, IndexConfig, IndexError, IndexView, Run,
    chain::Chain,
    changes::Changes,
    commit::{Batch, Rows as _, begin_run, commit_run, recover_run, write_run_file},
    disconnect::disconnect,
    lookup::TXID_LEN,
    places::RecentRuns,
    schema::{BlockRecord, STATE_KEY, State, Table, identity, undo_key},
    store::Store,
};

const IDENTITY_FILE: &str = "identity";

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
    store: Arc<Store>,
    chain: Chain,
    config: IndexConfig,
    /// Most blocks the flat files ever held since opening: a view may stand on any of them.
    most_blocks: u32,
    recent: RecentRuns,
    is_compaction_paused: bool,
}

impl Index {
    /// Opens the index in `dir`, or starts an empty one there.
    ///
    /// What a crash left behind is mended on the way; that takes no longer than any opening.
    ///
    /// # Errors
    /// The folder holds an index of another chain or layout ([`IndexError::Identity`]; nothing is
    /// touched then), or is in use, or cannot be read.
    pub fn open(
        dir: &Path,
        descriptor: &Descriptor,
        config: IndexConfig,
    ) -> Result<Self, IndexError> {
        check_identity(dir, &identity(descriptor))?;
        let store = Store::open(dir, &config)?;
        recover_run(&store)?;
        let state = match store.db().get(STATE_KEY)? {
            Some(state) => State::parse(&state)?,
            None => State::default(),
        };
        let chain = load_chain(&store, &state)?;
        store.txids.truncate(chain.tx_count().0 * TXID_LEN)?;
        store.headers.truncate(chain.headers_len())?;
        Ok(Self {
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
        batch.commit(&state_of(&chain))?;
        self.adopt(chain);
        Ok(changes.touched())
    }

    /// Connects a run of blocks of the initial build and makes it durable.
    ///
    /// # Errors
    /// The run spends what is not there; nothing of it counts then.
    pub fn connect_run(&mut self, run: Run) -> Result<(), IndexError> {
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
        commit_run(&self.store, &state_of(&chain))?;
        self.adopt(chain);
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
        Ok(())
    }

    /// Disconnects the tip and makes that durable; gives the scripts it touched.
    ///
    /// # Errors
    /// [`IndexError::NoUndo`] for the genesis block and below the `reorg_limit`.
    pub fn disconnect(&mut self) -> Result<Vec<ScriptKey>, IndexError> {
        let no_undo = |height| IndexError::NoUndo { height };
        let (height, _) = self.chain.tip().ok_or(no_undo(Height(0)))?;
        let tx_nums = self.chain.tx_nums(height).ok_or(no_undo(height))?;
        self.recent.clear();
        let mut chain = self.chain.clone();
        chain.pop();
        let mut batch = Batch::new(&self.store);
        let touched = disconnect(&self.store, height, tx_nums, &mut batch)?;
        batch.commit(&state_of(&chain))?;
        self.chain = chain;
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
        let records_start = len_u64(BlockRecord::LEN) * u64::from(self.chain.block_count());
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

    fn adopt(&mut self, chain: Chain) {
        self.most_blocks = self.most_blocks.max(chain.block_count());
        self.chain = chain;
    }
}

/// Compares what the folder holds with what is asked for, before anything is opened.
fn check_identity(dir: &Path, expected: &str) -> Result<(), IndexError> {
    let path = dir.join(IDENTITY_FILE);
    let file_error = |path: PathBuf| move |source| IndexError::File { path, source };
    match fs::read_to_string(&path) {
        Ok(found) if found == expected => Ok(()),
        Ok(found) => Err(IndexError::Identity {
            path: dir.to_owned(),
            expected: on_one_line(expected),
            found: on_one_line(&found),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(dir).map_err(file_error(dir.to_owned()))?;
            fs::write(&path, expected).map_err(file_error(path))
        }
        Err(source) => Err(file_error(path)(source)),
    }
}

fn on_one_line(identity: &str) -> String {
    identity.trim_end().replace('\n', ", ")
}

fn load_chain(store: &Store, state: &State) -> Result<Chain, IndexError> {
    let len = len_u64(BlockRecord::LEN) * u64::from(state.block_count);
    store.blocks.truncate(len)?;
    let bytes = store.blocks.read_vec(0, len)?;
    let (records, _) = bytes.as_chunks();
    let chain = Chain::new(records.iter().map(BlockRecord::parse).collect());
    if state_of(&chain) != *state {
        return Err(IndexError::corrupt("block records"));
    }
    Ok(chain)
}

fn state_of(chain: &Chain) -> State {
    let tip_hash = chain.tip().map(|(_, block)| block.hash).unwrap_or_default();
    State {
        block_count: chain.block_count(),
        tip_hash,
    }
}

fn len_u64(len: usize) -> u64 {
    // usize is at most 64 bits wide on every platform that RocksDB runs on.
    u64::try_from(len).unwrap_or(u64::MAX)
}
