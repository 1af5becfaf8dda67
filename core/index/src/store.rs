//! RocksDB and the flat files, opened together.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB,
    DBCompressionType, FlushOptions, Options, SliceTransform, properties,
};

use crate::{IndexConfig, IndexError, flat::FlatFile, schema::Table, snapshot::PinnedSnapshot};

/// Bits of filter per key: one false hit in a hundred.
const FILTER_BITS: f64 = 10.0;
/// Entries of an index block that are written as what they add to the one before.
const INDEX_RESTARTS: i32 = 8;
/// Bytes of a data block: small ones read faster when the cache is cold.
const BLOCK_LEN: usize = 4096;

/// Folder of the database in the folder of the index.
pub(crate) const ROWS: &str = "rows";

/// Times what the index flushes at by itself, that no write-ahead log reaches: the database would
/// flush at it in the background. It reserves as much on the disk.
const LOG_ROOM: u64 = 8;

/// Where everything of one index is kept.
pub(crate) struct Store {
    db: Arc<DB>,
    dir: PathBuf,
    /// Block records.
    pub(crate) blocks: FlatFile,
    /// Headers, one behind the other.
    pub(crate) headers: FlatFile,
    /// txids (32 bytes each) by `tx_num`.
    pub(crate) txids: FlatFile,
    /// Counts the times that committed bytes of flat files were written over: a view made before
    /// may have read the wrong ones.
    overwrites: AtomicU64,
    /// What was found damaged first.
    damage: OnceLock<String>,
}

impl Store {
    /// Opens what is there, or makes it.
    pub(crate) fn open(dir: &Path, config: &IndexConfig) -> Result<Self, IndexError> {
        let cache = Cache::new_lru_cache(config.block_cache_memory());
        // Rows take several times as much in memory as in the log.
        let write_buffer_size = usize::try_from(4 * max_log_len(config)).unwrap_or(usize::MAX);
        let families = Table::ALL.map(|table| {
            let mut options = table_options(table, Some(&cache));
            options.set_write_buffer_size(write_buffer_size);
            ColumnFamilyDescriptor::new(table.name(), options)
        });
        let db = DB::open_cf_descriptors(&database_options(config), dir.join(ROWS), families)?;
        Ok(Self {
            db: Arc::new(db),
            dir: dir.to_owned(),
            blocks: FlatFile::open(dir.join("blocks"))?,
            headers: FlatFile::open(dir.join("headers"))?,
            txids: FlatFile::open(dir.join("txids"))?,
            overwrites: AtomicU64::new(0),
            damage: OnceLock::new(),
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn db(&self) -> &DB {
        &self.db
    }

    pub(crate) fn table(&self, table: Table) -> Result<&ColumnFamily, IndexError> {
        self.db
            .cf_handle(table.name())
            .ok_or(IndexError::damaged(table.name()))
    }

    /// Sets whether tables are not compacted by themselves: `true` or `false`.
    pub(crate) fn set_compaction(&self, is_disabled: &str) -> Result<(), IndexError> {
        for table in Table::ALL {
            let options = [("disable_auto_compactions", is_disabled)];
            self.db.set_options_cf(self.table(table)?, &options)?;
        }
        Ok(())
    }

    /// Gives the number of the oldest write-ahead log that is needed. Nothing is written into
    /// tables in the background, so that it changes in [`Self::flush`] alone.
    pub(crate) fn first_log(&self) -> Result<u64, IndexError> {
        let first = self
            .db
            .property_int_value(properties::MIN_LOG_NUMBER_TO_KEEP)?;
        first.ok_or_else(|| IndexError::damaged("the database does not know its own state"))
    }

    /// Writes what is only in the write-ahead log into tables.
    pub(crate) fn flush(&self) -> Result<(), IndexError> {
        let families = Table::ALL.map(|table| self.table(table));
        let families = families.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(self.db.flush_cfs_opt(&families, &FlushOptions::default())?)
    }

    /// Takes note that a reader found something damaged.
    pub(crate) fn note_damage(&self, error: &IndexError) {
        if matches!(error, IndexError::Damaged { .. }) {
            self.damage.get_or_init(|| error.to_string());
        }
    }

    pub(crate) fn damage(&self) -> Option<&str> {
        self.damage.get().map(String::as_str)
    }

    pub(crate) fn snapshot(&self) -> PinnedSnapshot {
        PinnedSnapshot::of(&self.db)
    }

    pub(crate) fn overwrites(&self) -> u64 {
        self.overwrites.load(Ordering::SeqCst)
    }

    /// Announces that committed bytes of the flat files are about to be written over.
    pub(crate) fn announce_overwrite(&self) {
        self.overwrites.fetch_add(1, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

/// Options of a table; those of rows written to files of their own must be the same.
pub(crate) fn table_options(table: Table, cache: Option<&Cache>) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_size(BLOCK_LEN);
    blocks.set_format_version(5);
    // Keys of an index share their beginnings as those of the data do.
    blocks.set_index_block_restart_interval(INDEX_RESTARTS);
    if let Some(cache) = cache {
        blocks.set_block_cache(cache);
        blocks.set_cache_index_and_filter_blocks(true);
        blocks.set_pin_top_level_index_and_filter(true);
    }
    // In pieces: a whole filter of a large table would not fit the cache, and be read each time.
    blocks.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    blocks.set_partition_filters(true);
    blocks.set_metadata_block_size(BLOCK_LEN);
    let mut options = Options::default();
    if let Some(len) = table.key_prefix_len() {
        options.set_prefix_extractor(SliceTransform::create_fixed_prefix(len));
        blocks.set_bloom_filter(FILTER_BITS, false);
        blocks.set_whole_key_filtering(false);
    }
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(DBCompressionType::Lz4);
    options
}

fn max_log_len(config: &IndexConfig) -> u64 {
    LOG_ROOM * config.write_buffer_bytes() + (16 << 20)
}

fn database_options(config: &IndexConfig) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_max_open_files(config.max_open_files);
    options.set_max_total_wal_size(max_log_len(config));
    options.set_keep_log_file_num(4);
    options.set_max_background_jobs(2);
    // What a lost log leaves is the index as it was some blocks ago, in all tables.
    options.set_atomic_flush(true);
    options.set_track_and_verify_wals_in_manifest(true);
    options
}
