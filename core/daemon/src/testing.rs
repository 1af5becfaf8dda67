//! A node for tests: an HTTP server that answers as it is told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{Daemon, DaemonConfig, DaemonUrl};

/// One request as the node received it.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Status and body of an answer; `None` keeps silent.
pub(crate) type Reply = Option<(u16, Vec<u8>)>;

type Handler = dyn Fn(&Received) -> Reply + Send + Sync;

/// A running node; stops when dropped.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    _tasks: JoinSet<()>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Node {
    pub(crate) async fn start(
        handler: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_at("127.0.0.1:0", handler).await
    }

    pub(crate) async fn start_at(
        address: &str,
        handler: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        let handler: Arc<Handler> = Arc::new(handler);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&handler), Arc::clone(&log)));
            }
        });
        Self {
            address,
            received,
            _tasks: tasks,
        }
    }

    /// A node that answers calls of methods with what `results` gives.
    pub(crate) async fn of_methods(
        results: impl Fn(&str, &Value) -> Result<Value, i64> + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |received| {
            let answer = answer_with(&received.json(), &results);
            Some((200, answer.to_string().into()))
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Gives the requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

/// Makes a client of nodes at these URLs, which waits only briefly between tries.
pub(crate) fn daemon(urls: &[&str]) -> Daemon {
    daemon_with(urls, impatient())
}

/// Gives settings with little patience for wallets.
pub(crate) fn impatient() -> DaemonConfig {
    DaemonConfig {
        client_patience: Duration::from_millis(20),
        ..DaemonConfig::default()
    }
}

pub(crate) fn daemon_with(urls: &[&str], config: DaemonConfig) -> Daemon {
    let urls = urls.iter().map(|url| DaemonUrl::parse(url, 8332).unwrap());
    let config = DaemonConfig {
        urls: urls.collect(),
        ..config
    };
    Daemon::with_delays(config, Duration::from_millis(1)..=Duration::from_millis(4)).unwrap()
}

/// Gives the URL of a node that is not there.
pub(crate) async fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Answers one request, or each of a batch.
pub(crate) fn answer_with(
    request: &Value,
    results: &impl Fn(&str, &Value) -> Result<Value, i64>,
) -> Value {
    let one =
        |request: &Value| match results(request["method"].as_str().unwrap(), &request["params"]) {
            Ok(result) => json!({"id": request["id"], "result": result, "error": null}),
            Err(code) => {
                let error = json!({"code": code, "message": format!("error {code}")});
                json!({"id": request["id"], "result": null, "error": error})
            }
        };
    match request {
        Value::Array(requests) => requests.iter().map(one).collect(),
        request => one(request),
    }
}

async fn serve(stream: TcpStream, handler: Arc<Handler>, log: Arc<Mutex<Vec<Received>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(received) = receive(&mut stream).await {
        let reply = handler(&received);
        log.lock().unwrap().push(received);
        let Some((status, body)) = reply else {
            std::future::pending().await
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let sent = stream.write_all(&[head.as_bytes(), &body].concat()).await;
        if sent.is_err() {
            return;
        }
    }
}

async fn receive(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let header = |name: &str| {
        let mut headers = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned())
    };
    let len = header("content-length").map_or(0, |len| len.parse().unwrap());
    let mut body = vec![0; len];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received {
        path: head.split(' ').nth(1)?.to_owned(),
        authorization: header("authorization"),
        body,
    })
}
