//! The data directory, before anything is in it: whether it can be used, and by this server alone.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use crate::Failure;

/// A data directory that no other server uses while this is held.
#[derive(Debug)]
pub(crate) struct DataDir {
    _lock: Option<File>,
}

/// Makes the directory where there is none, for its owner only, and finds out whether it can be
/// used.
pub(crate) fn take(path: &Path) -> Result<DataDir, Failure> {
    check(path)?;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| unusable(path, source))?;
    match lock(path) {
        Ok(lock) => Ok(DataDir { _lock: Some(lock) }),
        Err(TryLockError::WouldBlock) => Err(Failure::DataDirInUse {
            path: path.to_owned(),
        }),
        // A file system without locks is one all the same; the index has a lock of its own.
        Err(TryLockError::Error(error)) => {
            tracing::debug!(%error, "cannot lock the data directory");
            Ok(DataDir { _lock: None })
        }
    }
}

/// Finds out whether the directory can be used, or made, and leaves nothing behind.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    let failed = |source| unusable(path, source);
    // Made are the directories that are missing; the one above them must be there.
    let mut existing = path;
    let metadata = loop {
        match fs::metadata(existing) {
            Ok(metadata) => break metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                existing = match existing.parent() {
                    Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
                    Some(parent) => parent,
                    None => return Err(failed(error)),
                };
            }
            Err(error) => return Err(failed(error)),
        }
    };
    if !metadata.is_dir() {
        let came = format!("{} is none", existing.display());
        return Err(failed(io::Error::new(io::ErrorKind::NotADirectory, came)));
    }
    tempfile::tempfile_in(existing).map_err(failed)?;
    Ok(())
}

/// Tells whether a server uses the directory.
pub(crate) fn is_in_use(path: &Path) -> bool {
    matches!(lock(path), Err(TryLockError::WouldBlock))
}

fn lock(path: &Path) -> Result<File, TryLockError> {
    let folder = File::open(path).map_err(TryLockError::Error)?;
    folder.try_lock()?;
    Ok(folder)
}

fn unusable(path: &Path, source: io::Error) -> Failure {
    Failure::DataDir {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn makes_a_directory_for_its_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("some/where");
        check(&path).unwrap();
        assert!(!home.path().join("some").exists(), "a check makes nothing");
        let _taken = take(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    }

    #[test]
    fn is_for_one_server_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        assert!(!is_in_use(home.path()));
        let taken = take(home.path()).unwrap();
        assert!(is_in_use(home.path()));
        let told = take(home.path()).unwrap_err().to_string();
        assert!(told.contains("in use by another server"), "{told}");
        drop(taken);
        take(home.path()).unwrap();
    }

    #[test]
    fn says_why_a_directory_cannot_be_used() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        for (path, expected) in [
            (file.clone(), "file: expected a directory"),
            (file.join("below"), "expected a directory"),
            ("/proc/x".into(), "/proc/x: expected a directory"),
            ("/proc/x/y".into(), "/proc/x/y: expected a directory"),
        ] {
            for result in [check(&path), take(&path).map(drop)] {
                let told = result.unwrap_err().to_string();
                assert!(told.contains(expected), "expected {expected:?} in {told}");
            }
        }
    }
}
