//! Append-only files beside the database: what is read by position needs no tree.
//!
//! How long a file is, the database says: bytes behind the committed length are leftovers of an
//! append that was never committed and are written over. What is read is checked: a file is pages
//! of 4096 bytes, each with a checksum of its own, and a page that fails it is never handed out.
//!
//! Shape: a page is 4092 bytes of content, zeros behind the last of them, ‖ CRC-32C of the number
//! of the page (8 LE) and the content (4 LE). Offsets and lengths count content alone.

use std::{
    fs::{File, OpenOptions},
    io,
    ops::Range,
    os::unix::fs::FileExt as _,
    path::PathBuf,
    sync::Arc,
};

use arc_swap::ArcSwap;
use electrode_coin::u64_from;

use crate::IndexError;

/// Bytes of a page on disk.
const PAGE_LEN: usize = 4096;
/// Bytes of it that are content.
const CONTENT_LEN: usize = PAGE_LEN - 4;

/// Pages that are read or written at a time.
const PAGES_AT_ONCE: usize = 256;

type Content = [u8; CONTENT_LEN];

/// One such file.
#[derive(Debug)]
pub(crate) struct FlatFile {
    file: File,
    path: PathBuf,
    /// What stands behind the last whole page: read from here, because its page on disk may be
    /// written at the same time.
    tail: ArcSwap<Tail>,
}

/// The end of a file: its length, and the content of the page that it lies in.
#[derive(Debug)]
struct Tail {
    len: u64,
    content: Box<Content>,
}

/// What proves the end of a file: the checksum of the page that it lies in.
pub(crate) type TailSum = u32;

impl FlatFile {
    /// Opens a file, or makes an empty one, of which nothing counts before [`Self::cut`].
    pub(crate) fn open(path: PathBuf) -> Result<Self, IndexError> {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        match opened {
            Ok(file) => Ok(Self {
                file,
                path,
                tail: ArcSwap::from_pointee(Tail::empty()),
            }),
            Err(source) => Err(IndexError::File { path, source }),
        }
    }

    /// Makes the file end at `len`, where its last page must have the checksum `sum`.
    ///
    /// # Errors
    /// The file is shorter, or its end is not what was committed.
    pub(crate) fn cut(&self, len: u64, sum: TailSum) -> Result<(), IndexError> {
        let (page, within) = place(len);
        let start = page * page_len();
        let mut content = Box::new([0; CONTENT_LEN]);
        let kept = content
            .get_mut(..within)
            .expect("within is less than a page");
        match self.file.read_exact_at(kept, start) {
            Ok(()) if self.size()? >= start => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(self.error(error));
            }
            _ => return Err(self.damaged(len, "it ends too early")),
        }
        let tail = Tail { len, content };
        if tail.sum() != sum {
            return Err(self.damaged(len, "its end is not what was written"));
        }
        self.clear_behind(&tail)
            .map_err(|source| self.error(source))?;
        self.tail.store(Arc::new(tail));
        Ok(())
    }

    /// Drops what an append that was not committed has left behind the end. The bytes before it
    /// stay as they are on disk, whenever the power fails.
    fn clear_behind(&self, tail: &Tail) -> io::Result<()> {
        let (page, within) = place(tail.len);
        let start = page * page_len();
        if within == 0 {
            return self.file.set_len(start);
        }
        let mut expected = tail.content.to_vec();
        expected.extend_from_slice(&tail.sum().to_le_bytes());
        self.file.set_len(start + page_len())?;
        let mut found = [0; PAGE_LEN];
        self.file.read_exact_at(&mut found, start)?;
        if found[..] != expected {
            self.file.write_all_at(&expected, start)?;
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Makes the file end at `offset`, appends `bytes`, and waits until the disk has them.
    pub(crate) fn write(&self, offset: u64, mut bytes: &[u8]) -> Result<(), IndexError> {
        let mut tail = self.tail_at(offset)?;
        let (mut page, mut within) = place(offset);
        let mut pages = Vec::new();
        while !bytes.is_empty() {
            let room = tail.content.get_mut(within..).unwrap_or_default();
            let (now, later) = bytes.split_at(bytes.len().min(room.len()));
            let (room, _left) = room.split_at_mut(now.len());
            room.copy_from_slice(now);
            bytes = later;
            pages.extend_from_slice(&tail.content[..]);
            pages.extend_from_slice(&checksum(page, &tail.content[..]).to_le_bytes());
            if bytes.is_empty() || pages.len() == PAGES_AT_ONCE * PAGE_LEN {
                let start = (page + 1) * page_len() - u64_from(pages.len());
                self.file
                    .write_all_at(&pages, start)
                    .map_err(|source| self.error(source))?;
                pages.clear();
            }
            within += now.len();
            if within == CONTENT_LEN {
                tail.content.fill(0);
                (page, within) = (page + 1, 0);
            }
        }
        tail.len = page * content_len() + u64_from(within);
        self.file.sync_data().map_err(|source| self.error(source))?;
        self.tail.store(Arc::new(tail));
        Ok(())
    }

    /// Finds the pages up to `len` that are not what was written, the last of them by its checksum
    /// `sum`.
    ///
    /// Cost: reads the whole file.
    pub(crate) fn damaged_pages(&self, len: u64, sum: TailSum) -> Result<Vec<u64>, IndexError> {
        let (last, within) = place(len);
        let mut damaged = Vec::new();
        for page in 0..last {
            if self.whole_page(page)?.is_none() {
                damaged.push(page);
            }
        }
        if within > 0 && self.cut(len, sum).is_err() {
            damaged.push(last);
        }
        Ok(damaged)
    }

    /// Makes the file end at `len`, whatever stands there.
    pub(crate) fn believe_end(&self, len: u64) -> Result<(), IndexError> {
        let (page, within) = place(len);
        let mut content = Box::new([0; CONTENT_LEN]);
        let kept = content
            .get_mut(..within)
            .expect("within is less than a page");
        match self.file.read_exact_at(kept, page * page_len()) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(self.error(error)),
            _read_or_not_there => {
                self.tail.store(Arc::new(Tail { len, content }));
                Ok(())
            }
        }
    }

    /// Puts the right content in the place of a page; `content` may end before it does.
    pub(crate) fn mend(&self, page: u64, content: &[u8]) -> Result<(), IndexError> {
        let mut whole = content.to_vec();
        whole.resize(CONTENT_LEN, 0);
        whole.extend_from_slice(&checksum(page, &whole).to_le_bytes());
        self.file
            .write_all_at(&whole, page * page_len())
            .and_then(|()| self.file.sync_data())
            .map_err(|source| self.error(source))
    }

    /// Gives the offsets of the content that a page up to `len` holds.
    pub(crate) fn range_of(page: u64, len: u64) -> Range<u64> {
        let start = page * content_len();
        start..(start + content_len()).min(len)
    }

    /// Reads a page that is not the last; `None` if it is not what was written.
    fn whole_page(&self, page: u64) -> Result<Option<[u8; PAGE_LEN]>, IndexError> {
        let mut read = [0; PAGE_LEN];
        match self.read_page(page, &mut read) {
            Ok(_) => Ok(Some(read)),
            Err(IndexError::Damaged { .. }) => Ok(None),
            Err(IndexError::File { source, .. })
                if source.kind() == io::ErrorKind::UnexpectedEof =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives what proves the end of the file, were it at `len`.
    pub(crate) fn sum_at(&self, len: u64) -> Result<TailSum, IndexError> {
        Ok(self.tail_at(len)?.sum())
    }

    /// Reads as many bytes as there is room for.
    ///
    /// Cost: one read of a page, or of two where the bytes lie in two.
    pub(crate) fn read(&self, offset: u64, mut bytes: &mut [u8]) -> Result<(), IndexError> {
        let tail = self.tail.load();
        self.check_end(&tail, offset, u64_from(bytes.len()))?;
        let (mut page, mut within) = place(offset);
        while !bytes.is_empty() {
            let mut read = [0; PAGE_LEN];
            let content = match page == place(tail.len).0 {
                true => &tail.content[..],
                false => self.read_page(page, &mut read)?,
            };
            let content = content.get(within..).unwrap_or_default();
            let (now, later) = bytes.split_at_mut(bytes.len().min(content.len()));
            let (content, _behind) = content.split_at(now.len());
            now.copy_from_slice(content);
            bytes = later;
            (page, within) = (page + 1, 0);
        }
        Ok(())
    }

    /// Reads `len` bytes at `offset`, once it is known that the file has them.
    pub(crate) fn read_vec(&self, offset: u64, len: u64) -> Result<Vec<u8>, IndexError> {
        let tail = self.tail.load();
        self.check_end(&tail, offset, len)?;
        let too_long = |_wider| self.damaged(offset, "it ends too early");
        let len = usize::try_from(len).map_err(too_long)?;
        let mut bytes = Vec::with_capacity(len);
        let (mut page, mut within) = place(offset);
        let last = place(tail.len).0;
        let mut read = Vec::new();
        while bytes.len() < len {
            let missing = len - bytes.len();
            let whole = usize::try_from(last.saturating_sub(page)).unwrap_or(PAGES_AT_ONCE);
            let wanted = (within + missing).div_ceil(CONTENT_LEN);
            let count = wanted.min(whole).min(PAGES_AT_ONCE);
            let contents = match count {
                0 => &tail.content[..],
                count => self.read_pages(page, count, &mut read)?,
            };
            let contents = contents.get(within..).unwrap_or_default();
            bytes.extend_from_slice(contents.get(..missing).unwrap_or(contents));
            (page, within) = (page + u64_from(count.max(1)), 0);
        }
        Ok(bytes)
    }

    /// Gives the end of the file, were it at `len`.
    fn tail_at(&self, len: u64) -> Result<Tail, IndexError> {
        let tail = self.tail.load();
        let (page, within) = place(len);
        let mut content = Box::new([0; CONTENT_LEN]);
        let kept = content
            .get_mut(..within)
            .expect("within is less than a page");
        self.check_end(&tail, len, 0)?;
        let start = page * content_len();
        drop(tail);
        self.read(start, kept)?;
        Ok(Tail { len, content })
    }

    fn check_end(&self, tail: &Tail, offset: u64, len: u64) -> Result<(), IndexError> {
        match offset.checked_add(len) {
            Some(end) if end <= tail.len => Ok(()),
            _ => Err(self.damaged(offset, "it ends too early")),
        }
    }

    fn read_page<'a>(
        &self,
        page: u64,
        read: &'a mut [u8; PAGE_LEN],
    ) -> Result<&'a [u8], IndexError> {
        self.file
            .read_exact_at(read, page * page_len())
            .map_err(|source| self.error(source))?;
        self.content(page, read)
    }

    /// Reads consecutive pages and gives their contents, one behind the other.
    fn read_pages<'a>(
        &self,
        first: u64,
        count: usize,
        read: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], IndexError> {
        read.resize(count * PAGE_LEN, 0);
        self.file
            .read_exact_at(read, first * page_len())
            .map_err(|source| self.error(source))?;
        for (at, page) in (0..count).zip(first..) {
            let start = at * PAGE_LEN;
            let bytes = read.get(start..start + PAGE_LEN).unwrap_or_default();
            self.content(page, bytes)?;
            read.copy_within(start..start + CONTENT_LEN, at * CONTENT_LEN);
        }
        Ok(read.get(..count * CONTENT_LEN).unwrap_or_default())
    }

    /// Gives the content of a page as it stands on disk, if it is what was written.
    fn content<'a>(&self, page: u64, bytes: &'a [u8]) -> Result<&'a [u8], IndexError> {
        match bytes.split_last_chunk::<4>() {
            Some((content, sum)) if checksum(page, content).to_le_bytes() == *sum => Ok(content),
            _ => Err(self.damaged(page * content_len(), "a byte is not what was written")),
        }
    }

    fn size(&self) -> Result<u64, IndexError> {
        let meta = self.file.metadata();
        meta.map(|meta| meta.len())
            .map_err(|source| self.error(source))
    }

    fn damaged(&self, offset: u64, what: &str) -> IndexError {
        let path = self.path.display();
        IndexError::damaged(format!("{path}, near byte {offset}: {what}"))
    }

    fn error(&self, source: io::Error) -> IndexError {
        IndexError::File {
            path: self.path.clone(),
            source,
        }
    }
}

impl Tail {
    fn empty() -> Self {
        Self {
            len: 0,
            content: Box::new([0; CONTENT_LEN]),
        }
    }

    /// Gives what proves it: 0 where no page is begun.
    fn sum(&self) -> TailSum {
        match place(self.len) {
            (_, 0) => 0,
            (page, _) => checksum(page, &self.content[..]),
        }
    }
}

/// Gives the page that an offset lies in, and the offset within its content.
fn place(offset: u64) -> (u64, usize) {
    let within = usize::try_from(offset % content_len()).expect("it is less than a page");
    (offset / content_len(), within)
}

fn checksum(page: u64, content: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&page.to_le_bytes()), content)
}

fn page_len() -> u64 {
    u64_from(PAGE_LEN)
}

fn content_len() -> u64 {
    u64_from(CONTENT_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(start: u64, len: usize) -> Vec<u8> {
        let byte = |n: u64| u8::try_from((n ^ n >> 8 ^ n >> 16) % 251).unwrap();
        (start..).map(byte).take(len).collect()
    }

    fn file() -> (tempfile::TempDir, FlatFile) {
        let dir = tempfile::tempdir().unwrap();
        let file = FlatFile::open(dir.path().join("flat")).unwrap();
        (dir, file)
    }

    /// Opens the file again as it was committed.
    fn reopened(file: &FlatFile, len: u64) -> Result<FlatFile, IndexError> {
        let sum = file.sum_at(len)?;
        let again = FlatFile::open(file.path.clone())?;
        again.cut(len, sum)?;
        Ok(again)
    }

    fn check(file: &FlatFile, len: u64) {
        let whole = file.read_vec(0, len).unwrap();
        assert_eq!(whole, bytes(0, whole.len()), "{len}");
        for (offset, count) in [(0, 1), (4091, 2), (4092, 32), (4080, 4200), (len - 1, 1)] {
            let mut read = vec![0; count];
            let expected = bytes(offset, count);
            if offset + u64_from(count) <= len {
                file.read(offset, &mut read).unwrap();
                assert_eq!(read, expected, "{offset} {count} of {len}");
                let read = file.read_vec(offset, u64_from(count)).unwrap();
                assert_eq!(read, expected, "{offset} {count} of {len}");
            } else {
                assert!(file.read(offset, &mut read).is_err());
            }
        }
        assert!(file.read_vec(len, 1).is_err());
        assert!(file.read_vec(u64::MAX, 2).is_err());
    }

    #[test]
    fn gives_what_was_written_in_pieces_of_any_length() {
        let (_dir, file) = file();
        let mut len = 0;
        let large = PAGES_AT_ONCE * CONTENT_LEN;
        for piece in [
            1,
            31,
            4060,
            1,
            4091,
            4092,
            8184,
            5,
            large,
            large - 5,
            3 * large + 7,
        ] {
            file.write(len, &bytes(len, piece)).unwrap();
            len += u64_from(piece);
            check(&file, len);
            check(&reopened(&file, len).unwrap(), len);
        }
    }

    #[test]
    fn writes_over_what_was_not_committed() {
        for committed in [0u64, 1, 4091, 4092, 4093, 9000, 12_276] {
            let (_dir, file) = file();
            file.write(0, &bytes(0, usize::try_from(committed).unwrap()))
                .unwrap();
            let sum = file.sum_at(committed).unwrap();
            file.write(committed, &[0xff; 10_000]).unwrap();

            let again = FlatFile::open(file.path.clone()).unwrap();
            again.cut(committed, sum).unwrap();
            again.write(committed, &bytes(committed, 500)).unwrap();
            check(&again, committed + 500);
            // And without a new start.
            file.write(committed, &bytes(committed, 500)).unwrap();
            check(&file, committed + 500);
        }
    }

    #[test]
    fn never_hands_out_a_byte_that_was_not_written() {
        let (_dir, file) = file();
        let len = 20_000;
        file.write(0, &bytes(0, 20_000)).unwrap();
        for damaged in (0..5 * PAGE_LEN).step_by(97) {
            let mut byte = [0];
            let at = u64_from(damaged);
            file.file.read_exact_at(&mut byte, at).unwrap();
            file.file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
            let again = FlatFile::open(file.path.clone()).unwrap();
            let opened = again.cut(len, file.sum_at(len).unwrap());
            let read = opened.and_then(|()| again.read_vec(0, len));
            let error = match read {
                Ok(read) => {
                    // Behind the end nothing counts.
                    assert!(
                        damaged > 4 * PAGE_LEN && read == bytes(0, 20_000),
                        "{damaged}"
                    );
                    None
                }
                Err(error) => Some(error),
            };
            assert!(error.is_none_or(|error| matches!(error, IndexError::Damaged { .. })));
            file.file.write_all_at(&byte, at).unwrap();
        }
    }

    #[test]
    fn refuses_a_file_that_lost_its_end_or_a_page() {
        let (_dir, file) = file();
        let len = 3 * content_len();
        file.write(0, &bytes(0, 3 * CONTENT_LEN)).unwrap();
        let sum = file.sum_at(len).unwrap();
        assert!(reopened(&file, len).is_ok());
        for lost in [1, page_len(), 3 * page_len()] {
            file.file.set_len(3 * page_len() - lost).unwrap();
            let again = FlatFile::open(file.path.clone()).unwrap();
            assert!(
                matches!(again.cut(len, sum), Err(IndexError::Damaged { .. })),
                "{lost}"
            );
        }
    }

    #[test]
    fn tells_pages_apart_that_hold_the_same() {
        let (_dir, file) = file();
        file.write(0, &[7; 3 * CONTENT_LEN]).unwrap();
        let mut page = [0; PAGE_LEN];
        file.file.read_exact_at(&mut page, 0).unwrap();
        file.file.write_all_at(&page, page_len()).unwrap();
        assert!(file.read_vec(0, 10).is_ok());
        assert!(file.read_vec(content_len(), 10).is_err());
    }
}
