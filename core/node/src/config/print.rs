//! The effective configuration as a TOML file.

use std::collections::BTreeMap;

use super::{
    gather::{Found, Value},
    key::{Form, KEYS, Key},
    secret::{masked, masked_whole},
};

/// The column in which the sources of values stand, where the values leave it free.
const SOURCE_COLUMN: usize = 44;

/// Writes every setting, with its source as a comment; URLs of nodes with the port in force, if
/// it is known where they name none.
pub(super) fn print(found: &BTreeMap<&'static str, Found>, rpc_port: Option<u16>) -> String {
    let mut text = String::new();
    let mut section = None;
    for key in KEYS {
        if key.section() != section {
            section = key.section();
            text.push_str(&format!("\n[{}]\n", section.unwrap_or_default()));
        }
        match found.get(key.path) {
            Some(Found { value, origin }) => {
                let setting = format!("{} = {}", key.name(), toml(key, value, rpc_port));
                text.push_str(&format!("{setting:SOURCE_COLUMN$} # {origin}\n"));
            }
            None => text.push_str(&format!("# {} is not set\n", key.name())),
        }
    }
    text
}

fn toml(key: &Key, value: &Value, rpc_port: Option<u16>) -> String {
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
            let shown = |text: &String| match (key.form, rpc_port) {
                (Form::Urls, Some(port)) => masked_whole(text, port),
                (Form::Urls, None) => masked(text),
                _ => text.clone(),
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
