//! What an operator asks.

use serde_json::{Value, json};

use super::Token;
use crate::{
    Request, RpcError,
    arguments::{Argument, Arguments, Extra, Parameter},
};

/// Entries of a history that `query` shows when nothing is said.
const DEFAULT_LIMIT: u32 = 1000;
/// Blocks that `reorg` replaces when nothing is said, as in ElectrumX.
const DEFAULT_REORG: u32 = 3;
/// Most sessions, or items, that one command names.
const MAX_NAMES: usize = 1000;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminCall {
    /// `auth`: opens a connection to a server that has a token.
    Auth(Token),
    /// `getinfo`: a summary of the server.
    GetInfo,
    /// `sessions`: the open sessions.
    Sessions,
    /// `groups`: sessions that are charged together.
    Groups,
    /// `peers`: other servers of the coin.
    Peers,
    /// `add_peer`: another server.
    AddPeer {
        /// Host, version and ports, as in "host v1.4 s50002 t50001".
        real_name: String,
    },
    /// `disconnect`: ends sessions.
    Disconnect {
        /// Numbers of sessions, names of groups, or `all`.
        session_ids: Vec<String>,
    },
    /// `log`: turns the logging of requests on and off.
    Log {
        /// Numbers of sessions, names of groups, `all`, `none` or `new`.
        session_ids: Vec<String>,
    },
    /// `daemon_url`: uses other nodes from now on.
    DaemonUrl {
        /// Their URLs, separated by commas; none: the configured ones.
        urls: Option<String>,
    },
    /// `reorg`: takes back the last blocks and connects them again.
    Reorg {
        /// How many.
        count: u32,
    },
    /// `query`: what belongs to scripts.
    Query {
        /// Addresses, scripts in hex, or script hashes.
        items: Vec<String>,
        /// How much is shown.
        limit: ItemLimit,
        /// Whether the answer is for programs instead of people.
        verbose: bool,
    },
    /// `ban`: refuses an address or a network from now on.
    Ban {
        /// The address, or the network as in `192.0.2.0/24`.
        network: String,
        /// Why, for the list.
        reason: Option<String>,
        /// For how many seconds; none: for ever.
        secs: Option<u32>,
    },
    /// `unban`: takes a ban back.
    Unban {
        /// The address or the network.
        network: String,
    },
    /// `banned`: what is refused.
    Banned,
    /// `reload`: reads the configuration again.
    Reload,
    /// `stop`: ends the server.
    Stop,
}

/// Entries of each list that are shown of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemLimit(pub u32);

impl Default for ItemLimit {
    fn default() -> Self {
        Self(DEFAULT_LIMIT)
    }
}

struct Command {
    name: &'static str,
    parameters: &'static [Parameter],
    decode: fn(&Arguments<'_>) -> Result<AdminCall, RpcError>,
}

const SESSION_IDS: &[Parameter] = &[Parameter::required("session_ids")];
const NETWORK: Parameter = Parameter::required("network");

/// Every command. Source: ElectrumX 1.20, `docs/rpc-interface.rst`; from `ban` on our own.
static COMMANDS: &[Command] = &[
    Command::plain("getinfo", |_| Ok(AdminCall::GetInfo)),
    Command::plain("sessions", |_| Ok(AdminCall::Sessions)),
    Command::plain("groups", |_| Ok(AdminCall::Groups)),
    Command::plain("peers", |_| Ok(AdminCall::Peers)),
    Command::plain("reload", |_| Ok(AdminCall::Reload)),
    Command::plain("stop", |_| Ok(AdminCall::Stop)),
    Command::plain("banned", |_| Ok(AdminCall::Banned)),
    Command::new("add_peer", &[Parameter::required("real_name")], |args| {
        let real_name = args.get(0).text_or_number()?;
        Ok(AdminCall::AddPeer { real_name })
    }),
    Command::new("disconnect", SESSION_IDS, |args| {
        let session_ids = names(args.get(0))?;
        Ok(AdminCall::Disconnect { session_ids })
    }),
    Command::new("log", SESSION_IDS, |args| {
        let session_ids = names(args.get(0))?;
        Ok(AdminCall::Log { session_ids })
    }),
    Command::new(
        "daemon_url",
        &[Parameter::optional("daemon_url", "null")],
        |args| {
            let urls = args.get(0).optional(Argument::text_or_number)?;
            Ok(AdminCall::DaemonUrl { urls })
        },
    ),
    Command::new("reorg", &[Parameter::optional("count", "null")], |args| {
        let count = args.get(0).optional(Argument::number)?;
        Ok(AdminCall::Reorg {
            count: count.unwrap_or(DEFAULT_REORG),
        })
    }),
    Command::new(
        "query",
        &[
            Parameter::required("items"),
            Parameter::optional("limit", "null"),
            Parameter::optional("verbose", "false"),
        ],
        |args| {
            let limit = args.get(1).optional(Argument::number)?;
            Ok(AdminCall::Query {
                items: names(args.get(0))?,
                limit: limit.map_or_else(ItemLimit::default, ItemLimit),
                verbose: args.get(2).boolean()?,
            })
        },
    ),
    Command::new(
        "ban",
        &[
            NETWORK,
            Parameter::optional("reason", "null"),
            Parameter::optional("secs", "null"),
        ],
        |args| {
            Ok(AdminCall::Ban {
                network: args.get(0).text_or_number()?,
                reason: args.get(1).optional(Argument::text_or_number)?,
                secs: args.get(2).optional(Argument::number)?,
            })
        },
    ),
    Command::new("unban", &[NETWORK], |args| {
        let network = args.get(0).text_or_number()?;
        Ok(AdminCall::Unban { network })
    }),
    Command::new("auth", &[Parameter::required("token")], |args| {
        let token = args.get(0).text_or_number()?;
        Ok(AdminCall::Auth(Token::claimed(token)))
    }),
];

impl Command {
    const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        decode: fn(&Arguments<'_>) -> Result<AdminCall, RpcError>,
    ) -> Self {
        Self {
            name,
            parameters,
            decode,
        }
    }

    const fn plain(
        name: &'static str,
        decode: fn(&Arguments<'_>) -> Result<AdminCall, RpcError>,
    ) -> Self {
        Self::new(name, &[], decode)
    }
}

impl AdminCall {
    /// Reads a request.
    ///
    /// # Errors
    /// There is no such command, or its arguments are wrong.
    pub fn decode(request: &Request) -> Result<Self, RpcError> {
        let command = COMMANDS
            .iter()
            .find(|command| command.name == request.method)
            .ok_or_else(|| RpcError::unknown_method(&request.method))?;
        let arguments = Arguments::read(
            command.name,
            command.parameters,
            Extra::Refused,
            &request.params,
        )?;
        (command.decode)(&arguments)
    }

    /// Gives the name of the command.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Auth(_) => "auth",
            Self::GetInfo => "getinfo",
            Self::Sessions => "sessions",
            Self::Groups => "groups",
            Self::Peers => "peers",
            Self::AddPeer { .. } => "add_peer",
            Self::Disconnect { .. } => "disconnect",
            Self::Log { .. } => "log",
            Self::DaemonUrl { .. } => "daemon_url",
            Self::Reorg { .. } => "reorg",
            Self::Query { .. } => "query",
            Self::Ban { .. } => "ban",
            Self::Unban { .. } => "unban",
            Self::Banned => "banned",
            Self::Reload => "reload",
            Self::Stop => "stop",
        }
    }

    /// Writes the request, its end of line included.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let request = json!({
            "jsonrpc": "2.0", "id": 0, "method": self.method(), "params": self.params(),
        });
        format!("{request}\n").into_bytes()
    }

    fn params(&self) -> Value {
        match self {
            Self::GetInfo
            | Self::Sessions
            | Self::Groups
            | Self::Peers
            | Self::Banned
            | Self::Reload
            | Self::Stop => json!([]),
            Self::Auth(token) => json!({ "token": token.text() }),
            Self::AddPeer { real_name } => json!({ "real_name": real_name }),
            Self::Disconnect { session_ids } | Self::Log { session_ids } => {
                json!({ "session_ids": session_ids })
            }
            Self::DaemonUrl { urls } => json!({ "daemon_url": urls }),
            Self::Reorg { count } => json!({ "count": count }),
            Self::Query {
                items,
                limit: ItemLimit(limit),
                verbose,
            } => json!({ "items": items, "limit": limit, "verbose": verbose }),
            Self::Ban {
                network,
                reason,
                secs,
            } => json!({ "network": network, "reason": reason, "secs": secs }),
            Self::Unban { network } => json!({ "network": network }),
        }
    }
}

/// Reads a list of names or numbers, or one of them alone.
fn names(argument: Argument<'_>) -> Result<Vec<String>, RpcError> {
    let Some(elements) = argument.elements() else {
        return Ok(vec![argument.text_or_number()?]);
    };
    if elements.is_empty() || elements.len() > MAX_NAMES {
        return Err(RpcError::bad_request(format!(
            "expected a list of 1 to {MAX_NAMES} names, came {}",
            elements.len()
        )));
    }
    elements.into_iter().map(Argument::text_or_number).collect()
}
