//! What the command line says of a call.

use std::time::Duration;

use clap::Args;
use electrode_protocol::Params;

use super::{CallError, fingerprint::Fingerprint, place::Place};
use crate::config::{FromText, Size};

/// Whom to ask for what.
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// The server, as host:port; in front of it ssl://, ws:// or wss:// where that is spoken there
    #[arg(value_parser = read::<Place>)]
    pub(super) server: Place,
    /// Method, such as blockchain.block.header
    pub(super) method: String,
    /// Its arguments: what is JSON as that, everything else as a string ('"1"' is a string too)
    #[arg(id = "PARAMS", allow_negative_numbers = true)]
    words: Vec<String>,
    /// All arguments at once, as a JSON array or object
    #[arg(long, value_name = "JSON", conflicts_with = "PARAMS")]
    params: Option<String>,
    /// Do not send server.version first
    #[arg(long)]
    pub(super) bare: bool,
    /// Refuse a server with another certificate: the SHA-256 that --verbose shows
    #[arg(long, value_name = "SHA256", value_parser = read::<Fingerprint>)]
    pub(super) pin: Option<Fingerprint>,
    /// End a subscription after so many notifications
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,
    /// Longest wait for an answer [default: 60s]; for a subscription also how long to listen
    /// [default: until Ctrl-C]
    #[arg(long, value_name = "DURATION", value_parser = read::<Duration>)]
    pub(super) timeout: Option<Duration>,
    /// Longest answer that is taken
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = read::<Size>)]
    pub(super) max_bytes: Size,
    /// Say what the connection is like: address, TLS, certificate, server
    #[arg(long, short)]
    pub(super) verbose: bool,
}

impl CallArgs {
    /// Gives the arguments of the request.
    pub(super) fn params(&self) -> Result<Params, CallError> {
        match &self.params {
            Some(all) => Ok(Params::from_json(all)?),
            None => Ok(Params::from_words(self.words.iter().map(String::as_str))),
        }
    }
}

fn read<T: FromText>(text: &str) -> Result<T, String> {
    T::from_text(text).map_err(|expected| format!("expected {expected}"))
}
