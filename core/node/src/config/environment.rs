//! The environment: ElectrumX's variables, and one for every setting.
//!
//! An empty variable counts as not set, as env files leave them. Where both an ElectrumX variable
//! and Electrode's own name the same setting, Electrode's own wins.

use super::{
    electrumx,
    gather::{Gathered, Origin},
    key::{self, Form, KEYS, Key, Variable},
    problem::Problem,
};

const PREFIX: &str = "ELECTRODE_";

/// Takes every variable that means something.
pub(super) fn read(env: &[(String, String)], gathered: &mut Gathered) {
    let set: Vec<_> = env
        .iter()
        .filter(|(_name, text)| !text.trim().is_empty())
        .collect();
    for (name, text) in &set {
        if !name.starts_with(PREFIX) {
            electrumx(name, text.trim(), gathered);
        }
    }
    for (name, text) in &set {
        if name.starts_with(PREFIX) {
            own(name, text.trim(), gathered);
        }
    }
}

fn electrumx(name: &str, text: &str, gathered: &mut Gathered) {
    let named = |key: &&Key| key.electrumx.is_some_and(|variable| variable.name == name);
    if let Some(key) = KEYS.iter().find(named) {
        let unit = key.electrumx.map_or("", |Variable { unit, .. }| unit);
        let text = match key.form {
            Form::Flag => "true".to_owned(),
            _ => with_unit(text, unit),
        };
        gathered.set_text(key, &text, Origin::Environment(name.to_owned()));
    } else if let Some(replacement) = electrumx::replacement(name) {
        gathered.problems.push(Problem::Obsolete {
            name: name.to_owned(),
            replacement,
        });
    } else if electrumx::is_unused(name) {
        gathered
            .warnings
            .push(format!("{name} is not used by this version"));
    }
}

fn own(name: &str, text: &str, gathered: &mut Gathered) {
    if let Some(key) = KEYS.iter().find(|key| key.variable() == name) {
        if key.form == Form::Urls && text.contains('@') {
            return gathered.problems.push(Problem::Credentials {
                name: name.to_owned(),
            });
        }
        gathered.set_text(key, text, Origin::Environment(name.to_owned()));
    } else if name.contains("__") {
        gathered.problems.push(Problem::Unknown {
            place: format!("environment {name}"),
            hint: hint(name),
        });
    } else {
        gathered
            .warnings
            .push(format!("{name} is not a setting and does nothing"));
    }
}

/// Says which variable was probably meant.
fn hint(name: &str) -> String {
    let path = name
        .trim_start_matches(PREFIX)
        .replace("__", ".")
        .to_ascii_lowercase();
    match key::nearest(&path) {
        Some(key) => format!("did you mean {}?", key.variable()),
        None => "unset it".to_owned(),
    }
}

/// Writes a bare number with the unit that ElectrumX documents for it.
fn with_unit(text: &str, unit: &str) -> String {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    format!("{text}{}", if is_number { unit } else { "" })
}
