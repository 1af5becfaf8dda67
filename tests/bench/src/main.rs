//! The program `electrode-bench`: see the library for what it measures.

#![expect(clippy::print_stderr, reason = "errors go to stderr")]

use std::process::ExitCode;

use clap::Parser as _;
use electrode_bench::{Cli, execute};

fn main() -> ExitCode {
    match execute(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("electrode-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
