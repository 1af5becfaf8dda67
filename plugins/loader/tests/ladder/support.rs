//! Compiles the coin in C and loads it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use electrode_loader::{ForeignCoin, LoadError, PluginFile, Wanted, load};
use tempfile::TempDir;

/// What the toy is.
pub(crate) const WANTED: Wanted<'_> = Wanted::new("Toy", "regtest");

/// The coin in C.
pub(crate) struct Toy {
    folder: TempDir,
    path: PathBuf,
}

impl Toy {
    /// Compiles it with these names defined.
    pub(crate) fn new(defines: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("toy.so");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
        let status = Command::new(compiler)
            .args([
                "-std=c11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-Wno-unused",
                "-shared",
                "-fPIC",
            ])
            .args(defines.iter().map(|define| format!("-D{define}")))
            .arg("-I")
            .arg(here.join("../abi/include"))
            .arg("-o")
            .arg(&path)
            .arg(here.join("tests/ladder/toy.c"))
            .status()
            .expect("a C compiler as cc or $CC");
        assert!(status.success(), "{status}");
        Self { folder, path }
    }

    pub(crate) fn path(&self) -> &Path {
        assert!(self.folder.path().exists());
        &self.path
    }

    pub(crate) fn file(&self) -> PluginFile {
        PluginFile {
            path: self.path.clone(),
            sha256: None,
        }
    }

    pub(crate) fn load(&self) -> Result<ForeignCoin, LoadError> {
        ask(self.path(), None, WANTED)
    }

    pub(crate) fn load_for(&self, coin: &str, net: &str) -> Result<ForeignCoin, LoadError> {
        ask(self.path(), None, Wanted::new(coin, net))
    }
}

/// Loads a plugin, pinned or not.
pub(crate) fn ask(
    path: &Path,
    pin: Option<&str>,
    wanted: Wanted<'_>,
) -> Result<ForeignCoin, LoadError> {
    let file = PluginFile {
        path: path.to_owned(),
        sha256: pin.map(|pin| pin.parse().unwrap()),
    };
    load(&file, wanted)
}

/// Finds a Rust plugin, which is built beside this test.
pub(crate) fn built(name: &str) -> PathBuf {
    let folder = env::current_exe().unwrap().parent().unwrap().to_owned();
    folder.join(format!("lib{name}.so"))
}
