//! What ends the program, and the exit code that says it.

use std::{io, path::PathBuf, process::ExitCode};

use electrode_coin::{BlockHash, CoinError, Height};
use electrode_coins::{CoinFileError, FindCoinError};
use electrode_daemon::DaemonError;
use electrode_index::IndexError;
use electrode_loader::LoadError;
use electrode_server::{BanError, TlsError, TokenFileError};

use crate::{call::CallError, config::ConfigProblems};

/// Exit code for bad usage or configuration.
pub(crate) const USAGE: u8 = 64;
/// Exit code for an answer that says no.
const NO: u8 = 1;
const INDEX: u8 = 65;
/// Exit code for a node or a plugin that cannot be used.
const UNUSABLE: u8 = 69;
const INTERNAL: u8 = 70;

/// Why the program ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigProblems),
    /// COIN and NET name no coin that can be used.
    #[error(transparent)]
    Coin(#[from] FindCoinError),
    /// A descriptor of a coin cannot be used.
    #[error(transparent)]
    CoinFile(#[from] CoinFileError),
    /// A plugin cannot be used.
    #[error(transparent)]
    Plugin(#[from] LoadError),
    /// A plugin broke down.
    #[error("{0}; what is indexed stays as it is, ask the plugin's author for a newer version")]
    Broken(CoinError),
    /// Blocks of `coin check` are not what is said of them.
    #[error("{0} of the blocks differ from what the coin reads")]
    BlocksDiffer(usize),
    /// Blocks of `coin check` are not there to be read.
    #[error("{0} of the blocks cannot be had: see above")]
    BlocksUnread(usize),
    /// What should be a height is none.
    #[error(
        "expected heights of blocks beside --daemon-url, got \"{}\"; leave that out to check files",
        .0.display()
    )]
    Height(PathBuf),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A listener cannot be had.
    #[error("cannot listen on {address}: {source}; {}", mend_listener(source))]
    Listen {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The bans cannot be used.
    #[error(transparent)]
    Bans(#[from] BanError),
    /// The index cannot be used.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The index differs from what the node's blocks say.
    #[error(
        "the index differs from the node's blocks in {0} tables; empty data_dir to build it anew"
    )]
    Differences(usize),
    /// The node cannot be used.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// The node is on another chain.
    #[error(
        "genesis mismatch: the node has {daemon}, {coin} {net} has {expected}; check coin, net \
         and daemon.urls"
    )]
    Genesis {
        /// What the node has.
        daemon: BlockHash,
        /// What the coin has.
        expected: BlockHash,
        /// The coin.
        coin: String,
        /// The net.
        net: String,
    },
    /// The node lacks a block of its own chain.
    #[error("the node does not have block {height}: {source}")]
    NoBlock {
        /// Height of the block.
        height: Height,
        /// What the node said.
        source: DaemonError,
    },
    /// The index and the node have nothing to compare.
    #[error("the node has another block at height {height}: let a server catch up with it first")]
    OtherChain {
        /// Height of the index.
        height: u32,
    },
    /// The node has not come as far as the index.
    #[error("the node has no block at height {height}: wait until it has caught up")]
    DaemonBehind {
        /// Height of the index.
        height: u32,
    },
    /// The token of the admin RPC cannot be used.
    #[error(transparent)]
    Token(#[from] TokenFileError),
    /// The data directory cannot be used.
    #[error(
        "data_dir {}: expected a directory that can be made and written to: {source}; {}",
        .path.display(),
        mend_data_dir(source)
    )]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another server uses the data directory.
    #[error(
        "data_dir {} is in use by another server: stop that first, or name another directory",
        .path.display()
    )]
    DataDirInUse {
        /// The directory.
        path: PathBuf,
    },
    /// No configuration says where a server's admin RPC is.
    #[error(
        "expected the address of a running server: add rpc://localhost:8000 to serve.services of \
         its configuration and name that with --config, or name the address with --rpc host:port"
    )]
    NoTarget,
    /// No server is where it is expected.
    #[error(
        "no answer from a server's admin RPC at {address}: {source}; is it running, and is this \
         its rpc service?"
    )]
    NoServer {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// A running server does not do what it is asked.
    #[error("{0}")]
    Refused(String),
    /// A call of another server has no answer, or one that says no.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The command line says what means nothing to the command.
    #[error("{command} has no configuration: leave {option} out")]
    Superfluous {
        /// The command.
        command: &'static str,
        /// The option.
        option: &'static str,
    },
    /// Whoever read what is printed has enough: no fault, and nobody to tell.
    #[error("nobody reads standard output any more")]
    NobodyReads,
    /// Something of the system failed.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Failure {
    /// Makes the failure for a block that a node does not give.
    pub(crate) fn no_block(height: Height, source: DaemonError) -> Self {
        match source.rpc() {
            Some(_) => Self::NoBlock { height, source },
            None => Self::Daemon(source),
        }
    }

    /// Gives the exit code that stands for the kind of failure.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::NobodyReads => return ExitCode::SUCCESS,
            Self::BlocksDiffer(_) | Self::Call(CallError::Refused(_)) => NO,
            Self::Tls(TlsError::Write { .. }) | Self::Token(TokenFileError::Write { .. }) => {
                INTERNAL
            }
            Self::Config(_)
            | Self::Coin(_)
            | Self::CoinFile(_)
            | Self::Bans(_)
            | Self::Tls(_)
            | Self::Listen { .. }
            | Self::Token(_)
            | Self::DataDir { .. }
            | Self::NoTarget
            | Self::BlocksUnread(_)
            | Self::Height(_)
            | Self::Superfluous { .. }
            | Self::Call(CallError::Params(_) | CallError::NothingToPin { .. })
            | Self::Refused(_) => USAGE,
            Self::Index(IndexError::Database(_) | IndexError::File { .. }) => INTERNAL,
            Self::Index(IndexError::Block {
                source: CoinError::Plugin { .. },
                ..
            })
            | Self::Plugin(_)
            | Self::Broken(_) => UNUSABLE,
            Self::Index(_) | Self::Differences(_) | Self::DataDirInUse { .. } => INDEX,
            Self::Daemon(
                DaemonError::NoUrl | DaemonError::Url { .. } | DaemonError::Zmq { .. },
            ) => USAGE,
            Self::NoServer { .. } | Self::Call(_) => UNUSABLE,
            Self::Daemon(_)
            | Self::NoBlock { .. }
            | Self::Genesis { .. }
            | Self::OtherChain { .. }
            | Self::DaemonBehind { .. } => UNUSABLE,
            Self::System { .. } => INTERNAL,
        })
    }
}

/// Tells how an address can be had.
fn mend_listener(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            "another program or service has it: stop that, or choose another port"
        }
        io::ErrorKind::AddrNotAvailable => "choose an address that this machine has",
        io::ErrorKind::PermissionDenied => {
            "choose a port above 1023, or give the program CAP_NET_BIND_SERVICE"
        }
        _ => "check serve.services and serve.http",
    }
}

/// Tells how a data directory can be used.
fn mend_data_dir(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => "make it, and chown it to the user who runs the server",
        io::ErrorKind::StorageFull => "make room, or name another",
        _ => "name another",
    }
}
