//! Brings defaults, file, environment and command line together, each over the one before.

use std::{collections::BTreeMap, fmt};

use super::{
    Sources, environment, file,
    key::{Form, KEYS, Key, find},
    problem::Problem,
};

/// The value of a setting, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// A value before its text is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    One(String),
    Many(Vec<String>),
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File,
    Environment(String),
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// What all sources said together.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) found: BTreeMap<&'static str, Found>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
    home: Option<String>,
}

/// Asks every source.
pub(super) fn gather(sources: Sources) -> Gathered {
    let home = sources
        .env
        .iter()
        .find(|(name, _)| name == "HOME")
        .map(|(_, home)| home.clone());
    let mut gathered = Gathered {
        home,
        ..Gathered::default()
    };
    for key in KEYS {
        if let Some(default) = key.default {
            gathered.set_text(key, default, Origin::Default);
        }
    }
    if let Some(path) = sources.file {
        file::read(&path, &mut gathered);
    }
    environment::read(&sources.env, &mut gathered);
    for (path, text) in sources.overrides {
        match find(path) {
            Some(key) => gathered.override_with(key, &text),
            None => gathered.problems.push(Problem::Unknown {
                place: format!("{path} (command line)"),
                hint: "see --help".to_owned(),
            }),
        }
    }
    gathered
}

impl Gathered {
    /// Tells whether any source has a value for a setting, its default aside.
    pub(super) fn says(&self, path: &str) -> bool {
        let found = self.found.get(path);
        found.is_some_and(|found| found.origin != Origin::Default)
    }

    /// Takes a value that came as one text.
    pub(super) fn set_text(&mut self, key: &'static Key, text: &str, origin: Origin) {
        let value = match key.form {
            Form::Text | Form::Path | Form::Toml | Form::Flag => Value::One(text.to_owned()),
            Form::List | Form::Urls | Form::Table => Value::Many(split(text).collect()),
        };
        self.set(key, value, origin);
    }

    /// Takes a value, in place of what a weaker source said.
    pub(super) fn set(&mut self, key: &'static Key, value: Value, origin: Origin) {
        let value = match value {
            Value::One(path) if key.form == Form::Path => self.expand_home(key, path, &origin),
            value => value,
        };
        self.found.insert(key.path, Found { value, origin });
    }

    fn override_with(&mut self, key: &'static Key, text: &str) {
        if let Some(Found {
            value: Value::Many(items),
            origin: Origin::CommandLine,
        }) = self.found.get_mut(key.path)
        {
            items.extend(split(text));
        } else {
            self.set_text(key, text, Origin::CommandLine);
        }
    }

    fn expand_home(&mut self, key: &Key, path: String, origin: &Origin) -> Value {
        let Some(rest) = path.strip_prefix('~') else {
            return Value::One(path);
        };
        let conflict = match &self.home {
            _ if !rest.is_empty() && !rest.starts_with('/') => {
                "begins with the home folder of a user, which is not looked up; write the path in \
                 full, or begin with ~/"
            }
            Some(home) if !home.is_empty() => return Value::One(format!("{home}{rest}")),
            _ => "needs the environment's HOME, which is not set; write the path in full",
        };
        self.problems.push(Problem::Conflict {
            place: format!("{} ({origin})", key.path),
            conflict: format!("{path} {conflict}"),
        });
        Value::One(path)
    }
}

/// Splits a list that came as one text.
fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
}
