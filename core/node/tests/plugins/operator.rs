//! An operator with a folder of plugins, and with a data folder that does not exist yet.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::program::run;

/// What an operator has; removed when dropped.
pub(crate) struct Operator {
    folder: TempDir,
}

impl Operator {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        Self { folder }
    }

    /// Gives the folder of plugins.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// Gives where the plugin of Dogecoin is looked for.
    pub(crate) fn dogecoin(&self) -> PathBuf {
        self.plugins().join("libelectrode_dogecoin.so")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a command for a coin on regtest, whose node nobody can reach; `more` is added to the
    /// section of plugins.
    pub(crate) fn run(&self, command: &[&str], coin: &str, more: &str) -> Output {
        let config = self.folder.path().join("electrode.toml");
        let text = format!(
            "coin = \"{coin}\"\nnet = \"regtest\"\ndata_dir = {:?}\n\
             daemon.urls = [\"http://127.0.0.1:1\"]\n\
             [plugins]\ndir = {:?}\n{more}",
            self.data_dir(),
            self.plugins(),
        );
        fs::write(&config, text).unwrap();
        run(&[command, &["--config", config.to_str().unwrap()]].concat())
    }
}

/// Finds the plugin that is built beside this test.
pub(crate) fn dogecoin() -> PathBuf {
    let folder = env::current_exe().unwrap().parent().unwrap().to_owned();
    folder.join("libelectrode_dogecoin.so")
}

/// Compiles the coin in C of the loader's tests, with these names defined.
pub(crate) fn compile_toy(to: &Path, defines: &[&str]) {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(compiler)
        .args(["-std=c11", "-shared", "-fPIC"])
        .args(defines.iter().map(|define| format!("-D{define}")))
        .arg("-I")
        .arg(plugins.join("abi/include"))
        .arg("-o")
        .arg(to)
        .arg(plugins.join("loader/tests/ladder/toy.c"))
        .status()
        .expect("a C compiler as cc or $CC");
    assert!(status.success(), "{status}");
}
