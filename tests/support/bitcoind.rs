//! A real node on a chain of its own.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use bitcoin::{Block, Transaction, Txid, consensus::encode::serialize_hex};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    http,
    ports::free_port,
    process::{Log, Process, unpacked},
    wait_until,
};

/// How long a node may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// What every node is started with.
const ARGS: [&str; 12] = [
    "-server",
    "-rest",
    "-disablewallet",
    "-connect=0",
    "-listen=0",
    "-dbcache=32",
    "-rpcthreads=16",
    "-printtoconsole=0",
    // Data carriers, bare scripts and dust in the mempool, which wallets must see as well.
    "-acceptnonstdtxn",
    "-acceptnonstddatacarrier",
    "-permitbaredatacarrier",
    // A password besides the cookie: HMAC-SHA256 of "tests" under the salt.
    "-rpcauth=electrode:electrode$c976b3239a48a5cd150b72fc090ae66729ca25a3a78b49dd7b653759a101c476",
];

/// A node, which stops and disappears with its chain when dropped.
#[derive(Debug)]
pub struct Bitcoind {
    chain: &'static str,
    args: Vec<String>,
    rpc_port: u16,
    zmq_port: u16,
    process: Option<Process>,
    _log: Log,
    dir: TempDir,
}

impl Bitcoind {
    /// Starts a node on regtest that writes a cookie.
    #[must_use]
    pub fn start() -> Self {
        Self::start_on("regtest", &[])
    }

    /// Starts a node on the chain that the node calls `chain`, with arguments in addition.
    #[must_use]
    pub fn start_on(chain: &'static str, args: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let mut node = Self {
            chain,
            args: args.iter().map(ToString::to_string).collect(),
            rpc_port: free_port(),
            zmq_port: free_port(),
            process: None,
            _log: Log {
                name: "bitcoind",
                path: dir.path().join(folder(chain)).join("debug.log"),
            },
            dir,
        };
        node.start_again();
        node
    }

    /// Starts the node after a stop, on the same chain and port.
    pub fn start_again(&mut self) {
        let output = Log {
            name: "bitcoind",
            path: self.dir.path().join("output.log"),
        };
        self.process = Some(Process::spawn(
            Command::new(unpacked("bitcoind/bin/bitcoind", "get-bitcoind.sh"))
                .args(ARGS)
                .arg(format!("-chain={}", self.chain))
                .arg(format!("-datadir={}", self.dir.path().display()))
                .arg(format!("-rpcport={}", self.rpc_port))
                .arg(format!("-zmqpubhashblock={}", self.zmq()))
                .arg(format!("-zmqpubsequence={}", self.zmq()))
                .args(&self.args),
            &output,
        ));
        wait_until("bitcoind answers", PATIENCE, || {
            let exited = self.process.as_mut().unwrap().exited();
            assert!(
                exited.is_none(),
                "bitcoind ended at once: {}",
                output.text()
            );
            self.try_rpc("getblockcount", &json!([])).ok()
        });
    }

    /// Stops the node as an operator does; it saves its mempool.
    pub fn stop(&mut self) {
        self.rpc("stop", &json!([]));
        self.process.as_mut().unwrap().wait_exit(PATIENCE);
        self.process = None;
    }

    /// Gives the address of the JSON-RPC port; whoever calls needs the cookie.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.rpc_port)
    }

    /// Gives the JSON-RPC port.
    #[must_use]
    pub fn rpc_port(&self) -> u16 {
        self.rpc_port
    }

    /// Gives the address of the JSON-RPC port with a password that never changes.
    #[must_use]
    pub fn url_with_password(&self) -> String {
        format!("http://electrode:tests@127.0.0.1:{}", self.rpc_port)
    }

    /// Gives the file with the password of this run of the node.
    #[must_use]
    pub fn cookie_file(&self) -> PathBuf {
        self.dir.path().join(folder(self.chain)).join(".cookie")
    }

    /// Gives the folder with its block files.
    #[must_use]
    pub fn blocks_dir(&self) -> PathBuf {
        self.dir.path().join(self.chain).join("blocks")
    }

    /// Gives the address where the node announces blocks and transactions.
    #[must_use]
    pub fn zmq(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.zmq_port)
    }

    /// Calls a method of the node.
    ///
    /// # Panics
    /// The node refused.
    pub fn rpc(&self, method: &str, params: &Value) -> Value {
        self.try_rpc(method, params)
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Calls a method of the node.
    ///
    /// # Errors
    /// The node's error; text where it does not answer at all.
    pub fn try_rpc(&self, method: &str, params: &Value) -> Result<Value, Value> {
        let auth = fs::read_to_string(self.cookie_file()).map_err(|error| error.to_string())?;
        http::json_rpc(self.rpc_port, &auth, method, params).map_err(|error| error.to_string())?
    }

    /// Hands over a block, which may be on a branch that is not the best.
    ///
    /// # Panics
    /// The node finds it invalid.
    pub fn submit(&self, block: &Block) {
        let verdict = self.rpc("submitblock", &json!([serialize_hex(block)]));
        assert!(
            verdict.is_null() || verdict == "inconclusive",
            "bad block: {verdict}"
        );
    }

    /// Takes over the best chain of another node.
    pub fn copy_chain(&self, from: &Self) {
        for height in 1..=from.height() {
            let hash = from.rpc("getblockhash", &json!([height]));
            let block = from.rpc("getblock", &json!([hash, 0]));
            self.rpc("submitblock", &json!([block]));
        }
        assert_eq!(self.best_block(), from.best_block());
    }

    /// Puts a transaction into the mempool.
    ///
    /// # Panics
    /// The node refuses it.
    pub fn send(&self, tx: &Transaction) -> Txid {
        let txid = self.rpc("sendrawtransaction", &json!([serialize_hex(tx), 0]));
        txid.as_str().unwrap().parse().unwrap()
    }

    /// Names the transactions in the mempool.
    #[must_use]
    pub fn mempool(&self) -> Vec<String> {
        let txids = self.rpc("getrawmempool", &json!([]));
        serde_json::from_value(txids).unwrap()
    }

    /// Gives the height of the best block.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.rpc("getblockcount", &json!([])).as_u64().unwrap()
    }

    /// Gives the hash of the best block.
    #[must_use]
    pub fn best_block(&self) -> String {
        self.rpc("getbestblockhash", &json!([]))
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// Names the folder in which the node keeps a chain.
fn folder(chain: &'static str) -> &'static str {
    match chain {
        "test" => "testnet3",
        chain => chain,
    }
}
