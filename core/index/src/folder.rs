//! The folder of an index: whose it is, that nobody else has it, and that it stays where it is.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use electrode_coin::Descriptor;

use crate::{IndexError, durable, schema::identity, store::ROWS};

/// Folder of the index in the data folder.
pub const INDEX_DIR: &str = "index";

/// File that says of what the index is.
const IDENTITY: &str = "identity";

/// The folder of an index that nobody else has open.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Locked for as long as the index is open.
    identity: File,
}

impl Folder {
    /// Takes the folder, or makes it. Nothing in it is touched where it is of another index.
    pub(crate) fn open(data_dir: &Path, descriptor: &Descriptor) -> Result<Self, IndexError> {
        if data_dir.join(IDENTITY).exists() {
            return Err(IndexError::OldLayout {
                path: data_dir.to_owned(),
            });
        }
        let path = data_dir.join(INDEX_DIR);
        let file = path.join(IDENTITY);
        check_identity(&path, &file, &identity(descriptor))?;
        let identity = File::open(&file).map_err(file_error(&file))?;
        match identity.try_lock() {
            Ok(()) => Ok(Self { path, identity }),
            Err(TryLockError::WouldBlock) => Err(IndexError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(file_error(&file)(source)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the folder is where it was opened.
    pub(crate) fn check_place(&self) -> Result<(), IndexError> {
        let path = self.path.join(IDENTITY);
        let ours = self.identity.metadata().map_err(file_error(&path))?;
        match fs::metadata(&path) {
            Ok(found) if (found.dev(), found.ino()) == (ours.dev(), ours.ino()) => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error(&path)(error)),
            _replaced_or_gone => Err(IndexError::Moved {
                path: self.path.clone(),
            }),
        }
    }
}

/// Compares what the folder holds with what is asked for; an empty one is for whatever is asked.
fn check_identity(dir: &Path, file: &Path, expected: &str) -> Result<(), IndexError> {
    match fs::read_to_string(file) {
        Ok(found) if found == expected => Ok(()),
        Ok(found) => Err(IndexError::Identity {
            path: dir.to_owned(),
            expected: on_one_line(expected),
            found: on_one_line(&found),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if dir.join(ROWS).exists() {
                let what = format!("{} is missing", file.display());
                return Err(IndexError::damaged(what));
            }
            fs::create_dir_all(dir).map_err(file_error(dir))?;
            durable::replace(file, expected.as_bytes()).map_err(file_error(file))
        }
        Err(source) => Err(file_error(file)(source)),
    }
}

fn on_one_line(identity: &str) -> String {
    identity.trim_end().replace('\n', ", ")
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> IndexError {
    let path = path.to_owned();
    move |source| IndexError::File { path, source }
}
