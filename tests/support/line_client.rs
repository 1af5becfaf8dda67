//! A client that speaks the protocol byte by byte: one JSON text per line.

use std::{
    collections::{HashMap, VecDeque},
    io::{BufRead as _, BufReader, Write as _},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{Stream, Wire, tcp_to};

/// How long an answer or a notification may take before the test fails.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Requests sent before the first answer is read.
const IN_FLIGHT: usize = 256;

/// The `result` of an answer, or its `error`.
pub type Answer = Result<Value, Value>;

/// A connection to the server.
#[derive(Debug)]
pub struct LineClient {
    stream: BufReader<Box<dyn Stream>>,
    next_id: u64,
    notices: VecDeque<Value>,
}

impl LineClient {
    /// Connects to a port of this machine.
    #[must_use]
    pub fn connect(port: u16) -> Self {
        Self::over(Wire::Tcp.over(tcp_to(([127, 0, 0, 1], port))))
    }

    /// Speaks over a connection that is there.
    #[must_use]
    pub fn over(stream: Box<dyn Stream>) -> Self {
        Self {
            stream: BufReader::new(stream),
            next_id: 0,
            notices: VecDeque::new(),
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// Sends bytes; `false` when the server has closed the connection.
    pub fn offer(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Receives one line; `None` when the server has closed the connection.
    ///
    /// # Panics
    /// Nothing comes for too long, or it is no JSON.
    pub fn receive(&mut self) -> Option<Value> {
        let line = self.receive_line()?;
        Some(serde_json::from_slice(&line).unwrap())
    }

    /// Receives one line as it is; `None` when the server has closed the connection.
    ///
    /// # Panics
    /// Nothing comes for too long.
    pub fn receive_line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        match self.stream.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(line),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("waited {ANSWER_LIMIT:?} in vain for a line: {error}"),
        }
    }

    /// Calls a method and gives its result.
    ///
    /// # Panics
    /// The server answers with an error.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.try_call(method, params)
            .unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// Calls a method.
    ///
    /// # Errors
    /// The server's error object.
    pub fn try_call(&mut self, method: &str, params: &Value) -> Answer {
        self.call_each([(method, params.clone())]).remove(0)
    }

    /// Calls methods without waiting for one answer before the next request, and gives the answers
    /// in the order of the requests.
    pub fn call_each<'a>(
        &mut self,
        requests: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Vec<Answer> {
        let mut requests = requests.into_iter().peekable();
        let mut answers = Vec::new();
        while requests.peek().is_some() {
            let first_id = self.next_id;
            let mut lines = String::new();
            for (method, params) in requests.by_ref().take(IN_FLIGHT) {
                let request = json!({ "id": self.next_id, "method": method, "params": params });
                lines.push_str(&format!("{request}\n"));
                self.next_id += 1;
            }
            self.send(lines);
            answers.extend(self.collect(first_id));
        }
        answers
    }

    /// Waits for the next notification that was not taken yet: an object with method and params.
    pub fn notice(&mut self) -> Value {
        if let Some(notice) = self.notices.pop_front() {
            return notice;
        }
        let notice = self.receive().unwrap();
        assert!(
            notice.get("id").is_none(),
            "an answer nobody waits for: {notice}"
        );
        notice
    }

    /// Takes the notifications that the server sent before it answers this call.
    pub fn notices(&mut self) -> Vec<Value> {
        self.call("server.ping", &json!([]));
        self.notices.drain(..).collect()
    }

    /// Waits for the answers to the requests from `first_id` on.
    fn collect(&mut self, first_id: u64) -> Vec<Answer> {
        let mut by_id = HashMap::new();
        while first_id + u64::try_from(by_id.len()).unwrap() < self.next_id {
            let mut line = self
                .receive()
                .unwrap_or_else(|| panic!("the server hung up"));
            match line.get("id").and_then(Value::as_u64) {
                Some(id) => {
                    let answer = match line.get_mut("error").map(Value::take) {
                        None | Some(Value::Null) => Ok(line["result"].take()),
                        Some(error) => Err(error),
                    };
                    assert!(by_id.insert(id, answer).is_none(), "answered twice: {id}");
                }
                None => self.notices.push_back(line),
            }
        }
        (first_id..self.next_id)
            .map(|id| by_id.remove(&id).unwrap())
            .collect()
    }
}
