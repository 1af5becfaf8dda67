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
        let folder = Self(TempDir::new().unwrap());
        folder.install(&built(library), coin);
        folder
    }

    /// Copies a library to where the plugin of a coin is looked for.
    pub fn install(&self, library: &Path, coin: &str) {
        let to = self.path().join(format!("{}.so", coin.to_lowercase()));
        fs::copy(library, to).unwrap();
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
