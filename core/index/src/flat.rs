//! Append-only files beside the database: what is read by position needs no tree.
//!
//! How long a file is, the database says: bytes behind the committed length are leftovers of an
//! append that was never committed and are written over.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt as _,
    path::PathBuf,
};

use crate::IndexError;

/// One such file.
#[derive(Debug)]
pub(crate) struct FlatFile {
    file: File,
    path: PathBuf,
}

impl FlatFile {
    pub(crate) fn open(path: PathBuf) -> Result<Self, IndexError> {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        match opened {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(IndexError::File { path, source }),
        }
    }

    /// Writes `bytes` at `offset` and waits until the disk has them.
    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), IndexError> {
        let written = self
            .file
            .write_all_at(bytes, offset)
            .and_then(|()| self.file.sync_data());
        written.map_err(|source| self.error(source))
    }

    pub(crate) fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), IndexError> {
        self.file
            .read_exact_at(bytes, offset)
            .map_err(|source| self.error(source))
    }

    /// Reads `len` bytes at `offset`, once it is known that the file has them.
    pub(crate) fn read_vec(&self, offset: u64, len: u64) -> Result<Vec<u8>, IndexError> {
        let end = self.len()?;
        if offset.checked_add(len).is_none_or(|wanted| wanted > end) {
            return Err(IndexError::corrupt(
                "flat file shorter than its committed length,",
            ));
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        self.read(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Drops what stands behind `len`.
    pub(crate) fn truncate(&self, len: u64) -> Result<(), IndexError> {
        if self.len()? < len {
            return Err(IndexError::corrupt(
                "flat file shorter than its committed length,",
            ));
        }
        self.file.set_len(len).map_err(|source| self.error(source))
    }

    fn len(&self) -> Result<u64, IndexError> {
        self.file
            .metadata()
            .map(|meta| meta.len())
            .map_err(|source| self.error(source))
    }

    fn error(&self, source: std::io::Error) -> IndexError {
        IndexError::File {
            path: self.path.clone(),
            source,
        }
    }
}
