//! Turns gathered texts into typed values, noting every problem instead of stopping at the first.

use std::{collections::BTreeMap, fmt::Display};

use super::{
    gather::{Found, Value},
    key::find,
    problem::Problem,
    value::FromText,
};

/// Reads settings by their path.
///
/// A value with a problem reads as the default of its type: it never leaves, because loading
/// fails then.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    found: &'a BTreeMap<&'static str, Found>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(found: &'a BTreeMap<&'static str, Found>, problems: Vec<Problem>) -> Self {
        Self { found, problems }
    }

    /// Reads a setting that must have a value.
    pub(super) fn required<T: FromText + Default>(&mut self, path: &'static str) -> T {
        if !self.found.contains_key(path) {
            self.miss(path);
        }
        self.optional(path).unwrap_or_default()
    }

    /// Reads a setting that may have no value.
    pub(super) fn optional<T: FromText>(&mut self, path: &'static str) -> Option<T> {
        match &self.found.get(path)?.value {
            Value::One(text) => self.parse(path, text),
            Value::Many(_) => None,
        }
    }

    /// Reads a setting that has a least value.
    pub(super) fn no_less<T>(&mut self, path: &'static str, least: T) -> T
    where
        T: FromText + Default + Display + PartialOrd,
    {
        let Some(value) = self.optional::<T>(path) else {
            return least;
        };
        if value < least {
            self.report(
                path,
                vec![format!("expected at least {least}, came {value}")],
            );
        }
        value
    }

    /// Reads a list.
    pub(super) fn list<T: FromText>(&mut self, path: &'static str) -> Vec<T> {
        match self.found.get(path).map(|found| &found.value) {
            Some(Value::Many(texts)) => texts
                .iter()
                .filter_map(|text| self.parse(path, text))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Reads a list that must not be empty.
    pub(super) fn at_least_one<T: FromText>(&mut self, path: &'static str) -> Vec<T> {
        let list = self.list(path);
        if list.is_empty() {
            self.miss(path);
        }
        list
    }

    /// Notes conflicts of a setting.
    pub(super) fn report(&mut self, path: &'static str, conflicts: Vec<String>) {
        let place = self.place(path);
        let problem = |conflict| Problem::Conflict {
            place: place.clone(),
            conflict,
        };
        self.problems.extend(conflicts.into_iter().map(problem));
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn parse<T: FromText>(&mut self, path: &'static str, text: &str) -> Option<T> {
        let malformed = |expected| Problem::Malformed {
            place: self.place(path),
            expected,
            came: format!("\"{text}\""),
        };
        T::from_text(text)
            .map_err(malformed)
            .map_err(|problem| self.problems.push(problem))
            .ok()
    }

    fn miss(&mut self, path: &'static str) {
        let variable = find(path).and_then(|key| key.electrumx);
        let variable = variable.map(|variable| format!(" or {} in the environment", variable.name));
        self.problems.push(Problem::Missing {
            path,
            variable: variable.unwrap_or_default(),
        });
    }

    fn place(&self, path: &str) -> String {
        match self.found.get(path) {
            Some(found) => format!("{path} ({})", found.origin),
            None => path.to_owned(),
        }
    }
}
