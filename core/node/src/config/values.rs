//! The raw values of a configuration, kept to tell what a reload changes.

use std::{collections::BTreeMap, fmt};

use super::{
    gather::{Found, Value},
    key::KEYS,
};

/// The value of each setting that has one. Debugging shows none: some are secret.
#[derive(Clone)]
pub(super) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    pub(super) fn of(found: &BTreeMap<&'static str, Found>) -> Self {
        let values = found
            .iter()
            .map(|(path, found)| (*path, found.value.clone()));
        Self(values.collect())
    }

    /// Lists the settings whose values differ, in the order of the table.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let paths = KEYS.iter().map(|key| key.path);
        paths
            .filter(|path| self.0.get(path) != other.0.get(path))
            .collect()
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}
