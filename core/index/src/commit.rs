//! Rows on their way into the database, all of them or none.
//!
//! A single block goes through the write-ahead log. A run of blocks of the initial build goes
//! into sorted files that the database takes over whole: they are written to a folder of their
//! own, then the file `COMMIT` decides, then they are ingested. Ingesting twice does no harm, so
//! a crash in between is mended by doing it again.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rocksdb::{IngestExternalFileOptions, SstFileWriter, WriteBatch, WriteOptions};

use crate::{
    IndexError,
    changes::{Changes, Part},
    durable,
    schema::{STATE_KEY, State, Table},
    store::{Store, table_options},
};

const RUN_DIR: &str = "run";
const COMMIT_FILE: &str = "COMMIT";

/// Takes the rows of a change, table by table, each table's in key order.
pub(crate) trait Rows {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), IndexError>;
    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), IndexError>;
}

/// Rows that become durable in one write.
pub(crate) struct Batch<'a> {
    store: &'a Store,
    batch: WriteBatch,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self {
            store,
            batch: WriteBatch::default(),
        }
    }

    /// Writes the rows and the state they lead to, and waits until the disk has them.
    pub(crate) fn commit(mut self, state: &State) -> Result<(), IndexError> {
        self.put(Table::Meta, STATE_KEY, &state.bytes())?;
        let mut options = WriteOptions::default();
        options.set_sync(true);
        Ok(self.store.db().write_opt(self.batch, &options)?)
    }
}

impl Rows for Batch<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), IndexError> {
        self.batch.put_cf(self.store.table(table)?, key, value);
        Ok(())
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), IndexError> {
        self.batch.delete_cf(self.store.table(table)?, key);
        Ok(())
    }
}

/// Writes the sorted file of one part; nothing is made where there are no rows.
pub(crate) fn write_run_file(
    store: &Store,
    part: &Part,
    rows: impl FnOnce(&mut dyn Rows) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let options = table_options(part.table, None);
    let mut file = RunFile {
        writer: SstFileWriter::create(&options),
        path: run_file(store.dir(), part),
        is_open: false,
    };
    rows(&mut file)?;
    if file.is_open {
        file.writer.finish()?;
    }
    Ok(())
}

struct RunFile<'a> {
    writer: SstFileWriter<'a>,
    path: PathBuf,
    is_open: bool,
}

impl RunFile<'_> {
    fn open(&mut self) -> Result<(), IndexError> {
        if !self.is_open {
            self.writer.open(&self.path)?;
            self.is_open = true;
        }
        Ok(())
    }
}

impl Rows for RunFile<'_> {
    fn put(&mut self, _table: Table, key: &[u8], value: &[u8]) -> Result<(), IndexError> {
        self.open()?;
        Ok(self.writer.put(key, value)?)
    }

    fn delete(&mut self, _table: Table, key: &[u8]) -> Result<(), IndexError> {
        self.open()?;
        Ok(self.writer.delete(key)?)
    }
}

/// Makes an empty folder for the files of a run.
pub(crate) fn begin_run(store: &Store) -> Result<(), IndexError> {
    let dir = store.dir().join(RUN_DIR);
    remove_dir(&dir)?;
    fs::create_dir(&dir).map_err(file_error(&dir))
}

/// Decides that the run in the folder counts, and takes it over.
pub(crate) fn commit_run(store: &Store, state: &State) -> Result<(), IndexError> {
    let commit = commit_file(store);
    durable::replace(&commit, &state.bytes()).map_err(file_error(&commit))?;
    ingest_run(store, state)
}

/// Finishes the run that a crash interrupted, or drops it: when it was not decided yet, or is of
/// an older time than the rest. Gives the state that the index has then.
pub(crate) fn recover_run(store: &Store, state: State) -> Result<State, IndexError> {
    let commit = commit_file(store);
    let decided = match fs::read(&commit) {
        Ok(decided) => Some(State::parse(&decided)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(file_error(&commit)(source)),
    };
    match decided.filter(|decided| decided.block_count > state.block_count) {
        Some(decided) => {
            ingest_run(store, &decided)?;
            Ok(decided)
        }
        None => {
            drop_run(store)?;
            Ok(state)
        }
    }
}

fn ingest_run(store: &Store, state: &State) -> Result<(), IndexError> {
    let mut options = IngestExternalFileOptions::default();
    options.set_move_files(true);
    for table in Table::ALL {
        let parts = Changes::PARTS.iter().filter(|part| part.table == table);
        let paths = parts.map(|part| run_file(store.dir(), part));
        let paths: Vec<_> = paths.filter(|path| path.exists()).collect();
        if !paths.is_empty() {
            store
                .db()
                .ingest_external_file_cf_opts(store.table(table)?, &options, paths)?;
        }
    }
    Batch::new(store).commit(state)?;
    drop_run(store)
}

/// Removes the folder of a run, the decision first: it must not come back without the rest, or
/// later.
fn drop_run(store: &Store) -> Result<(), IndexError> {
    let (commit, dir) = (commit_file(store), store.dir().join(RUN_DIR));
    durable::remove(&commit).map_err(file_error(&commit))?;
    remove_dir(&dir)?;
    durable::sync_folder_of(&dir).map_err(file_error(&dir))
}

fn commit_file(store: &Store) -> PathBuf {
    store.dir().join(RUN_DIR).join(COMMIT_FILE)
}

fn run_file(dir: &Path, part: &Part) -> PathBuf {
    dir.join(RUN_DIR).join(part.file_name())
}

fn remove_dir(dir: &Path) -> Result<(), IndexError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error(dir)(error)),
        _removed_or_not_there => Ok(()),
    }
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> IndexError {
    let path = path.to_owned();
    move |source| IndexError::File { path, source }
}

#[cfg(test)]
mod tests {
    use electrode_coin::BlockHash;

    use super::*;
    use crate::IndexConfig;

    /// Leaves behind what a crash between the decision and the end of the ingestion leaves.
    fn crash_with_a_decided_run(dir: &Path, state: &State) {
        let store = Store::open(dir, &IndexConfig::default()).unwrap();
        begin_run(&store).unwrap();
        for table in [Table::Outpoints, Table::Spends] {
            let part = Part::whole(table);
            write_run_file(&store, &part, |rows| rows.put(table, b"key", b"value")).unwrap();
        }
        fs::write(dir.join(RUN_DIR).join(COMMIT_FILE), state.bytes()).unwrap();
        let file = run_file(dir, &Part::whole(Table::Outpoints));
        let family = store.table(Table::Outpoints).unwrap();
        store
            .db()
            .ingest_external_file_cf(family, vec![file])
            .unwrap();
    }

    #[test]
    fn finishes_a_decided_run_that_was_cut_short() {
        let dir = tempfile::tempdir().unwrap();
        let state = State {
            block_count: 7,
            tip_hash: BlockHash([8; 32]),
            ..State::default()
        };
        crash_with_a_decided_run(dir.path(), &state);

        let store = Store::open(dir.path(), &IndexConfig::default()).unwrap();
        assert_eq!(recover_run(&store, State::default()).unwrap(), state);
        for table in [Table::Outpoints, Table::Spends] {
            let value = store
                .db()
                .get_cf(store.table(table).unwrap(), b"key")
                .unwrap();
            assert_eq!(value.as_deref(), Some(&b"value"[..]), "{table:?}");
        }
        let found = store.db().get(STATE_KEY).unwrap().unwrap();
        assert_eq!(State::parse(&found).unwrap(), state);
        assert!(!dir.path().join(RUN_DIR).exists());
    }

    #[test]
    fn drops_a_run_of_an_older_time() {
        let dir = tempfile::tempdir().unwrap();
        let old = State {
            block_count: 7,
            ..State::default()
        };
        let newer = State {
            block_count: 8,
            ..State::default()
        };
        let store = Store::open(dir.path(), &IndexConfig::default()).unwrap();
        for state in [old, newer] {
            begin_run(&store).unwrap();
            let part = Part::whole(Table::Spends);
            write_run_file(&store, &part, |rows| {
                rows.put(Table::Spends, b"key", b"value")
            })
            .unwrap();
            fs::write(commit_file(&store), old.bytes()).unwrap();
            assert_eq!(recover_run(&store, state).unwrap(), state);
            let family = store.table(Table::Spends).unwrap();
            assert_eq!(store.db().get_cf(family, b"key").unwrap(), None);
            assert!(!dir.path().join(RUN_DIR).exists());
        }
    }
}
