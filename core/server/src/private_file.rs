//! Files that only their owner reads, and that are there whole or not at all.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Writes a file in the place of the one that is there: whatever happens, it is the old one or the
/// new one.
///
/// Cost: one synced write.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    prepare(path, content)?;
    finish(path).inspect_err(|_failed| forget(path))
}

/// Writes a file under the name that it has until it is finished; where that fails nothing is left
/// of it.
pub(crate) fn prepare(path: &Path, content: &[u8]) -> io::Result<()> {
    prepare_with(path, |file| file.write_all(content))
}

/// Gives a file its name, durably.
pub(crate) fn finish(path: &Path) -> io::Result<()> {
    fs::rename(unfinished(path), path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Gives the name that a file has until it is finished.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    name.into()
}

fn prepare_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let unfinished = unfinished(path);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _removed_or_not_there => {}
    }
    // A new one, whose permissions nobody else has chosen.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(unfinished)?;
    write(&mut file)
        .and_then(|()| file.sync_all())
        .inspect_err(|_failed| forget(path))
}

/// Removes what was not finished; where that fails too, the next one replaces it.
fn forget(path: &Path) {
    drop(fs::remove_file(unfinished(path)));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn replaces_a_file_by_one_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// As on a full disk.
    #[test]
    fn leaves_nothing_where_it_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.file");
        fs::write(&path, "old").unwrap();
        let failed = prepare_with(&path, |file| {
            file.write_all(b"ne")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn leaves_nothing_where_the_name_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("folder");
        fs::create_dir_all(path.join("full")).unwrap();
        replace(&path, b"new").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// What a crash, or somebody else, has left there is neither read nor written through.
    #[test]
    fn does_not_write_through_what_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["some.file", "other"].map(|name| folder.path().join(name));
        fs::write(&other, "of somebody else").unwrap();
        std::os::unix::fs::symlink(&other, unfinished(&path)).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"of somebody else");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }
}
