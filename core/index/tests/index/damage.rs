//! Damages of every kind to the files of an index: it is refused, or answers are, or it says what it
//! said before. No answer is ever another one.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use bitcoin::consensus::encode::serialize;
use electrode_coin::{FamilyCoin, Height};
use electrode_index::{BlockRows, Index, IndexError, RawBlock};
use tempfile::TempDir;

use super::{build, config, descriptor, follow, mined, model::Chain, model::Source, open};

/// An index of runs and of single blocks, and what it says.
struct Whole {
    dir: TempDir,
    /// Behind the runs, and behind each block that was connected by itself.
    hashes: BTreeMap<Height, [u8; 32]>,
    chain: Chain,
}

/// What came of opening a damaged index and reading everything in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Refused,
    /// Opened, but not all of it can be read.
    Unreadable,
    Right,
}

impl Whole {
    fn new(seed: u64) -> Self {
        let (dir, mut chain) = (TempDir::new().unwrap(), mined(seed, 40));
        let mut index = open(&dir);
        build(&mut index, &chain, 9, Source::WithSpent);
        let mut hashes = BTreeMap::new();
        hashes.insert(chain.tip(), index.view().content_hash().unwrap());
        for _ in 0..10 {
            chain.mine();
            follow(&mut index, &chain, Source::BlockOnly);
            hashes.insert(chain.tip(), index.view().content_hash().unwrap());
        }
        Self { dir, hashes, chain }
    }

    fn hash(&self) -> [u8; 32] {
        *self.hashes.last_key_value().unwrap().1
    }

    fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.dir.path().join("index")]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false => files.push(entry.path()),
                }
            }
        }
        files.sort();
        files
    }

    /// Damages one file of a copy, and reads all of that.
    fn tried(&self, file: &Path, damage: impl FnOnce(&Path)) -> Outcome {
        let copy = TempDir::new().unwrap();
        for from in self.files() {
            let to = copy
                .path()
                .join(from.strip_prefix(self.dir.path()).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
        damage(
            &copy
                .path()
                .join(file.strip_prefix(self.dir.path()).unwrap()),
        );
        let index = match Index::open(copy.path(), &descriptor("regtest"), config()) {
            Err(IndexError::Damaged { .. } | IndexError::Identity { .. }) => {
                return Outcome::Refused;
            }
            opened => opened.unwrap(),
        };
        let view = index.view();
        match view.content_hash() {
            Err(IndexError::Damaged { .. }) => Outcome::Unreadable,
            hash => {
                let hash = hash.unwrap();
                assert_eq!(view.damage(), None);
                // The last blocks may be gone, all that is of them.
                let expected = self.hashes.get(&view.tip().unwrap().height);
                assert_eq!(
                    Some(&hash),
                    expected,
                    "{} is served damaged",
                    file.display()
                );
                Outcome::Right
            }
        }
    }
}

fn flip(path: &Path, at: u64) {
    let mut file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
}

fn cut(path: &Path, len: u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(len).unwrap();
}

fn len_of(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

fn name_of(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// What the program reads at opening or for answers; the rest is the database's diary.
fn counts(path: &Path) -> bool {
    !["LOG", "LOCK", "OPTIONS"]
        .iter()
        .any(|start| name_of(path).starts_with(start))
}

#[test]
fn never_tells_what_a_damaged_file_says() {
    let whole = Whole::new(31);
    let mut seen = [0; 3];
    for file in whole.files().iter().filter(|file| counts(file)) {
        let len = len_of(file);
        let places = (0..len).step_by(usize::try_from(len / 9 + 1).unwrap());
        for at in places.chain(len.checked_sub(1)) {
            let outcome = whole.tried(file, |file| flip(file, at));
            seen[outcome as usize] += 1;
        }
        for len in [
            0,
            len / 3,
            len / 2,
            len.saturating_sub(1),
            len.saturating_sub(20),
        ] {
            seen[whole.tried(file, |file| cut(file, len)) as usize] += 1;
        }
        let zeroed = |file: &Path| fs::write(file, vec![0; fs::read(file).unwrap().len()]).unwrap();
        seen[whole.tried(file, zeroed) as usize] += 1;
        let gone = |file: &Path| fs::remove_file(file).unwrap();
        seen[whole.tried(file, gone) as usize] += 1;
    }
    let [refused, unreadable, _right] = seen;
    assert!(refused > 50 && unreadable > 20, "{seen:?}");
}

/// Flat files are mended from the blocks that they were made of, and no other blocks are read.
#[test]
fn mends_flat_files_from_blocks() {
    let mut whole = Whole::new(37);
    let mut index = open(&whole.dir);
    // Several pages each.
    for _ in 0..150 {
        whole.chain.mine();
        follow(&mut index, &whole.chain, Source::BlockOnly);
    }
    let expected = index.view().content_hash().unwrap();
    drop(index);
    let flat = |name: &str| whole.dir.path().join("index").join(name);
    for name in ["blocks", "headers", "txids"] {
        let len = len_of(&flat(name));
        assert!(len > 2 * 4096, "{name}");
        for (at, most) in [(0, 90), (5000, 90), (len - 4200, 90), (len - 4096, 90)] {
            flip(&flat(name), at);
            check_repair(&whole, expected, most);
        }
        for cut_to in [len - 4096, len - 5000, 10] {
            cut(&flat(name), cut_to);
            check_repair(&whole, expected, 400);
        }
        fs::remove_file(flat(name)).unwrap();
        check_repair(&whole, expected, 400);
    }
    // All at once.
    for name in ["blocks", "headers", "txids"] {
        flip(&flat(name), 4100);
    }
    check_repair(&whole, expected, 300);
}

fn check_repair(whole: &Whole, expected: [u8; 32], most: usize) {
    let mut read = 0;
    let repaired = Index::repair(
        whole.dir.path(),
        &descriptor("regtest"),
        &config(),
        |height| {
            read += 1;
            let height = usize::try_from(height.0).unwrap();
            Ok::<_, IndexError>(whole.chain.rows(height, Source::BlockOnly))
        },
    );
    let pages = repaired.unwrap().pages;
    assert!(pages > 0 && read <= most, "{read} blocks for {pages} pages");
    assert_eq!(open(&whole.dir).view().content_hash().unwrap(), expected);
}

#[test]
fn mends_nothing_with_the_blocks_of_another_chain() {
    let whole = Whole::new(38);
    let other = mined(39, 50);
    for name in ["blocks", "headers", "txids"] {
        let file = whole.dir.path().join("index").join(name);
        let before = fs::read(&file).unwrap();
        flip(&file, 100);
        let damaged = fs::read(&file).unwrap();
        let repaired = Index::repair(
            whole.dir.path(),
            &descriptor("regtest"),
            &config(),
            |height| {
                let height = usize::try_from(height.0).unwrap();
                Ok::<_, IndexError>(other.rows(height, Source::BlockOnly))
            },
        );
        assert!(repaired.is_err(), "{name}: {repaired:?}");
        assert_eq!(fs::read(&file).unwrap(), damaged, "{name}");
        fs::write(&file, before).unwrap();
    }
}

/// The database takes a shorter log of its tables for a complete one.
#[test]
fn refuses_a_log_of_tables_that_was_cut_anywhere() {
    let whole = Whole::new(32);
    let files = whole.files();
    let log = files
        .iter()
        .find(|file| name_of(file).starts_with("MANIFEST"));
    let log = log.unwrap();
    for len in (0..len_of(log)).step_by(13) {
        let outcome = whole.tried(log, |log| cut(log, len));
        assert_eq!(outcome, Outcome::Refused, "cut at {len}");
    }
}

/// The database starts anew where the file is missing that names its log of tables.
#[test]
fn refuses_a_database_that_is_gone() {
    let whole = Whole::new(33);
    let rows = whole.dir.path().join("index/rows");
    fs::remove_dir_all(rows).unwrap();
    let opened = Index::open(whole.dir.path(), &descriptor("regtest"), config());
    assert!(
        matches!(opened, Err(IndexError::Damaged { .. })),
        "{opened:?}"
    );
    assert!(
        !whole.dir.path().join("index/rows").exists(),
        "nothing is begun"
    );
}

#[test]
fn tells_of_damage_that_a_reader_finds() {
    let whole = Whole::new(34);
    flip(&whole.dir.path().join("index/txids"), 40);
    let index = open(&whole.dir);
    let view = index.view();
    assert_eq!(view.damage(), None, "nobody has read it yet");
    let read = view.block_txids(Height(1));
    assert!(matches!(read, Err(IndexError::Damaged { .. })), "{read:?}");
    assert!(view.damage().unwrap().contains("txids"));
    assert!(
        view.headers(Height(0), 5).is_ok(),
        "the rest is still there"
    );
}

#[test]
fn stops_when_its_folder_is_moved_or_replaced() {
    for replaces in [false, true] {
        let mut whole = Whole::new(35);
        let mut index = open(&whole.dir);
        let (from, to) = (
            whole.dir.path().join("index"),
            whole.dir.path().join("other"),
        );
        assert!(index.check_place().is_ok());
        fs::rename(&from, &to).unwrap();
        if replaces {
            fs::create_dir(&from).unwrap();
            fs::copy(to.join("identity"), from.join("identity")).unwrap();
        }
        whole.chain.mine();
        let rows = whole.chain.rows(51, Source::BlockOnly);
        let connected = index.connect(&rows);
        assert!(
            matches!(connected, Err(IndexError::Moved { .. })),
            "{connected:?}"
        );
        assert!(matches!(index.check_place(), Err(IndexError::Moved { .. })));
        drop(index);
        if !replaces {
            fs::rename(&to, &from).unwrap();
            assert_eq!(
                open(&whole.dir).view().content_hash().unwrap(),
                whole.hash()
            );
        }
    }
}

#[test]
fn refuses_a_folder_of_the_layout_before() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("identity"), "schema 3\n").unwrap();
    let opened = Index::open(dir.path(), &descriptor("regtest"), config());
    assert!(
        matches!(opened, Err(IndexError::OldLayout { .. })),
        "{opened:?}"
    );
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "nothing is touched"
    );
}

#[test]
fn reads_no_block_of_which_a_bit_was_flipped() {
    let chain = mined(36, 3);
    let coin = FamilyCoin::new(descriptor("regtest"));
    let block = &chain.blocks[2];
    let bytes = serialize(block);
    let read = |bytes: &[u8]| {
        let raw = RawBlock {
            height: Height(2),
            hash: electrode_coin::BlockHash(*block.block_hash().as_ref()),
            bytes,
            spent: None,
        };
        BlockRows::read(&coin, raw)
    };
    assert!(read(&bytes).is_ok());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let error = read(&damaged).err();
            // In an encoding of a number that means the same, the block is the same.
            let error = error.unwrap_or_else(|| panic!("bit {bit} of byte {at}"));
            assert!(error.is_of_the_source(), "{error}");
        }
    }
}
