//! The raw values of a configuration, kept to be printed, and to tell what a reload changes.

use std::{collections::BTreeMap, fmt};

use super::{
    gather::{Found, Value},
    key::KEYS,
    print,
};

/// The value of each setting that has one. Debugging shows none: some are secret.
#[derive(Clone)]
pub(super) struct Values(BTreeMap<&'static str, Found>);

impl Values {
    pub(super) fn print(&self, rpc_port: Option<u16>) -> String {
        print::print(&self.0, rpc_port)
    }

    /// Lists the settings whose values differ, in the order of the table.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let paths = KEYS.iter().map(|key| key.path);
        paths
            .filter(|path| self.value(path) != other.value(path))
            .collect()
    }

    fn value(&self, path: &str) -> Option<&Value> {
        self.0.get(path).map(|found| &found.value)
    }
}

impl From<BTreeMap<&'static str, Found>> for Values {
    fn from(found: BTreeMap<&'static str, Found>) -> Self {
        Self(found)
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}
