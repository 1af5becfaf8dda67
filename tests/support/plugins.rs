//! Plugins, as an operator installs them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A folder of plugins, removed when dropped.
#[derive(Debug)]
pub struct PluginFolder(TempDir);

impl PluginFolder {
    /// Makes a folder with one plugin: a library that is built beside the tests, for a coin.
    #[must_use]
    pub fn with(library: &str, coin: &str) -> Self {
        Self::with_file(&built(library), coin)
    }

    /// Makes a folder with one plugin: a file, for a coin.
    #[must_use]
    pub fn with_file(library: &Path, coin: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let to = folder.path().join(format!("{}.so", coin.to_lowercase()));
        fs::copy(library, to).unwrap();
        Self(folder)
    }

    /// Gives the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Finds a library that cargo builds for the tests, beside their programs.
fn built(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let path = test.with_file_name(format!("lib{name}.so"));
    assert!(path.exists(), "{} is missing", path.display());
    path
}
