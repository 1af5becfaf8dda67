//! The configuration: a TOML file, overridden by the environment, overridden by the command line.
//!
//! [`Config::load`] reads it whole, remembers where every value came from, and tells every problem
//! at once. It opens nothing but the file. The table of settings is `config/key.rs`; what
//! ElectrumX's environment means is told there and in `config/electrumx.rs`.

mod electrumx;
mod environment;
mod file;
mod gather;
mod key;
mod limits;
mod plugins;
mod print;
mod problem;
mod read;
mod secret;
mod serve;
mod service;
#[cfg(test)]
mod tests;
mod tls;
mod value;
mod values;

use std::{path::PathBuf, time::Duration};

use electrode_server::{TlsFiles, TokenFile};

use read::Reader;
use value::OrNone;
use values::Values;

pub(crate) use limits::LimitsSection;
pub(crate) use plugins::{CoinFolders, PluginsSection};
pub(crate) use problem::ConfigProblems;
pub(crate) use secret::Secret;
pub(crate) use serve::ServeSection;
pub(crate) use service::{Address, Service};
pub(crate) use value::{FromText, LogFormat, LogLevel, Size};

/// Where a configuration comes from, the weakest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The TOML file, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// The environment: names and values.
    pub(crate) env: Vec<(String, String)>,
    /// What the command line says: paths of settings (`daemon.urls`) and values. Lists are
    /// separated by commas; a list that comes again is continued.
    pub(crate) overrides: Vec<(&'static str, String)>,
}

/// Where the admin RPC of a server is, as far as its configuration says.
#[derive(Clone, Debug)]
pub(crate) struct AdminTarget {
    /// Its first rpc service; where no configuration names any service, the usual one.
    pub(crate) rpc: Option<Address>,
    /// The file with its token, as far as that is known; `None` where it needs none, too.
    pub(crate) token_file: Option<TokenFile>,
}

impl AdminTarget {
    /// Reads these settings and no others: who asks a server need not know its node.
    ///
    /// # Errors
    /// One of them is malformed.
    pub(crate) fn load(sources: Sources) -> Result<Self, ConfigProblems> {
        let gathered = gather::gather(sources);
        let mut reader = Reader::new(&gathered.found, Vec::new());
        let services = match gathered.says("serve.services") {
            true => reader.list("serve.services"),
            false => vec![Service::usual_rpc()],
        };
        let named = reader
            .optional("serve.rpc_token_file")
            .map(TokenFile::named);
        let data_dir: Option<PathBuf> = reader.optional("data_dir");
        let made = data_dir.map(|dir| TokenFile::in_folder(&dir));
        let needs_none: bool = reader.required("serve.rpc_without_token");
        let target = Self {
            rpc: services
                .into_iter()
                .find(Service::is_rpc)
                .map(|service| service.address),
            token_file: named.or(made).filter(|_| !needs_none),
        };
        match reader.into_problems() {
            problems if problems.is_empty() => Ok(target),
            problems => Err(ConfigProblems(problems)),
        }
    }
}

/// A configuration without a problem, and what the operator should hear about it.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// The configuration.
    pub(crate) config: Config,
    /// What is set and does nothing, one line each.
    pub(crate) warnings: Vec<String>,
}

/// The effective configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The coin, as COIN of ElectrumX: `Bitcoin`.
    pub(crate) coin: String,
    /// The network of the coin, as NET of ElectrumX. Default `mainnet`.
    pub(crate) net: String,
    /// The folder of the index.
    pub(crate) data_dir: PathBuf,
    /// Where coins come from besides those that come with Electrode.
    pub(crate) coins: CoinFolders,
    /// The full node.
    pub(crate) daemon: DaemonSection,
    /// What wallets and monitoring connect to.
    pub(crate) serve: ServeSection,
    /// The certificate of ssl and wss services; unset: one that is made once.
    pub(crate) tls: Option<TlsFiles>,
    /// The index.
    pub(crate) index: IndexSection,
    /// What one wallet, and all of them, may cost.
    pub(crate) limits: LimitsSection,
    /// What is logged.
    pub(crate) log: LogSection,
    values: Values,
}

/// `[daemon]`: the full node.
#[derive(Clone, Debug)]
pub(crate) struct DaemonSection {
    /// Where its JSON-RPC is; several are tried in turn.
    pub(crate) urls: Vec<Secret>,
    /// Its cookie file, for URLs without user and password.
    pub(crate) cookie_file: Option<PathBuf>,
    /// Its folder `blocks`, from which old blocks are read; unset: it is asked for every block.
    pub(crate) blocks_dir: Option<PathBuf>,
    /// Where it publishes ZeroMQ; unset: what it tells of itself.
    pub(crate) zmq: Option<String>,
    /// How often new blocks are asked for even when nothing announced one. Default 5 s.
    pub(crate) poll_interval_blocks: Duration,
    /// How often the mempool is asked for even when nothing announced a change. Default 5 s.
    pub(crate) poll_interval_mempool: Duration,
    /// How long one answer may take. Default 60 s; raise it for a node on a slow disk.
    pub(crate) request_timeout: Duration,
    /// How many requests are in flight at once, fewer while the node turns some away. Default 8;
    /// the node's `rpcthreads` should match.
    pub(crate) connections: usize,
    /// How long a request of a wallet is tried again while the node does not answer. Default 5 s.
    pub(crate) client_patience: Duration,
    /// Whether wallets are served only once the node says that it has the whole chain. Default
    /// yes; no is for chains whose last block is so old that nodes never say so.
    pub(crate) wait_for_download: bool,
}

/// `[index]`: the index.
#[derive(Clone, Debug)]
pub(crate) struct IndexSection {
    /// A hard cap of what its caches take. Default 450 MiB.
    pub(crate) cache: Size,
    /// How many blocks can be disconnected; unset: what the coin says.
    pub(crate) reorg_limit: Option<u32>,
}

/// `[log]`: what is logged.
#[derive(Clone, Debug)]
pub(crate) struct LogSection {
    /// The least important level that is logged. Default `info`.
    pub(crate) level: LogLevel,
    /// How a line looks. Default `full`.
    pub(crate) format: LogFormat,
    /// How often the open sessions are listed, 1000 of them at most; 0: never. Default 1 h.
    pub(crate) sessions: OrNone<Duration>,
    /// Whether no line names the address of a client. Default no.
    pub(crate) anonymous: bool,
}

impl Config {
    /// Puts the effective configuration together.
    ///
    /// # Errors
    /// Anything is missing, unknown, obsolete, malformed or contradictory: all of it, at once.
    pub(crate) fn load(sources: Sources) -> Result<Loaded, ConfigProblems> {
        let gathered = gather::gather(sources);
        let mut reader = Reader::new(&gathered.found, gathered.problems);
        let warnings = gathered.warnings;
        let config = Self {
            coin: reader.required("coin"),
            net: reader.required("net"),
            data_dir: reader.required("data_dir"),
            coins: CoinFolders::read(&mut reader),
            daemon: DaemonSection::read(&mut reader),
            serve: serve::read(&mut reader),
            tls: tls::read(&mut reader),
            index: IndexSection {
                cache: reader.required("index.cache"),
                reorg_limit: reader.optional("index.reorg_limit"),
            },
            limits: limits::read(&mut reader),
            log: LogSection {
                level: reader.required("log.level"),
                format: reader.required("log.format"),
                sessions: reader.required("log.sessions"),
                anonymous: reader.required("log.anonymous"),
            },
            values: Values::from(gathered.found.clone()),
        };
        match reader.into_problems() {
            problems if problems.is_empty() => Ok(Loaded { config, warnings }),
            problems => Err(ConfigProblems(problems)),
        }
    }

    /// Gives the configuration as a TOML file that says where each value came from; credentials
    /// are masked. Nodes that are named without a port are at `rpc_port`, if that is known.
    pub(crate) fn print(&self, rpc_port: Option<u16>) -> String {
        self.values.print(rpc_port)
    }

    /// Lists the settings whose values differ from those of another configuration.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        self.values.differences(&other.values)
    }
}

impl DaemonSection {
    /// Reads no other settings: who asks a node need not have an index.
    ///
    /// # Errors
    /// A setting is unknown, obsolete or malformed, or no node is named.
    pub(crate) fn load(sources: Sources) -> Result<Self, ConfigProblems> {
        let gathered = gather::gather(sources);
        let mut reader = Reader::new(&gathered.found, gathered.problems);
        let section = Self::read(&mut reader);
        match reader.into_problems() {
            problems if problems.is_empty() => Ok(section),
            problems => Err(ConfigProblems(problems)),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            urls: reader.at_least_one("daemon.urls"),
            cookie_file: reader.optional("daemon.cookie_file"),
            blocks_dir: reader.optional("daemon.blocks_dir"),
            zmq: reader.optional("daemon.zmq"),
            poll_interval_blocks: reader.required("daemon.poll_interval_blocks"),
            poll_interval_mempool: reader.required("daemon.poll_interval_mempool"),
            request_timeout: reader.required("daemon.request_timeout"),
            connections: reader.required("daemon.connections"),
            client_patience: reader.required("daemon.client_patience"),
            wait_for_download: reader.required("daemon.wait_for_download"),
        }
    }
}
