//! What people read: the log on standard error, answers on standard output.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
    sync::OnceLock,
};

use tracing_subscriber::EnvFilter;

use crate::{
    Failure,
    config::{LogFormat, LogLevel, LogSection},
};

/// Replaces the filter of the log, which there is one of in a process.
type SetFilter = Box<dyn Fn(EnvFilter) + Send + Sync>;

static SET_FILTER: OnceLock<SetFilter> = OnceLock::new();

/// Starts logging.
pub(crate) fn start(config: &LogSection) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(config.level))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let set_filter: SetFilter = match config.format {
        LogFormat::Full => {
            let log = log.with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            Box::new(move |filter| told(handle.reload(filter)))
        }
        LogFormat::Compact => {
            let log = log.compact().with_target(false).with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            Box::new(move |filter| told(handle.reload(filter)))
        }
    };
    SET_FILTER.get_or_init(|| set_filter);
}

/// Changes what is logged from now on.
pub(crate) fn set_level(level: LogLevel) {
    if let Some(set_filter) = SET_FILTER.get() {
        set_filter(filter(level));
    }
}

/// Prints a line of an answer.
pub(crate) fn say(line: impl Display) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(|source| match source.kind() {
        io::ErrorKind::BrokenPipe => Failure::NobodyReads,
        _ => Failure::System {
            what: "cannot write to standard output",
            source,
        },
    })
}

/// Prints a line about what is wrong; where that fails there is nobody to tell.
pub(crate) fn complain(line: impl Display) {
    let _written = writeln!(io::stderr(), "electrode: {line}");
}

fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::new(format!("{},hyper=warn,hyper_util=warn", level.as_str()))
}

fn told(reloaded: Result<(), tracing_subscriber::reload::Error>) {
    if let Err(error) = reloaded {
        tracing::error!(%error, "the level of the log stays as it was");
    }
}
