//! Asking a running server for something, by its admin RPC.

mod table;

pub(crate) use table::sessions as session_table;

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use electrode_protocol::{AdminCall, AdminResponse, ItemLimit, Token};
use electrode_server::TokenFile;

use crate::{
    Failure,
    cli::{AdminCommand, QueryArgs, SourceArgs, TargetArgs},
    log::say,
};

/// Longest time that connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time that an answer may take; a query of a long history reads a lot.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest answer that is read. Units: bytes.
const MAX_ANSWER: u64 = 1 << 30;

/// Sends a command to the server and prints what it answers.
pub(crate) fn ask(
    command: AdminCommand,
    target: &TargetArgs,
    source: &SourceArgs,
) -> Result<(), Failure> {
    let call = call(command, target);
    let mut server = Server::connect(target, source)?;
    let response = server.ask(&call)?;
    if target.json {
        return say(response.raw);
    }
    table::lines(&call, &response.answer)
        .iter()
        .try_for_each(say)
}

fn call(command: AdminCommand, target: &TargetArgs) -> AdminCall {
    match command {
        AdminCommand::Getinfo => AdminCall::GetInfo,
        AdminCommand::Sessions => AdminCall::Sessions,
        AdminCommand::Groups => AdminCall::Groups,
        AdminCommand::Peers => AdminCall::Peers,
        AdminCommand::AddPeer { real_name } => AdminCall::AddPeer { real_name },
        AdminCommand::Disconnect { session_ids } => AdminCall::Disconnect { session_ids },
        AdminCommand::Log { session_ids } => AdminCall::Log { session_ids },
        AdminCommand::DaemonUrl { urls } => AdminCall::DaemonUrl { urls },
        AdminCommand::Reorg { count } => AdminCall::Reorg { count },
        AdminCommand::Query(QueryArgs { items, limit }) => AdminCall::Query {
            items,
            limit: ItemLimit(limit),
            verbose: target.json,
        },
        AdminCommand::Ban {
            network,
            reason,
            secs,
        } => AdminCall::Ban {
            network,
            reason,
            secs,
        },
        AdminCommand::Unban { network } => AdminCall::Unban { network },
        AdminCommand::Banned => AdminCall::Banned,
        AdminCommand::Reload => AdminCall::Reload,
        AdminCommand::Stop => AdminCall::Stop,
    }
}

/// A connection to a server's admin RPC.
struct Server {
    address: String,
    stream: BufReader<TcpStream>,
}

impl Server {
    /// Connects, and shows the token if one is known.
    fn connect(target: &TargetArgs, source: &SourceArgs) -> Result<Self, Failure> {
        let configured = source.admin_target()?;
        let address = match (&target.rpc, configured.rpc) {
            (Some(address), _) => address.clone(),
            (None, Some(address)) => address.to_string(),
            (None, None) => return Err(Failure::NoTarget),
        };
        let token = token(target, configured.token_file)?;
        let stream = connect(&address).map_err(|source| Failure::NoServer {
            address: address.clone(),
            source,
        })?;
        let mut server = Self {
            address,
            stream: BufReader::new(stream),
        };
        if let Some(token) = token {
            server.ask(&AdminCall::Auth(token))?;
        }
        Ok(server)
    }

    fn ask(&mut self, call: &AdminCall) -> Result<AdminResponse, Failure> {
        let line = self.exchange(call).map_err(|source| Failure::NoServer {
            address: self.address.clone(),
            source,
        })?;
        AdminResponse::decode(call, &line).map_err(|error| Failure::Refused(error.message))
    }

    fn exchange(&mut self, call: &AdminCall) -> io::Result<Vec<u8>> {
        self.stream.get_mut().write_all(&call.encode())?;
        let mut line = Vec::new();
        let read = (&mut self.stream)
            .take(MAX_ANSWER)
            .read_until(b'\n', &mut line)?;
        match read {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }
}

/// Reads the token of the server: from the file that the command line names, else from that of the
/// configuration. Where there is none the server may need none, and says so if it does.
fn token(target: &TargetArgs, configured: Option<TokenFile>) -> Result<Option<Token>, Failure> {
    let named = target.token_file.clone().map(TokenFile::named);
    let Some(file) = named.or(configured) else {
        return Ok(None);
    };
    Ok(file.read_if_there()?)
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for candidate in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&candidate, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
                stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
