//! The folder of plugins: which file is for which coin.

use std::{fs, path::Path};

use crate::{LoadError, PluginFile, Reason};

/// Finds the plugin of a coin by the name of its file: `libdogecoin.so`, `dogecoin.so` and
/// `libelectrode_dogecoin.so` are all for Dogecoin. No other file is touched.
///
/// # Errors
/// The folder cannot be read, or two files are for the coin.
pub fn find(folder: &Path, coin: &str) -> Result<Option<PluginFile>, LoadError> {
    let files = list(folder)?.into_iter();
    let mut files = files.filter(|file| {
        file.coin()
            .is_some_and(|name| name.eq_ignore_ascii_case(coin))
    });
    match (files.next(), files.next()) {
        (Some(one), Some(other)) => Err(other.refused(Reason::Ambiguous { other: one.path })),
        (found, _) => Ok(found),
    }
}

/// Lists the files that are for a coin by their names, in the order of these.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<PluginFile>, LoadError> {
    let plugin = |path| PluginFile { path, sha256: None };
    let unreadable = |error| plugin(folder.to_owned()).refused(Reason::Unreadable(error));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        files.push(plugin(entry.map_err(unreadable)?.path()));
    }
    files.retain(|file| file.coin().is_some());
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

impl PluginFile {
    /// Tells which coin the file is for by its name, in the file's case; `None` where the name is
    /// not that of a plugin.
    #[must_use]
    pub fn coin(&self) -> Option<&str> {
        let stem = self.path.file_name()?.to_str()?.strip_suffix(".so")?;
        let stem = stem.strip_prefix("lib").unwrap_or(stem);
        Some(stem.strip_prefix("electrode_").unwrap_or(stem))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn finds_a_coin_by_the_name_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "libelectrode_dogecoin.so",
            "Namecoin.so",
            "README.md",
            "libm.so.6",
        ] {
            File::create(folder.path().join(name)).unwrap();
        }
        for (coin, file) in [
            ("Dogecoin", Some("libelectrode_dogecoin.so")),
            ("namecoin", Some("Namecoin.so")),
            ("Bitcoin", None),
            ("m", None),
        ] {
            let found = find(folder.path(), coin).unwrap();
            assert_eq!(
                found.map(|file| file.path),
                file.map(|name| folder.path().join(name))
            );
        }
    }

    #[test]
    fn lists_what_is_named_like_a_plugin() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["libb.so", "a.so", "README.md", "libm.so.6"] {
            File::create(folder.path().join(name)).unwrap();
        }
        let files = list(folder.path()).unwrap();
        let coins: Vec<_> = files.iter().map(PluginFile::coin).collect();
        assert_eq!(coins, [Some("a"), Some("b")]);
    }

    #[test]
    fn refuses_two_files_for_one_coin() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["libdogecoin.so", "dogecoin.so"] {
            File::create(folder.path().join(name)).unwrap();
        }
        let error = find(folder.path(), "dogecoin").unwrap_err();
        assert!(matches!(error.reason, Reason::Ambiguous { .. }), "{error}");
    }
}
