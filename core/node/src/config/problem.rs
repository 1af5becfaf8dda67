//! What can be wrong with a configuration.

use std::{fmt, io, path::PathBuf};

/// Everything that is wrong with a configuration, one line each.
#[derive(Debug, thiserror::Error)]
pub(crate) struct ConfigProblems(pub(crate) Vec<Problem>);

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{problem}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Problem {
    /// The file cannot be read.
    #[error("configuration file {}: expected a readable text file: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is longer than a configuration can be.
    #[error("configuration file {}: expected at most {limit} bytes, is it the right file?", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        limit: u64,
    },
    /// The file is not TOML.
    #[error("configuration file {}, line {line}: {message}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A setting that does not exist.
    #[error("{place} is not a setting: {hint}")]
    Unknown {
        /// Its path or variable, and where it came from.
        place: String,
        /// What was probably meant.
        hint: String,
    },
    /// A variable that ElectrumX gave up.
    #[error("environment {name} is obsolete: use {replacement}")]
    Obsolete {
        /// The variable.
        name: String,
        /// What replaces it.
        replacement: &'static str,
    },
    /// Credentials where they do not belong.
    #[error(
        "environment {name}: expected URLs without user and password; put those into \
         daemon.cookie_file, the file's daemon.urls, or DAEMON_URL"
    )]
    Credentials {
        /// The variable.
        name: String,
    },
    /// A setting that must be set is not.
    #[error("{path} is missing: set it in the file{variable}")]
    Missing {
        /// The setting.
        path: &'static str,
        /// Its variable, as the end of the sentence.
        variable: String,
    },
    /// A value is not of the form its setting has.
    #[error("{place}: expected {expected}, came {came}")]
    Malformed {
        /// The setting, and where the value came from.
        place: String,
        /// What it should look like.
        expected: String,
        /// The value.
        came: String,
    },
    /// Values that are well formed and contradict each other or the limits.
    #[error("{place}: {conflict}")]
    Conflict {
        /// The setting, and where the value came from.
        place: String,
        /// What does not go together, and how to mend it.
        conflict: String,
    },
}
