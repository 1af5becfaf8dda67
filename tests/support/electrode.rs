//! The server under test.

use std::{
    collections::BTreeMap,
    fmt::{Debug, Display, Write as _},
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    Bitcoind, LineClient, PluginFolder, Wire,
    http::{self, Response},
    ports::free_port,
    process::{self, Log, Process},
    tcp_to, wait_until,
};

/// How long the server may take to be ready or to end, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// Name of the section that has none, which comes before all others.
const TOP: &str = "";

/// What the configuration says besides ports and directories.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The coin, as COIN in the configuration.
    pub coin: &'static str,
    /// The network, as NET in the configuration.
    pub net: &'static str,
    /// Memory for caches and for building: a small one means many commits.
    pub cache: &'static str,
    /// Where operators are served; the port is the server's.
    pub rpc_host: &'static str,
    /// Lines of sections by their names.
    pub sections: BTreeMap<String, String>,
}

impl Settings {
    /// Follows one node by its cookie and without `ZeroMQ`.
    #[must_use]
    pub fn of(node: &Bitcoind) -> Self {
        Self::regtest()
            .daemon("urls", &[node.url()])
            .daemon("cookie_file", &node.cookie_file())
    }

    /// Starts without any node.
    #[must_use]
    pub fn regtest() -> Self {
        Self {
            coin: "Bitcoin",
            net: "regtest",
            cache: "450MiB",
            rpc_host: "127.0.0.1",
            sections: BTreeMap::new(),
        }
    }

    /// Adds a line to the section `[daemon]`.
    #[must_use]
    pub fn daemon(self, key: &str, value: &(impl Debug + ?Sized)) -> Self {
        self.set(&format!("daemon.{key}"), format_args!("{value:?}"))
    }

    /// Adds a setting by its whole name, with its value as TOML.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Display) -> Self {
        let (section, name) = key.split_once('.').unwrap_or((TOP, key));
        let lines = self.sections.entry(section.to_owned()).or_default();
        writeln!(lines, "{name} = {value}").unwrap();
        self
    }

    /// Takes plugins from a folder.
    #[must_use]
    pub fn plugins(self, folder: &PluginFolder) -> Self {
        self.set("plugins.dir", format_args!("{:?}", folder.path()))
    }
}

/// A server with a data directory of its own, stopped and removed when dropped.
#[derive(Debug)]
pub struct Electrode {
    ports: [u16; Wire::ALL.len()],
    rpc_port: u16,
    http_port: u16,
    process: Option<Process>,
    log: Log,
    home: TempDir,
    /// The whole environment, where that takes the place of a configuration file.
    environment: Option<Vec<(String, String)>>,
}

impl Electrode {
    /// Starts a server that follows `node`, and waits until it serves.
    #[must_use]
    pub fn serve(node: &Bitcoind) -> Self {
        let mut server = Self::configured(&Settings::of(node));
        server.start();
        server.wait_ready();
        server
    }

    /// Starts a server with limits, before which this machine stands as a proxy: clients say who
    /// they are.
    #[must_use]
    pub fn behind_proxy(node: &Bitcoind, limits: &[(&str, &str)]) -> Self {
        let proxied = Settings::of(node).set("serve.proxy_protocol_from", "[\"127.0.0.1\"]");
        let settings = limits.iter().fold(proxied, |settings, (name, value)| {
            settings.set(&format!("limits.{name}"), value)
        });
        let mut server = Self::configured(&settings);
        server.start();
        server.wait_ready();
        server
    }

    /// Writes the configuration, starts nothing.
    #[must_use]
    pub fn configured(settings: &Settings) -> Self {
        let home = TempDir::new().unwrap();
        let server = Self {
            ports: Wire::ALL.map(|_wire| free_port()),
            rpc_port: free_port(),
            http_port: free_port(),
            process: None,
            log: Log {
                name: "electrode",
                path: home.path().join("log"),
            },
            home,
            environment: None,
        };
        server.configure(settings);
        server
    }

    /// Starts a server with an env file and nothing else, and waits until it serves. In the file
    /// `{data_dir}`, `{port}` and `{rpc_port}` stand for those of this server.
    #[must_use]
    pub fn serve_env_file(text: &str) -> Self {
        let mut server = Self::configured(&Settings::regtest());
        let text = text
            .replace("{data_dir}", server.data_dir().to_str().unwrap())
            .replace("{rpc_port}", &server.rpc_port.to_string())
            .replace("{port}", &server.port().to_string());
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        server.environment = Some(pairs.collect());
        server.start();
        wait_until("electrode serves", PATIENCE, || {
            server.assert_running();
            let answer = server.run(&["admin", "getinfo", "--json"]);
            let info: Value = serde_json::from_slice(&answer.stdout).ok()?;
            (info["stage"] == "serving").then_some(())
        });
        server
    }

    /// Writes another configuration for the same data directory and ports.
    pub fn configure(&self, settings: &Settings) {
        let Settings {
            coin,
            net,
            cache,
            rpc_host,
            ..
        } = settings;
        let (rpc_port, http_port) = (self.rpc_port, self.http_port);
        let services = Wire::ALL.map(|wire| {
            let (name, port) = (wire.as_str(), self.port_of(wire));
            format!("\"{name}://127.0.0.1:{port}\", ")
        });
        let services = services.concat();
        let data_dir = self.data_dir();
        let mut sections = settings.sections.clone();
        sections
            .entry("index".to_owned())
            .or_default()
            .push_str(&format!("cache = \"{cache}\"\n"));
        sections
            .entry("serve".to_owned())
            .or_default()
            .push_str(&format!(
                "services = [{services}\"rpc://{rpc_host}:{rpc_port}\"]\n\
             http = \"127.0.0.1:{http_port}\"\n"
            ));
        // No limits on what one client may ask, but where that is what is tested: the others ask for
        // everything there is.
        let limits = sections.entry("limits".to_owned()).or_default();
        if !limits.contains("cost_hard_limit") {
            limits.push_str("cost_hard_limit = 0\n");
        }
        let mut text = format!("coin = \"{coin}\"\nnet = \"{net}\"\ndata_dir = {data_dir:?}\n");
        for (section, lines) in sections {
            if section != TOP {
                text.push_str(&format!("\n[{section}]\n"));
            }
            text.push_str(&lines);
        }
        fs::write(self.config_file(), text).unwrap();
    }

    /// Starts the server without waiting for it.
    pub fn start(&mut self) {
        self.process = Some(Process::spawn(&mut self.command(&["serve"]), &self.log));
    }

    /// Starts the server where the system lets it have `limit` files open, and no more.
    pub fn start_with_open_files(&mut self, limit: u32) {
        let mut command = process::with_open_files(limit, &self.command(&["serve"]));
        self.process = Some(Process::spawn(&mut command, &self.log));
    }

    /// Leaves the running server room for so many more open files.
    pub fn leave_open_files(&self, more: usize) {
        self.process.as_ref().unwrap().leave_open_files(more);
    }

    /// Waits until the server says that it is ready.
    ///
    /// # Panics
    /// It ends instead.
    pub fn wait_ready(&mut self) {
        wait_until("electrode is ready", PATIENCE, || {
            self.assert_running();
            self.is_ready().then_some(())
        });
    }

    /// Asks the server whether it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.page("/ready").is_some_and(|page| page.status == 200)
    }

    /// Tells whether a wallet that connects gets an answer.
    #[must_use]
    pub fn serves_wallets(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port())) else {
            return false;
        };
        let ping = b"{\"id\":0,\"method\":\"server.ping\",\"params\":[]}\n";
        let mut answer = [0; 8];
        stream.write_all(ping).is_ok() && stream.read_exact(&mut answer).is_ok()
    }

    /// Reads a page for programs that watch the server; `None` where it does not answer.
    #[must_use]
    pub fn page(&self, path: &str) -> Option<Response> {
        http::get(self.http_port, path).ok()
    }

    /// Waits until the index has the node's best block.
    pub fn wait_caught_up(&mut self, node: &Bitcoind) {
        let best = node.height();
        wait_until(
            &format!("electrode reaches height {best}"),
            PATIENCE,
            || {
                self.assert_running();
                (self.status()?["height"] == best).then_some(())
            },
        );
    }

    /// Reads what the server says of itself; `None` where it does not answer.
    #[must_use]
    pub fn status(&self) -> Option<Value> {
        let page = self.page("/status.json")?;
        serde_json::from_str(&page.body).ok()
    }

    /// Reads what Prometheus would: values by name and labels.
    #[must_use]
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let page = self.page("/metrics").unwrap();
        assert_eq!(page.status, 200);
        assert!(page.body.ends_with("# EOF\n"), "{}", page.body);
        let lines = page.body.lines().filter(|line| !line.starts_with('#'));
        let metrics = lines.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        });
        metrics.collect()
    }

    /// Waits for the server to end by itself, up to `limit`.
    pub fn wait_exit(&mut self, limit: Duration) -> ExitStatus {
        self.process.as_mut().unwrap().wait_exit(limit)
    }

    /// Checks that the server has not ended by itself.
    ///
    /// # Panics
    /// It has.
    pub fn assert_running(&mut self) {
        let exited = self.process.as_mut().unwrap().exited();
        assert!(
            exited.is_none(),
            "electrode ended by itself: {}",
            exited.unwrap()
        );
    }

    /// Ends the server at once, without warning.
    pub fn kill(&mut self) {
        self.process.as_mut().unwrap().kill();
        self.process = None;
    }

    /// Removes the index; the server must not run.
    pub fn forget(&self) {
        fs::remove_dir_all(self.data_dir()).unwrap();
    }

    /// Ends the server as an operator does, and checks that it says it went well.
    pub fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        process.terminate();
        let status = process.wait_exit(PATIENCE);
        assert!(status.success(), "electrode ended with {status}");
    }

    /// Runs an offline command, such as `["index", "verify"]`, and waits for its end.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Compares the whole index with the node's blocks; the server must not run.
    ///
    /// # Panics
    /// There is a difference.
    pub fn verify(&self) {
        let output = self.run(&["index", "verify"]);
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.contains("no difference"),
            "index verify: {}\n{said}{complained}",
            output.status
        );
    }

    /// Gives what the index says of itself and the hash of all it says of the chain; the server
    /// must not run.
    #[must_use]
    pub fn content_hash(&self) -> String {
        let info = self.run(&["index", "info", "--hash"]);
        assert!(info.status.success(), "{info:?}");
        String::from_utf8(info.stdout).unwrap()
    }

    /// Connects and agrees on protocol 1.6.
    #[must_use]
    pub fn client(&self) -> LineClient {
        let mut client = self.stranger();
        client.call("server.version", &serde_json::json!(["tests", "1.6"]));
        client
    }

    /// Connects and says nothing.
    #[must_use]
    pub fn stranger(&self) -> LineClient {
        LineClient::connect(self.port())
    }

    /// Connects to the admin RPC and shows the token that the server has made.
    #[must_use]
    pub fn operator(&self) -> LineClient {
        let mut operator = self.visitor();
        let token = fs::read_to_string(self.token_file()).unwrap();
        operator.call("auth", &serde_json::json!([token.trim()]));
        operator
    }

    /// Connects to the admin RPC and says nothing.
    #[must_use]
    pub fn visitor(&self) -> LineClient {
        LineClient::connect(self.rpc_port)
    }

    /// Gives the file with the token of the admin RPC, which the server makes.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.data_dir().join("admin-token")
    }

    /// Gives the port of the admin RPC.
    #[must_use]
    pub fn rpc_port(&self) -> u16 {
        self.rpc_port
    }

    /// Gives the port of the status page.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// Tells the server to read its configuration again, as an operator does.
    pub fn hang_up(&self) {
        self.process.as_ref().unwrap().hang_up();
    }

    /// Asks the server to end, without waiting for that.
    pub fn terminate(&self) {
        self.process.as_ref().unwrap().terminate();
    }

    /// Gives the folder that the server's files are in; a test may put more there.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Connects this way and agrees on protocol 1.6.
    #[must_use]
    pub fn client_over(&self, wire: Wire) -> LineClient {
        let mut client = LineClient::over(wire.over(self.connect(wire)));
        client.call("server.version", &serde_json::json!(["tests", "1.6"]));
        client
    }

    /// Connects to the port of a transport without saying anything.
    #[must_use]
    pub fn connect(&self, wire: Wire) -> TcpStream {
        tcp_to(([127, 0, 0, 1], self.port_of(wire)))
    }

    /// Gives the port of a transport.
    #[must_use]
    pub fn port_of(&self, wire: Wire) -> u16 {
        self.ports[wire as usize]
    }

    /// Gives the port that speaks the protocol over TCP.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port_of(Wire::Tcp)
    }

    /// Reads everything the server has logged so far.
    #[must_use]
    pub fn logged(&self) -> String {
        self.log.text()
    }

    /// Gives the configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.home.path().join("electrode.toml")
    }

    /// Gives the folder of the index, which the server makes.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(process::electrode());
        if let Some(environment) = &self.environment {
            command.args(args).env_clear().envs(environment.clone());
            return command;
        }
        command.args(args).arg("--config").arg(self.config_file());
        command
    }
}
