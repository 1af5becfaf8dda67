//! The folder of block files, and plain bytes out of them.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use super::{BlockFilesError, xor::XorKey};

/// A node's folder `blocks`.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    key: XorKey,
}

/// What a file holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Blocks, in the order in which they came.
    Blocks,
    /// What the blocks of the file of the same number spent, in the order in which they were
    /// connected.
    Undo,
}

/// An open file without its disguise.
#[derive(Debug)]
pub(super) struct PlainFile {
    file: File,
    key: XorKey,
    len: u64,
}

impl Folder {
    /// Opens a folder: reads its key, if it has one.
    pub(super) fn open(dir: &Path) -> Result<Self, BlockFilesError> {
        let path = dir.join("xor.dat");
        let key = match fs::read(&path) {
            Ok(bytes) => {
                let len = bytes.len();
                let key = bytes.try_into();
                XorKey(key.map_err(|_not_8| BlockFilesError::Key { path, len })?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => XorKey::default(),
            Err(source) => return Err(BlockFilesError::Unreadable { path, source }),
        };
        Ok(Self {
            dir: dir.to_owned(),
            key,
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Gives the path of a file.
    pub(super) fn path(&self, kind: Kind, number: u32) -> PathBuf {
        let name = match kind {
            Kind::Blocks => "blk",
            Kind::Undo => "rev",
        };
        self.dir.join(format!("{name}{number:05}.dat"))
    }

    /// Opens a file.
    pub(super) fn file(&self, kind: Kind, number: u32) -> io::Result<PlainFile> {
        let file = File::open(self.path(kind, number))?;
        let len = file.metadata()?.len();
        let key = self.key;
        Ok(PlainFile { file, key, len })
    }

    /// Lists the numbers of the files with blocks, in order.
    pub(super) fn numbers(&self) -> Result<Vec<u32>, BlockFilesError> {
        let unreadable = |source| BlockFilesError::Unreadable {
            path: self.dir.clone(),
            source,
        };
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let digits = name.to_str().and_then(|name| {
                let digits = name.strip_prefix("blk")?.strip_suffix(".dat")?;
                digits
                    .bytes()
                    .all(|byte| byte.is_ascii_digit())
                    .then_some(digits)
            });
            numbers.extend(digits.and_then(|digits| digits.parse::<u32>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

impl PlainFile {
    /// Gives its length when it was opened.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Reads all of `len` bytes; allocates no more than the file has.
    pub(super) fn read(&self, offset: u64, len: u32) -> io::Result<Vec<u8>> {
        if offset.saturating_add(len.into()) > self.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(len);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        file.take(u64::try_from(len).map_err(io::Error::other)?)
            .read_to_end(&mut bytes)?;
        if bytes.len() != len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.key.apply(&mut bytes, offset);
        Ok(bytes)
    }

    /// Reads into `bytes` what is there, and tells how much that is.
    pub(super) fn read_some(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read_at(bytes, offset)?;
        let read = bytes.get_mut(..len).unwrap_or_default();
        self.key.apply(read, offset);
        Ok(len)
    }
}
