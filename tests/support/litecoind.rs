//! A real Litecoin node, with wallets, on a chain of its own.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    http,
    ports::free_port,
    process::{Log, Process},
    wait_until,
};

/// How long a node may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node, which stops and disappears with its chain when dropped.
#[derive(Debug)]
pub struct Litecoind {
    rpc_port: u16,
    process: Process,
    _log: Log,
    dir: TempDir,
}

impl Litecoind {
    /// Starts a node on regtest, without REST.
    ///
    /// # Panics
    /// There is none, or it ends at once.
    #[must_use]
    pub fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let rpc_port = free_port();
        let output = Log {
            name: "litecoind",
            path: dir.path().join("output.log"),
        };
        let process = Process::spawn(
            Command::new("litecoind")
                .args(["-regtest", "-server", "-connect=0", "-listen=0"])
                .args(["-fallbackfee=0.0001", "-printtoconsole=0", "-rpcthreads=16"])
                .arg(format!("-datadir={}", dir.path().display()))
                .arg(format!("-rpcport={rpc_port}")),
            &output,
        );
        let mut node = Self {
            rpc_port,
            process,
            _log: output,
            dir,
        };
        wait_until("litecoind answers", PATIENCE, || {
            assert!(node.process.exited().is_none(), "litecoind ended at once");
            node.try_rpc("", "getblockcount", &json!([])).ok()
        });
        node
    }

    /// Gives the address of the JSON-RPC port; whoever calls needs the cookie.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.rpc_port)
    }

    /// Gives the file with the password of this run of the node.
    #[must_use]
    pub fn cookie_file(&self) -> PathBuf {
        self.dir.path().join("regtest/.cookie")
    }

    /// Calls a method of the node.
    ///
    /// # Panics
    /// The node refused.
    pub fn rpc(&self, method: &str, params: &Value) -> Value {
        self.wallet("", method, params)
    }

    /// Calls a method of one of the node's wallets.
    ///
    /// # Panics
    /// The node refused.
    pub fn wallet(&self, wallet: &str, method: &str, params: &Value) -> Value {
        self.try_rpc(wallet, method, params)
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Calls a method of which the answer is a text.
    ///
    /// # Panics
    /// It is not.
    pub fn text(&self, wallet: &str, method: &str, params: &Value) -> String {
        let answer = self.wallet(wallet, method, params);
        answer.as_str().unwrap().to_owned()
    }

    /// Mines blocks that pay to an address.
    pub fn mine(&self, blocks: u32, address: &str) {
        self.rpc("generatetoaddress", &json!([blocks, address]));
    }

    /// Gives the hash of the best block.
    #[must_use]
    pub fn best_block(&self) -> String {
        self.text("", "getbestblockhash", &json!([]))
    }

    fn try_rpc(&self, wallet: &str, method: &str, params: &Value) -> Result<Value, Value> {
        let path = match wallet {
            "" => "/".to_owned(),
            wallet => format!("/wallet/{wallet}"),
        };
        let auth = fs::read_to_string(self.cookie_file()).map_err(|error| error.to_string())?;
        http::json_rpc_at(self.rpc_port, &path, &auth, method, params)
            .map_err(|error| error.to_string())?
    }
}
