//! Tests of whole configurations.

mod delivered;
mod fuzz;
mod printed;
mod problems;
mod sections;
mod sources;

use std::fs;

use tempfile::NamedTempFile;

use super::{Config, ConfigProblems, Loaded, Sources};

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

/// What a configuration cannot do without.
const REQUIRED: &[(&str, &str)] = &[
    ("COIN", "Bitcoin"),
    ("DB_DIRECTORY", "/var/lib/electrode"),
    ("DAEMON_URL", "http://127.0.0.1:8332"),
];

fn load_env(pairs: &[(&str, &str)]) -> Result<Loaded, ConfigProblems> {
    Config::load(Sources {
        env: env(pairs),
        ..Sources::default()
    })
}

fn file_of(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    file
}

fn load_file(text: &str) -> Result<Loaded, ConfigProblems> {
    let file = file_of(text);
    let path = file.path().to_owned();
    Config::load(Sources {
        file: Some(path),
        env: env(REQUIRED),
        ..Sources::default()
    })
}

fn problems(loaded: Result<Loaded, ConfigProblems>) -> Vec<String> {
    loaded
        .unwrap_err()
        .to_string()
        .lines()
        .map(str::to_owned)
        .collect()
}
