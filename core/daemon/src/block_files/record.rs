//! Records, which block files and undo files consist of.

use std::io;

use electrode_coin::Reader;

use super::folder::PlainFile;

/// Bytes before the body of a record.
pub(super) const HEAD_LEN: u32 = 8;

/// Longest body that is read: what one block spends may weigh hundreds of megabytes.
const MAX_LEN: u32 = 512 << 20;

/// Bytes read at a time: enough for the heads of several small records, and no more from the disk
/// than one head of a large record.
const WINDOW_LEN: usize = 4 << 10;

/// How the records of a file are laid out.
///
/// Shape: magic (4) ‖ length of the body (4, LE) ‖ body ‖ trailer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) magic: [u8; 4],
    /// Fewest bytes of a body.
    pub(super) min_len: u32,
    /// Bytes behind a body, which its length does not count.
    pub(super) trailer_len: u32,
    /// How many bytes of a body tell what it is.
    pub(super) start_len: u32,
}

/// Where the body of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) offset: u32,
    pub(super) len: u32,
}

impl Layout {
    /// Hops from record to record, starting with the one at `from`, and hands out each with the
    /// start of its body. Gives the offset behind the last one that is whole: padding, garbage or
    /// a record that is still being written is there, or nothing.
    pub(super) fn walk(
        &self,
        file: &PlainFile,
        from: u32,
        mut found: impl FnMut(Record, &[u8]),
    ) -> io::Result<u32> {
        let mut window = Window::new(file);
        let mut end = from;
        loop {
            let bytes = window.at(end, HEAD_LEN + self.start_len)?;
            let Some((record, start, next)) = self.read_head(file, end, bytes) else {
                return Ok(end);
            };
            found(record, start);
            end = next;
        }
    }

    /// Reads the record whose body starts at `offset`; `None` if there is none any more.
    pub(super) fn read(&self, file: &PlainFile, offset: u32) -> io::Result<Option<Record>> {
        let Some(head_at) = offset.checked_sub(HEAD_LEN) else {
            return Ok(None);
        };
        let head = file.read(head_at.into(), HEAD_LEN)?;
        let read = self.read_head(file, head_at, &head);
        Ok(read.map(|(record, ..)| record))
    }

    /// Reads a head and what is there of its body; gives them and where the next record starts.
    fn read_head<'a>(
        &self,
        file: &PlainFile,
        at: u32,
        bytes: &'a [u8],
    ) -> Option<(Record, &'a [u8], u32)> {
        let mut reader = Reader::new(bytes, 0);
        let magic: [u8; 4] = reader.array().ok()?;
        let len = reader.u32().ok()?;
        if magic != self.magic || !(self.min_len..=MAX_LEN).contains(&len) {
            return None;
        }
        let offset = at.checked_add(HEAD_LEN)?;
        let next = offset.checked_add(len)?.checked_add(self.trailer_len)?;
        if u64::from(next) > file.len() {
            return None;
        }
        let start = reader.remaining().min(usize::try_from(len).ok()?);
        Some((Record { offset, len }, reader.take(start).ok()?, next))
    }
}

/// The part of a file that was read last.
struct Window<'a> {
    file: &'a PlainFile,
    bytes: [u8; WINDOW_LEN],
    start: u32,
    len: usize,
}

impl<'a> Window<'a> {
    fn new(file: &'a PlainFile) -> Self {
        Self {
            file,
            bytes: [0; WINDOW_LEN],
            start: 0,
            len: 0,
        }
    }

    /// Gives `len` bytes from `offset` on; fewer where the file ends.
    fn at(&mut self, offset: u32, len: u32) -> io::Result<&[u8]> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        if self.get(offset, len).is_none() {
            self.len = self.file.read_some(offset.into(), &mut self.bytes)?;
            self.start = offset;
        }
        let read = self.bytes.get(..self.len).unwrap_or_default();
        Ok(self.get(offset, len).unwrap_or(read))
    }

    fn get(&self, offset: u32, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let read = self.bytes.get(..self.len)?;
        read.get(start..start.checked_add(len)?)
    }
}
