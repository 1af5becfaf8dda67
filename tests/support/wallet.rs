//! The Electrum wallet, without its window.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use bitcoin::{Address, ScriptBuf};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    http,
    ports::free_port,
    process::{Log, Process, unpacked},
    wait_until,
};

/// How long Python and the wallet may take to start.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the wallet's own commands must be told.
const AUTH: &str = "tests:tests";

/// A wallet with a seed of its own, stopped and forgotten when dropped.
#[derive(Debug)]
pub struct Electrum {
    rpc_port: u16,
    process: Option<Process>,
    log: Log,
    dir: TempDir,
}

impl Electrum {
    /// Creates a wallet on regtest, not yet connected.
    #[must_use]
    pub fn create() -> Self {
        let dir = TempDir::new().unwrap();
        let log = Log {
            name: "electrum",
            path: dir.path().join("log"),
        };
        let wallet = Self {
            rpc_port: free_port(),
            process: None,
            log,
            dir,
        };
        wallet.offline(&["create", "--seed_type=segwit"]);
        wallet.configure();
        wallet
    }

    /// Connects to a server on this machine and to no other, and opens the wallet.
    pub fn connect(&mut self, port: u16) {
        self.connect_as(&format!("127.0.0.1:{port}:t"));
    }

    /// Does the same over TLS, and trusts the certificate that the server shows the first time.
    pub fn connect_over_tls(&mut self, port: u16) {
        self.connect_as(&format!("127.0.0.1:{port}:s"));
    }

    /// Reads the certificate that the wallet insists on, in PEM.
    #[must_use]
    pub fn pinned_certificate(&self) -> String {
        fs::read_to_string(self.dir.path().join("regtest/certs/127.0.0.1")).unwrap()
    }

    fn connect_as(&mut self, server: &str) {
        self.process = Some(Process::spawn(
            self.command()
                .args(["daemon", "--server", server, "--oneserver", "-v"]),
            &self.log,
        ));
        wait_until("electrum answers", PATIENCE, || {
            let exited = self.process.as_mut().unwrap().exited();
            assert!(exited.is_none(), "electrum ended by itself");
            http::json_rpc(self.rpc_port, AUTH, "getinfo", &json!({}))
                .ok()?
                .ok()
        });
        let path = self.dir.path().join("regtest/wallets/default_wallet");
        self.call("load_wallet", &json!({ "wallet_path": path }));
    }

    /// Calls a command of the wallet by its name and named arguments.
    ///
    /// # Panics
    /// The wallet refuses.
    pub fn call(&self, command: &str, arguments: &Value) -> Value {
        http::json_rpc(self.rpc_port, AUTH, command, arguments)
            .unwrap()
            .unwrap_or_else(|error| panic!("electrum {command} {arguments}: {error}"))
    }

    /// Gives an address of the wallet that has received nothing yet, and its output script.
    #[must_use]
    pub fn unused_address(&self) -> (String, ScriptBuf) {
        let address = self.call("getunusedaddress", &json!({}));
        let address = address.as_str().unwrap().to_owned();
        let script = address
            .parse::<Address<_>>()
            .unwrap()
            .assume_checked()
            .script_pubkey();
        (address, script)
    }

    /// Reads everything the wallet has logged so far.
    #[must_use]
    pub fn logged(&self) -> String {
        self.log.text()
    }

    /// Lets the tests command the wallet.
    fn configure(&self) {
        let (user, password) = AUTH.split_once(':').unwrap();
        let path = self.dir.path().join("regtest/config");
        let config = json!({ "rpcport": self.rpc_port, "rpcuser": user, "rpcpassword": password });
        fs::write(path, config.to_string()).unwrap();
    }

    fn offline(&self, args: &[&str]) {
        let output = self.command().arg("--offline").args(args).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "electrum {args:?}: {complaint}");
    }

    fn command(&self) -> Command {
        let program: PathBuf = unpacked("electrum/bin/electrum", "get-electrum.sh");
        let mut command = Command::new(program);
        command.arg("--regtest").arg("--dir").arg(self.dir.path());
        command
    }
}
