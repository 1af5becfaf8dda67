//! What the server answers to an operator.

use serde::Serialize;

use super::{BanRow, GroupRow, Queried, ServerInfo, SessionRow};

/// The result of a command.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AdminAnswer {
    /// Of `getinfo`.
    Info(Box<ServerInfo>),
    /// Of `sessions`.
    Sessions(Vec<SessionRow>),
    /// Of `groups`.
    Groups(Vec<GroupRow>),
    /// Of `banned`.
    Bans(Vec<BanRow>),
    /// Of `query`, for programs.
    Queried(Vec<Queried>),
    /// Lines for people.
    Lines(Vec<String>),
    /// A sentence for people.
    Text(String),
}
