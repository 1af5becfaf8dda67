//! The effective configuration as a TOML file.

use std::collections::BTreeMap;

use super::{
    gather::{Found, Value},
    key::{Form, KEYS, Key},
    secret::masked,
};

/// The column in which the sources of values stand, where the values leave it free.
const SOURCE_COLUMN: usize = 44;

/// Writes every setting, with its source as a comment.
pub(super) fn print(found: &BTreeMap<&'static str, Found>) -> String {
    let mut text = String::new();
    let mut section = None;
    for key in KEYS {
        if key.section() != section {
            section = key.section();
            text.push_str(&format!("\n[{}]\n", section.unwrap_or_default()));
        }
        match found.get(key.path) {
            Some(Found { value, origin }) => {
                let setting = format!("{} = {}", key.name(), toml(key, value));
                text.push_str(&format!("{setting:SOURCE_COLUMN$} # {origin}\n"));
            }
            None => text.push_str(&format!("# {} is not set\n", key.name())),
        }
    }
    text
}

fn toml(key: &Key, value: &Value) -> String {
    match value {
        Value::One(text) if key.form == Form::Toml => inline(text),
        Value::One(text) if text.parse::<u64>().is_ok() || key.form == Form::Flag => text.clone(),
        Value::One(text) => quoted(text),
        Value::Many(entries) if key.form == Form::Table => {
            let entries: Vec<_> = entries
                .iter()
                .filter_map(|entry| entry.split_once('='))
                .map(|(name, text)| format!("{} = {}", quoted(name), quoted(text)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Many(texts) => {
            let is_secret = key.form == Form::Urls;
            let shown = |text: &String| {
                if is_secret {
                    masked(text)
                } else {
                    text.clone()
                }
            };
            let texts: Vec<_> = texts.iter().map(|text| quoted(&shown(text))).collect();
            format!("[{}]", texts.join(", "))
        }
    }
}

/// Writes a table on one line.
fn inline(text: &str) -> String {
    // What is no table is told as a problem, and nothing is printed.
    let table: toml::Table = text.parse().unwrap_or_default();
    toml::Value::from(table).to_string()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
