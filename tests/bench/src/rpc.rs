//! JSON-RPC over HTTP to the node that this program started.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// User and password of the node: it lives on 127.0.0.1, on regtest, for this run.
pub(crate) const USER: &str = "bench";
/// `bench:bench` in Base64.
const AUTHORIZATION: &str = "Basic YmVuY2g6YmVuY2g=";
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_ANSWER: u64 = 64 << 20;

/// The RPC port of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rpc {
    pub(crate) address: SocketAddr,
}

impl Rpc {
    /// Calls a method, on a connection of its own.
    pub(crate) async fn call(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let body = json!({"id": 0, "method": method, "params": params}).to_string();
        let answer = timeout(CALL_TIMEOUT, self.post(&body))
            .await
            .with_context(|| format!("{method} was not answered in {CALL_TIMEOUT:?}"))?
            .with_context(|| format!("calling {method}"))?;
        let mut answer: Value = serde_json::from_str(&answer)
            .with_context(|| format!("{method} expected JSON, got {answer:.200}"))?;
        match answer.get("error") {
            None | Some(Value::Null) => Ok(answer
                .get_mut("result")
                .map(Value::take)
                .unwrap_or_default()),
            Some(error) => bail!("{method} answered {error}"),
        }
    }

    async fn post(&self, body: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(self.address).await?;
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nAuthorization: {AUTHORIZATION}\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(MAX_ANSWER).read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
        ensure!(!body.is_empty(), "expected a body, got {head:.200}");
        Ok(body.to_owned())
    }
}
