//! What a whole index consists of, written down beside it: what is missing or was put back from
//! older times is seen at the next opening, before anything is read from it or written to it.
//!
//! The database keeps two kinds of logs: `MANIFEST-…`, which says what tables there are, and
//! write-ahead logs (`….log`), which say what is not in tables yet. Of either it takes a shorter
//! one for a complete one: tables that it then knows nothing of it deletes, and of several
//! write-ahead logs it leaves out one that it cannot read. So their lengths and checksums are noted
//! here after each commit, and compared before the database is opened.
//!
//! Shape: lines `name value…`: `manifest 1` ‖ `blocks COUNT` ‖ `tip HASH` ‖ `ingested COUNT` ‖
//! `tables FILE LENGTH CRC-32C` ‖ any number of `log FILE LENGTH CRC-32C`, in order ‖
//! `sum CRC-32C`, the last of all lines before it.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use electrode_coin::u64_from;

use crate::{IndexError, durable, schema::State};

const FILE: &str = "manifest";
const FIRST_LINE: &str = "manifest 1";

/// File in which the database names its log of tables.
const CURRENT: &str = "CURRENT";

/// What was noted when the index was last known to be whole.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Manifest {
    block_count: u32,
    tip_hash: String,
    /// Blocks whose rows came in files, past the write-ahead log.
    ingested: u32,
    tables: Log,
    /// The write-ahead logs, the newest one last.
    logs: Vec<Log>,
}

/// A log as it was: it has only been appended to since.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Log {
    file: String,
    len: u64,
    sum: u32,
}

/// Keeps the manifest of an index.
#[derive(Debug)]
pub(crate) struct ManifestWriter {
    dir: PathBuf,
    rows: PathBuf,
    ingested: u32,
    /// What was noted last: only what was appended since has to be read.
    noted: Option<Manifest>,
}

/// Compares the manifest in `dir` with the database in `rows`, which is not open.
///
/// # Errors
/// [`IndexError::Damaged`]: something is missing.
pub(crate) fn check(dir: &Path, rows: &Path) -> Result<Option<Noted>, IndexError> {
    let current = current_log(rows)?;
    let Some(manifest) = read(dir)? else {
        return Ok(None);
    };
    let file = current.ok_or_else(|| damaged(&rows.join(CURRENT), "it is missing"))?;
    let has_new_tables = check_tables(rows, &file, &manifest.tables)?;
    let newest = write_ahead_logs(rows)?.pop_last();
    for log in &manifest.logs {
        // Of the newest one the end may be missing: the tables are of the time before, then.
        let is_newest = newest.as_ref().is_some_and(|(_, file)| *file == log.file);
        // What is in tables needs no log.
        let is_needed = rows.join(&log.file).exists() || !has_new_tables;
        if is_needed && !is_newest && !log.is_in(rows)? {
            return Err(damaged(
                &rows.join(&log.file),
                "it is not the one that was written",
            ));
        }
    }
    Ok(Some(Noted {
        block_count: manifest.block_count,
        ingested: manifest.ingested,
    }))
}

/// Compares the log of tables; tells whether anything was added to it.
fn check_tables(rows: &Path, file: &str, noted: &Log) -> Result<bool, IndexError> {
    if number_of(file) < number_of(&noted.file) {
        return Err(damaged(
            &rows.join(file),
            "it is older than the rest of the index",
        ));
    }
    // The database begins another one whenever it is opened, with all that the last one said.
    if file != noted.file {
        return Ok(true);
    }
    let path = rows.join(file);
    if !noted.is_in(rows)? {
        return Err(damaged(&path, "it is not the one that was written"));
    }
    let meta = fs::metadata(&path).map_err(file_error(&path))?;
    Ok(meta.len() > noted.len)
}

/// What the manifest says of the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted {
    block_count: u32,
    ingested: u32,
}

impl Noted {
    /// Compares what the database says of the chain with what was noted, if anything was.
    ///
    /// It may be some blocks short, because its write-ahead log lost its end: all its tables are of
    /// that time then. Tables whose rows came past that log are not.
    ///
    /// # Errors
    /// [`IndexError::Damaged`]: blocks are gone that the tables still hold, or the manifest is.
    pub(crate) fn check(noted: Option<&Self>, state: &State) -> Result<(), IndexError> {
        match noted {
            None if state.block_count == 0 => Ok(()),
            None => Err(IndexError::damaged("its manifest is missing")),
            Some(Self {
                block_count,
                ingested,
            }) if state.block_count < *ingested => Err(IndexError::damaged(format!(
                "it has lost its state: it ends at {} blocks of {block_count}",
                state.block_count
            ))),
            Some(_) => Ok(()),
        }
    }
}

impl ManifestWriter {
    /// Goes on with what was noted before, if anything was.
    pub(crate) fn new(dir: &Path, rows: &Path, noted: Option<&Noted>) -> Self {
        Self {
            dir: dir.to_owned(),
            rows: rows.to_owned(),
            ingested: noted.map_or(0, |noted| noted.ingested),
            noted: None,
        }
    }

    /// Takes note that rows of so many blocks came past the write-ahead log.
    pub(crate) fn ingested(&mut self, block_count: u32) {
        self.ingested = block_count;
    }

    /// Takes note that no more than so many blocks of those count any more; tells whether that is
    /// news.
    pub(crate) fn lower_ingested(&mut self, block_count: u32) -> bool {
        let is_lower = block_count < self.ingested;
        self.ingested = self.ingested.min(block_count);
        is_lower
    }

    /// Gives the bytes of the write-ahead logs when they were last noted.
    pub(crate) fn log_len(&self) -> u64 {
        let logs = self.noted.iter().flat_map(|manifest| &manifest.logs);
        logs.map(|log| log.len).sum()
    }

    /// Notes that the index is whole as it is now. `first_log` is the number of the oldest
    /// write-ahead log that is needed.
    pub(crate) fn note(&mut self, state: &State, first_log: u64) -> Result<(), IndexError> {
        self.lower_ingested(state.block_count);
        let missing = || damaged(&self.rows.join(CURRENT), "it is missing");
        let file = current_log(&self.rows)?.ok_or_else(missing)?;
        let tables = self.log_as_it_is(file)?;
        let logs = write_ahead_logs(&self.rows)?.split_off(&first_log);
        let logs = logs.into_values().map(|file| self.log_as_it_is(file));
        let manifest = Manifest {
            block_count: state.block_count,
            tip_hash: state.tip_hash.to_string(),
            ingested: self.ingested,
            tables,
            logs: logs.collect::<Result<_, _>>()?,
        };
        let path = self.dir.join(FILE);
        durable::replace(&path, manifest.text().as_bytes()).map_err(file_error(&path))?;
        self.noted = Some(manifest);
        Ok(())
    }

    /// Reads what was appended to a log since it was noted, once the disk has it.
    fn log_as_it_is(&self, file: String) -> Result<Log, IndexError> {
        let path = self.rows.join(&file);
        let noted = self.noted.as_ref().and_then(|manifest| {
            let mut logs = manifest.logs.iter().chain([&manifest.tables]);
            logs.find(|noted| noted.file == file)
        });
        let (mut len, mut sum) = noted.map_or((0, 0), |noted| (noted.len, noted.sum));
        let read = || -> io::Result<Vec<u8>> {
            let mut log = File::open(&path)?;
            log.sync_data()?;
            log.seek(SeekFrom::Start(len))?;
            let mut appended = Vec::new();
            log.read_to_end(&mut appended)?;
            Ok(appended)
        };
        let appended = read().map_err(file_error(&path))?;
        len += u64_from(appended.len());
        sum = crc32c::crc32c_append(sum, &appended);
        Ok(Log { file, len, sum })
    }
}

impl Manifest {
    fn text(&self) -> String {
        let Self {
            block_count,
            tip_hash,
            ingested,
            tables,
            logs,
        } = self;
        let mut text = format!(
            "{FIRST_LINE}\nblocks {block_count}\ntip {tip_hash}\ningested {ingested}\n\
             tables {tables}\n"
        );
        for log in logs {
            writeln!(text, "log {log}").expect("writing to a string cannot fail");
        }
        let sum = crc32c::crc32c(text.as_bytes());
        format!("{text}sum {sum:08x}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let (lines, sum) = text.trim_end().rsplit_once('\n')?;
        let sum = u32::from_str_radix(sum.strip_prefix("sum ")?, 16).ok()?;
        if crc32c::crc32c(format!("{lines}\n").as_bytes()) != sum {
            return None;
        }
        let mut lines = lines.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let mut value = |name: &str| value_of(lines.next()?, name);
        Some(Self {
            block_count: value("blocks")?.parse().ok()?,
            tip_hash: value("tip")?.to_owned(),
            ingested: value("ingested")?.parse().ok()?,
            tables: Log::parse(value("tables")?)?,
            logs: lines
                .map(|line| Log::parse(value_of(line, "log")?))
                .collect::<Option<_>>()?,
        })
    }
}

impl Log {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(' ');
        Some(Self {
            file: fields.next()?.to_owned(),
            len: fields.next()?.parse().ok()?,
            sum: u32::from_str_radix(fields.next()?, 16).ok()?,
        })
    }

    /// Tells whether the log is there, with at least all that was noted of it.
    fn is_in(&self, rows: &Path) -> Result<bool, IndexError> {
        let path = rows.join(&self.file);
        let found = sum_of(&path, self.len).map_err(file_error(&path))?;
        Ok(found == Some(self.sum))
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, len, sum } = self;
        write!(f, "{file} {len} {sum:08x}")
    }
}

fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix(name)?.strip_prefix(' ')
}

fn read(dir: &Path) -> Result<Option<Manifest>, IndexError> {
    let path = dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => match Manifest::parse(&text) {
            Some(manifest) => Ok(Some(manifest)),
            None => Err(damaged(&path, "it is not what was written")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(damaged(&path, "it is not what was written"))
        }
        Err(source) => Err(file_error(&path)(source)),
    }
}

/// Gives the log that the database names; `None` where there is no database.
fn current_log(rows: &Path) -> Result<Option<String>, IndexError> {
    let path = rows.join(CURRENT);
    match fs::read_to_string(&path) {
        Ok(name) => Ok(Some(name.trim_end().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file_error(&path)(source)),
    }
}

/// Gives the write-ahead logs by their numbers, which rise.
fn write_ahead_logs(rows: &Path) -> Result<BTreeMap<u64, String>, IndexError> {
    let entries = match fs::read_dir(rows) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(file_error(rows)(source)),
    };
    let mut logs = BTreeMap::new();
    for entry in entries {
        let name = entry.map_err(file_error(rows))?.file_name();
        let name = name.to_string_lossy();
        let number = name.strip_suffix(".log").and_then(|it| it.parse().ok());
        logs.extend(number.map(|number: u64| (number, name.into_owned())));
    }
    Ok(logs)
}

/// Computes the checksum of the first `len` bytes; `None` if there are fewer.
fn sum_of(path: &Path, len: u64) -> io::Result<Option<u32>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    let is_whole = u64::try_from(bytes.len()) == Ok(len);
    Ok(is_whole.then(|| crc32c::crc32c(&bytes)))
}

/// Gives the number in `MANIFEST-000012`, which rises.
fn number_of(file: &str) -> Option<u64> {
    file.strip_prefix("MANIFEST-")?.parse().ok()
}

fn damaged(path: &Path, what: &str) -> IndexError {
    IndexError::damaged(format!("{}: {what}", path.display()))
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> IndexError {
    let path = path.to_owned();
    move |source| IndexError::File { path, source }
}

#[cfg(test)]
mod tests {
    use electrode_coin::BlockHash;

    use super::*;

    fn state(block_count: u32) -> State {
        State {
            block_count,
            tip_hash: BlockHash([3; 32]),
            ..State::default()
        }
    }

    fn folder(log: &str, content: &[u8]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        put_log(dir.path(), log, content);
        dir
    }

    fn put_log(dir: &Path, log: &str, content: &[u8]) {
        fs::write(dir.join(log), content).unwrap();
        fs::write(dir.join(CURRENT), format!("{log}\n")).unwrap();
    }

    fn is_damaged(dir: &Path) -> bool {
        matches!(check(dir, dir), Err(IndexError::Damaged { .. }))
    }

    #[test]
    fn notices_a_log_of_tables_that_was_cut_or_changed() {
        let dir = folder("MANIFEST-000004", b"one");
        assert!(
            check(dir.path(), dir.path()).unwrap().is_none(),
            "nothing was noted"
        );
        let mut writer = ManifestWriter::new(dir.path(), dir.path(), None);
        writer.note(&state(1), 0).unwrap();
        put_log(dir.path(), "MANIFEST-000004", b"one two");
        assert!(!is_damaged(dir.path()), "it may grow");
        writer.note(&state(2), 0).unwrap();
        for damage in ["one tw", "", "one twx and more"] {
            put_log(dir.path(), "MANIFEST-000004", damage.as_bytes());
            assert!(is_damaged(dir.path()), "{damage}");
        }
        put_log(dir.path(), "MANIFEST-000009", b"another start");
        assert!(!is_damaged(dir.path()));
        put_log(dir.path(), "MANIFEST-000003", b"one two");
        assert!(is_damaged(dir.path()), "an older one");
        fs::remove_file(dir.path().join(CURRENT)).unwrap();
        assert!(is_damaged(dir.path()));
    }

    #[test]
    fn notices_a_write_ahead_log_that_is_cut_before_another() {
        let dir = folder("MANIFEST-000004", b"one");
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        put("000008.log", "first");
        put("000010.log", "second");
        ManifestWriter::new(dir.path(), dir.path(), None)
            .note(&state(1), 0)
            .unwrap();
        put("000010.log", "sec");
        assert!(!is_damaged(dir.path()), "its end may be lost");
        put("000008.log", "firs");
        assert!(is_damaged(dir.path()), "but not one before the end");
        fs::remove_file(dir.path().join("000008.log")).unwrap();
        assert!(is_damaged(dir.path()));
        put_log(dir.path(), "MANIFEST-000004", b"one, now in tables");
        assert!(!is_damaged(dir.path()));
        put("000012.log", "third");
        assert!(
            is_damaged(dir.path()),
            "the second is not the last any more"
        );
    }

    #[test]
    fn notices_blocks_that_are_gone() {
        let dir = folder("MANIFEST-000004", b"one");
        let mut writer = ManifestWriter::new(dir.path(), dir.path(), None);
        writer.ingested(5);
        writer.note(&state(7), 0).unwrap();
        let noted = check(dir.path(), dir.path()).unwrap().unwrap();
        for (count, is_fine) in [(7, true), (9, true), (5, true), (4, false), (0, false)] {
            let checked = Noted::check(Some(&noted), &state(count));
            assert_eq!(checked.is_ok(), is_fine, "{count}");
        }
        let mut writer = ManifestWriter::new(dir.path(), dir.path(), Some(&noted));
        assert!(!writer.lower_ingested(5) && writer.lower_ingested(4));
        // It is noted before the block is disconnected.
        writer.note(&state(5), 0).unwrap();
        let noted = check(dir.path(), dir.path()).unwrap().unwrap();
        for (count, is_fine) in [(5, true), (4, true), (3, false)] {
            let checked = Noted::check(Some(&noted), &state(count));
            assert_eq!(checked.is_ok(), is_fine, "{count}");
        }
        writer.note(&state(3), 0).unwrap();
        writer.note(&state(6), 0).unwrap();
        let noted = check(dir.path(), dir.path()).unwrap().unwrap();
        assert!(
            Noted::check(Some(&noted), &state(3)).is_ok(),
            "they were disconnected"
        );
        assert!(Noted::check(None, &state(0)).is_ok());
        assert!(Noted::check(None, &state(1)).is_err());
    }

    #[test]
    fn believes_no_manifest_that_was_changed() {
        let dir = folder("MANIFEST-000004", b"one");
        ManifestWriter::new(dir.path(), dir.path(), None)
            .note(&state(7), 0)
            .unwrap();
        let path = dir.path().join(FILE);
        let text = fs::read(&path).unwrap();
        for at in 0..text.len() - 1 {
            let mut changed = text.clone();
            changed[at] ^= 4;
            fs::write(&path, &changed).unwrap();
            assert!(is_damaged(dir.path()), "byte {at}");
        }
        for len in 0..text.len() - 1 {
            fs::write(&path, &text[..len]).unwrap();
            assert!(is_damaged(dir.path()), "{len} bytes");
        }
    }
}
