//! The command line.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, error::ErrorKind};
use clap_complete::Shell;
use electrode_protocol::ItemLimit;

use crate::{
    Failure, USAGE,
    call::CallArgs,
    config::{AdminTarget, CoinFolders, Config, DaemonSection, Sources},
    log,
};

/// What the exit codes mean.
const EXIT_CODES: &str = "Exit codes: 0 done; 1 an answer that says no: an error of the server that \
is called, blocks that differ; 64 usage or configuration; 65 index; 69 node, plugin or other server; \
70 internal.";

/// An Electrum server for Bitcoin and every coin that descends from it.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = false, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// What to do; serving is what is done when nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Index a node's chain and serve it to wallets (the default)
    Serve,
    /// Serve a small regtest chain made up on the spot: no node needed
    Demo {
        /// Port for wallets
        #[arg(long, default_value_t = 51001)]
        port: u16,
        /// Port of the status page
        #[arg(long, default_value_t = 9050)]
        http_port: u16,
        /// Drive a real regtest node with the bitcoind on the PATH
        #[arg(long)]
        real: bool,
        /// Drive a real regtest node with this bitcoind
        #[arg(long, value_name = "PATH")]
        bitcoind: Option<PathBuf>,
    },
    /// List every coin and net known
    Coins {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look after the description of a coin
    #[command(subcommand)]
    Coin(CoinCommand),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look after an index that no server holds
    #[command(subcommand)]
    Index(IndexCommand),
    /// Ask a running server for something, by its admin RPC
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Ask any Electrum server for something, as a wallet does
    Call(CallArgs),
    /// Show what belongs to addresses, scripts or script hashes, by a server's admin RPC
    Query {
        #[command(flatten)]
        query: QueryArgs,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Print what makes a shell complete commands and options
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages into a folder: for packages
    #[command(hide = true)]
    Man {
        /// The folder
        folder: PathBuf,
    },
}

/// What to do with a coin.
#[derive(Debug, Subcommand)]
pub(crate) enum CoinCommand {
    /// Read blocks by the rules of a coin and compare with what a node says of them
    Check(CheckArgs),
}

/// Which blocks to read, by the rules of which coin.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Coin, such as Litecoin
    #[arg(id = "COIN")]
    pub(crate) coin: String,
    /// Net of the coin, such as mainnet
    #[arg(id = "NET")]
    pub(crate) net: String,
    /// Plugin of the coin
    #[arg(long, value_name = "FILE", conflicts_with = "descriptor")]
    pub(crate) plugin: Option<PathBuf>,
    /// TOML descriptor of the coin
    #[arg(long, value_name = "FILE")]
    pub(crate) descriptor: Option<PathBuf>,
    /// Files: what the node's `getblock` prints, with the raw block in hex as `block`, or the raw
    /// block alone; with --daemon-url, heights of blocks of that node
    #[arg(required = true, value_name = "BLOCK")]
    pub(crate) blocks: Vec<PathBuf>,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Tell every problem at once
    Check,
    /// Print what is in force, and where each value comes from
    Print,
}

/// What to do with the index.
#[derive(Debug, Subcommand)]
pub(crate) enum IndexCommand {
    /// Tell what it holds
    Info {
        /// Hash everything it says, for comparison with another index of the chain
        #[arg(long)]
        hash: bool,
    },
    /// Build it again from the node's blocks, beside, and compare
    Verify,
    /// Mend what is damaged from the node's blocks
    Repair,
    /// Disconnect the last blocks
    Rewind {
        /// How many
        blocks: u32,
    },
}

/// Which server to ask, and how to show what it answers.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// The rpc service of the server, as host:port; else the first one of the configuration
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) rpc: Option<String>,
    /// The file with the token of the server; else the one that the configuration leads to
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to look up.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// Addresses, scripts in hex, or script hashes
    #[arg(required = true)]
    pub(crate) items: Vec<String>,
    /// Most transactions and outputs shown of each
    #[arg(long, default_value_t = ItemLimit::default().0)]
    pub(crate) limit: u32,
}

/// What to ask a running server for.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Summarise the server
    Getinfo,
    /// List the open sessions
    Sessions,
    /// List the groups of sessions that are charged together
    Groups,
    /// List other servers of the coin
    Peers,
    /// Add another server of the coin
    #[command(name = "add_peer", alias = "add-peer")]
    AddPeer {
        /// Host, version and ports, as in "host v1.4 s50002 t50001"
        real_name: String,
    },
    /// End sessions
    Disconnect {
        /// Numbers of sessions, names of groups, or all
        #[arg(required = true)]
        session_ids: Vec<String>,
    },
    /// Turn the logging of requests on or off
    Log {
        /// Numbers of sessions, names of groups, all, none or new
        #[arg(required = true)]
        session_ids: Vec<String>,
    },
    /// Use other nodes; without a URL: the configured ones
    #[command(name = "daemon_url", alias = "daemon-url")]
    DaemonUrl {
        /// Their URLs, separated by commas
        urls: Option<String>,
    },
    /// Take the last blocks back and connect them again
    Reorg {
        /// How many
        #[arg(default_value_t = 3)]
        count: u32,
    },
    /// Show what belongs to addresses, scripts or script hashes
    Query(QueryArgs),
    /// Refuse an address or a network
    Ban {
        /// The address, or the network as 192.0.2.0/24
        network: String,
        /// Why, for the list
        reason: Option<String>,
        /// For how many seconds; else for ever
        #[arg(long, value_name = "SECONDS")]
        secs: Option<u32>,
    },
    /// Take a ban back
    Unban {
        /// The address or network
        network: String,
    },
    /// List what is refused
    Banned,
    /// Read the configuration, banners and certificates again
    Reload,
    /// End the server
    Stop,
}

/// Where the configuration comes from; the environment counts too.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct SourceArgs {
    /// TOML file with the configuration
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Coin, such as Bitcoin
    #[arg(long, global = true, value_name = "NAME")]
    coin: Option<String>,
    /// Net of the coin, such as mainnet or regtest
    #[arg(long, global = true, value_name = "NAME")]
    net: Option<String>,
    /// Folder of the index
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// Folder of further TOML descriptors
    #[arg(long, global = true, value_name = "DIR")]
    coins_dir: Option<String>,
    /// Folder of coin plugins
    #[arg(long, global = true, value_name = "DIR")]
    plugins_dir: Option<String>,
    /// Node, as http://user:password@host:port; several are tried in turn
    #[arg(long, global = true, value_name = "URL")]
    daemon_url: Vec<String>,
    /// Cookie file of the node
    #[arg(long, global = true, value_name = "FILE")]
    cookie_file: Option<String>,
    /// Listener for wallets, as tcp://host:port; may come again
    #[arg(long, global = true, value_name = "URL")]
    service: Vec<String>,
    /// Address of the status page, as host:port
    #[arg(long, global = true, value_name = "ADDRESS")]
    http: Option<String>,
    /// Least important level that is logged
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl SourceArgs {
    /// Puts the configuration together from file, environment and these arguments.
    pub(crate) fn load(&self) -> Result<Config, Failure> {
        load(self.sources())
    }

    /// Finds out where the admin RPC of a server with this configuration is.
    pub(crate) fn admin_target(&self) -> Result<AdminTarget, Failure> {
        Ok(AdminTarget::load(self.sources())?)
    }

    /// Reads where coins come from; a file, environment and arguments without more will do.
    pub(crate) fn coin_folders(&self) -> Result<CoinFolders, Failure> {
        Ok(CoinFolders::load(self.sources())?)
    }

    /// Tells whether these arguments name a node; a configuration or the environment does not
    /// count.
    pub(crate) fn names_a_node(&self) -> bool {
        !self.daemon_url.is_empty()
    }

    /// Reads how to reach the node; a file, environment and arguments without more will do.
    pub(crate) fn daemon(&self) -> Result<DaemonSection, Failure> {
        Ok(DaemonSection::load(self.sources())?)
    }

    /// Refuses every one of these arguments, for a command that none of them means anything to.
    pub(crate) fn expect_none(&self, command: &'static str) -> Result<(), Failure> {
        let given = [
            ("--config", self.config.is_some()),
            ("--coin", self.coin.is_some()),
            ("--net", self.net.is_some()),
            ("--data-dir", self.data_dir.is_some()),
            ("--coins-dir", self.coins_dir.is_some()),
            ("--plugins-dir", self.plugins_dir.is_some()),
            ("--daemon-url", !self.daemon_url.is_empty()),
            ("--cookie-file", self.cookie_file.is_some()),
            ("--service", !self.service.is_empty()),
            ("--http", self.http.is_some()),
            ("--log-level", self.log_level.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(Failure::Superfluous { command, option }),
            None => Ok(()),
        }
    }

    fn sources(&self) -> Sources {
        let this = self.clone();
        let single = [
            ("coin", this.coin),
            ("net", this.net),
            ("data_dir", this.data_dir),
            ("coins_dir", this.coins_dir),
            ("plugins.dir", this.plugins_dir),
            ("daemon.cookie_file", this.cookie_file),
            ("serve.http", this.http),
            ("log.level", this.log_level),
        ];
        let single = single
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        let urls = this.daemon_url.into_iter().map(|url| ("daemon.urls", url));
        let services = this
            .service
            .into_iter()
            .map(|service| ("serve.services", service));
        Sources {
            file: this.config,
            env: std::env::vars().collect(),
            overrides: single.chain(urls).chain(services).collect(),
        }
    }
}

/// Puts a configuration together, with its warnings to standard error.
pub(crate) fn load(sources: Sources) -> Result<Config, Failure> {
    let loaded = Config::load(sources)?;
    loaded.warnings.iter().for_each(log::complain);
    Ok(loaded.config)
}

/// Prints help, the version, or what is wrong with the command line.
pub(crate) fn explain(error: &clap::Error) -> ExitCode {
    // Where printing fails there is nobody to tell.
    let _printed = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(USAGE),
    }
}
