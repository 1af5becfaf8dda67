//! The TOML file.

use std::{fs::File, io, io::Read as _, path::Path};

use toml::{Table, Value as Toml};

use super::{
    gather::{Gathered, Origin, Value},
    key::{self, Form, Key},
    problem::Problem,
};

/// The most bytes of a configuration file that are read: a hundred times what one needs.
const MAX_FILE_LEN: u64 = 1 << 20;

/// Takes every setting of the file.
pub(super) fn read(path: &Path, gathered: &mut Gathered) {
    let table = match text(path).and_then(|text| parse(path, &text)) {
        Ok(table) => table,
        Err(problem) => return gathered.problems.push(problem),
    };
    for (name, value) in &table {
        match value {
            Toml::Table(section) if key::is_section(name) => {
                for (leaf, value) in section {
                    take(&format!("{name}.{leaf}"), value, gathered);
                }
            }
            value => take(name, value, gathered),
        }
    }
}

fn text(path: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    let unreadable = |error: io::Error| Problem::Unreadable {
        path: path.to_owned(),
        error,
    };
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_LEN + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if u64::try_from(text.len()).is_ok_and(|len| len <= MAX_FILE_LEN) {
        Ok(text)
    } else {
        Err(Problem::TooLong {
            path: path.to_owned(),
            limit: MAX_FILE_LEN,
        })
    }
}

fn parse(path: &Path, text: &str) -> Result<Table, Problem> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        Problem::Syntax {
            path: path.to_owned(),
            line: 1 + before.matches('\n').count(),
            message: error.message().replace('\n', ", "),
        }
    })
}

fn take(path: &str, value: &Toml, gathered: &mut Gathered) {
    let Some(key) = key::find(path) else {
        let place = format!("{path} (file)");
        return gathered.problems.push(Problem::Unknown {
            place,
            hint: hint(path),
        });
    };
    match untyped(key, value) {
        Ok(value) => gathered.set(key, value, Origin::File),
        Err(expected) => gathered.problems.push(Problem::Malformed {
            place: format!("{path} (file)"),
            expected: expected.to_owned(),
            came: format!("a value of type {}", value.type_str()),
        }),
    }
}

/// Says what an unknown path was probably meant for.
fn hint(path: &str) -> String {
    match key::nearest(path) {
        Some(key) => format!("did you mean {}?", key.path),
        None => "remove it, or see `electrode config print` for those there are".to_owned(),
    }
}

/// Takes the text of a value; an error says what form was expected.
fn untyped(key: &Key, value: &Toml) -> Result<Value, &'static str> {
    const TEXT: &str = "one text or number";
    const LIST: &str = "a list of texts";
    const TABLE: &str = "a table of texts or numbers";
    const FLAG: &str = "true or false";
    match (key.form, value) {
        (Form::List | Form::Urls, Toml::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().map(Value::Many).ok_or(LIST)
        }
        (Form::List | Form::Urls, _) => Err(LIST),
        (Form::Table, Toml::Table(entries)) => {
            let entry =
                |(name, value): (&String, &Toml)| Some(format!("{name}={}", text_of(value)?));
            let texts = entries.iter().map(entry);
            texts.collect::<Option<_>>().map(Value::Many).ok_or(TABLE)
        }
        (Form::Table, _) => Err(TABLE),
        (Form::Toml, Toml::Table(table)) => Ok(Value::One(table.to_string())),
        (Form::Toml, _) => Err("a table"),
        (Form::Flag, Toml::Boolean(flag)) => Ok(Value::One(flag.to_string())),
        (Form::Flag, _) => Err(FLAG),
        (Form::Text | Form::Path, Toml::String(text)) => Ok(Value::One(text.clone())),
        (Form::Text, Toml::Integer(number)) => Ok(Value::One(number.to_string())),
        (Form::Text, _) => Err(TEXT),
        (Form::Path, _) => Err("a path"),
    }
}

/// Writes an entry of a table as the text that it would be in the environment.
fn text_of(value: &Toml) -> Option<String> {
    match value {
        Toml::String(text) => Some(text.clone()),
        Toml::Integer(number) => Some(number.to_string()),
        Toml::Float(number) => Some(number.to_string()),
        _ => None,
    }
}
