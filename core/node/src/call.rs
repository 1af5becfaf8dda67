//! Asking any Electrum server for something, over any transport.
//!
//! What is said is the business of [`electrode_protocol::Client`]; this is its connection
//! ([`wire`]), what the server's certificate is held to ([`tls`]), and how long things may take
//! ([`talk`]).

mod args;
mod error;
mod fingerprint;
mod place;
mod talk;
mod tls;
mod wire;

use std::io::{self, IsTerminal as _};

use electrode_protocol::{Json, Params, is_subscription};
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use args::CallArgs;
pub(crate) use error::CallError;
use talk::Talk;

use crate::{
    Failure,
    log::{complain, say},
};

/// The method that agrees on a version; it comes first.
const GREETING: &str = "server.version";
/// Who asks.
const CLIENT_NAME: &str = concat!("electrode ", env!("CARGO_PKG_VERSION"));

/// Sends a request to a server and prints what it answers; what it tells from then on too, if it
/// was a subscription, until Ctrl-C.
pub(crate) async fn call(args: &CallArgs) -> Result<(), Failure> {
    if !is_subscription(&args.method) {
        return converse(args).await;
    }
    let interruption = signal(SignalKind::interrupt());
    let mut interruption = interruption.map_err(|source| Failure::System {
        what: "cannot wait for Ctrl-C",
        source,
    })?;
    tokio::select! {
        conversed = converse(args) => conversed,
        _ = interruption.recv() => Ok(()),
    }
}

async fn converse(args: &CallArgs) -> Result<(), Failure> {
    let params = args.params()?;
    let mut talk = Talk::open(args).await?;
    if args.verbose {
        talk.description().iter().for_each(complain);
    }
    if !args.bare && args.method != GREETING {
        let greeted = talk.ask(GREETING, &Params::greeting(CLIENT_NAME)).await?;
        if args.verbose {
            complain(format_args!("{} is {greeted}", args.server));
        }
    }
    say(laid_out(&talk.ask(&args.method, &params).await?))?;
    match is_subscription(&args.method) {
        true => talk.listen(args.count, args.timeout).await,
        false => Ok(()),
    }
}

/// Lays an answer out for who reads it: a person, or a program.
fn laid_out(json: &Json) -> String {
    match io::stdout().is_terminal() {
        true => json.pretty().to_string(),
        false => json.to_string(),
    }
}
