//! What people read: the log on standard error, answers on standard output.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

use tracing_subscriber::EnvFilter;

use crate::{
    Failure,
    config::{LogFormat, LogSection},
};

/// Starts logging.
pub(crate) fn start(config: &LogSection) {
    let filter = EnvFilter::new(format!(
        "{},hyper=warn,hyper_util=warn",
        config.level.as_str()
    ));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match config.format {
        LogFormat::Full => log.init(),
        LogFormat::Compact => log.compact().with_target(false).init(),
    }
}

/// Prints a line of an answer.
pub(crate) fn say(line: impl Display) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(|source| Failure::System {
        what: "cannot write to standard output",
        source,
    })
}

/// Prints a line about what is wrong; where that fails there is nobody to tell.
pub(crate) fn complain(line: impl Display) {
    let _written = writeln!(io::stderr(), "electrode: {line}");
}
