//! The admin RPC: what an operator asks of a running server, and what it answers.
//!
//! Newline-delimited JSON-RPC, with the commands, arguments and shapes of ElectrumX 1.20 where it
//! has them, so that its command-line client works too. Both ends are here: the server reads
//! [`AdminCall`]s and writes [`AdminAnswer`]s, the command line does it the other way round.

mod answer;
mod call;
mod info;
mod query;
mod response;
mod rows;
#[cfg(test)]
mod tests;
mod token;

pub use answer::AdminAnswer;
pub use call::{AdminCall, ItemLimit};
pub use info::{CacheInfo, ServerInfo, SessionsInfo, formatted_time};
pub use query::{Queried, QueriedOutput, QueriedTransaction};
pub use response::{AdminResponse, encode_admin_response};
pub use rows::{BanRow, GroupRow, SessionRow};
pub use token::{Token, TokenError};
