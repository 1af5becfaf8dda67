//! `[plugins]`: coins from shared libraries.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use electrode_loader::Pin;

use super::{ConfigProblems, Sources, gather::gather, read::Reader, value::FromText};

/// `[plugins]`: coins from shared libraries, which come before all others of their name.
#[derive(Clone, Debug)]
pub(crate) struct PluginsSection {
    /// The folder they are in; unset: none is loaded.
    pub(crate) dir: Option<PathBuf>,
    /// What files of it must hash to, by name; a file that is not named may be any.
    pub(crate) sha256: Vec<(String, Pin)>,
    /// What the plugin is told besides the net: whatever its author documents.
    pub(crate) options: PluginOptions,
    /// How long one call of a plugin may take before the log and `/ready` say so. Default 10 s;
    /// raise it for a coin whose blocks take longer to read.
    pub(crate) call_limit: Duration,
}

/// What the operator says to a plugin, as TOML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PluginOptions(pub(crate) String);

/// Where coins come from besides those that Electrode brings along.
#[derive(Clone, Debug)]
pub(crate) struct CoinFolders {
    /// A folder of TOML descriptors, which add coins or replace those that come with Electrode.
    pub(crate) coins_dir: Option<PathBuf>,
    /// Plugins.
    pub(crate) plugins: PluginsSection,
}

impl CoinFolders {
    /// Reads no other settings: they may be missing.
    ///
    /// # Errors
    /// A setting is unknown, obsolete or malformed.
    pub(crate) fn load(sources: Sources) -> Result<Self, ConfigProblems> {
        let gathered = gather(sources);
        let mut reader = Reader::new(&gathered.found, gathered.problems);
        let folders = Self::read(&mut reader);
        match reader.into_problems() {
            problems if problems.is_empty() => Ok(folders),
            problems => Err(ConfigProblems(problems)),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            coins_dir: reader.optional("coins_dir"),
            plugins: PluginsSection::read(reader),
        }
    }
}

impl PluginsSection {
    /// Gives what a plugin's file must hash to, if the operator said so.
    pub(crate) fn pin(&self, path: &Path) -> Option<Pin> {
        let name = path.file_name()?.to_str()?;
        let pin = self.sha256.iter().find(|(pinned, _)| pinned == name);
        pin.map(|(_, pin)| *pin)
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            dir: reader.optional("plugins.dir"),
            sha256: reader.list("plugins.sha256"),
            options: reader.optional("plugins.options").unwrap_or_default(),
            call_limit: reader.required("plugins.call_limit"),
        }
    }
}

/// A plugin's file name and what the file must hash to.
impl FromText for (String, Pin) {
    fn from_text(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "the name of a plugin's file and its SHA-256 in hex";
        let (name, pin) = text.split_once('=').ok_or(EXPECTED)?;
        let pin = pin.trim().parse().map_err(|_not_hex| EXPECTED)?;
        Ok((name.trim().to_owned(), pin))
    }
}

impl FromText for PluginOptions {
    fn from_text(text: &str) -> Result<Self, String> {
        let table: Result<toml::Table, toml::de::Error> = text.parse();
        table
            .map(|_options| Self(text.to_owned()))
            .map_err(|_not_toml| "TOML, such as \"depth = 5\"".to_owned())
    }
}
