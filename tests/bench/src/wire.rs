//! One client connection: lines of JSON out, lines of JSON in.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// No answer asked for here is longer.
const MAX_LINE: u64 = 64 << 20;
/// A server that is silent for so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Wire {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    line: Vec<u8>,
}

impl Wire {
    /// Connects and agrees on protocol 1.4.
    pub(crate) async fn connect(address: SocketAddr, buffer: usize) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let reader = BufReader::with_capacity(buffer, reader);
        let mut wire = Self {
            reader,
            writer,
            line: Vec::new(),
        };
        wire.call("server.version", json!(["electrode-bench", "1.4"]))
            .await?;
        Ok(wire)
    }

    /// Sends bytes that end in a newline.
    pub(crate) async fn send(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        timeout(PATIENCE, self.writer.write_all(lines))
            .await
            .context("the server does not read")??;
        Ok(())
    }

    /// Waits for the next line.
    pub(crate) async fn line(&mut self) -> anyhow::Result<&[u8]> {
        timeout(PATIENCE, self.line_at_leisure())
            .await
            .context("the server does not answer")?
    }

    /// Waits for the next line as long as it takes: a notice comes when it comes.
    pub(crate) async fn line_at_leisure(&mut self) -> anyhow::Result<&[u8]> {
        self.line.clear();
        (&mut self.reader)
            .take(MAX_LINE)
            .read_until(b'\n', &mut self.line)
            .await?;
        ensure!(
            self.line.ends_with(b"\n"),
            "the server closed the connection"
        );
        Ok(&self.line)
    }

    /// Whether a whole line has already arrived.
    pub(crate) fn has_line(&self) -> bool {
        self.reader.buffer().contains(&b'\n')
    }

    /// Calls a method while nothing else is in flight.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        self.send(format!("{}\n", request(0, method, &params)).as_bytes())
            .await?;
        loop {
            let mut message: Value = serde_json::from_slice(self.line().await?)?;
            if message.get("method").is_some() {
                continue; // a notice
            }
            match message.get("error") {
                None | Some(Value::Null) => {
                    return Ok(message
                        .get_mut("result")
                        .map(Value::take)
                        .unwrap_or_default());
                }
                Some(error) => bail!("{method} answered {error}"),
            }
        }
    }
}

/// Makes a request.
pub(crate) fn request(id: usize, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}
