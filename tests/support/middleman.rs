//! What stands between the server and its node and answers in its place: a node that is busy, old,
//! wrong or out of order, as the test says.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use serde_json::{Value, json};

use crate::{Bitcoind, http};

/// What is answered to one call.
#[derive(Clone, Debug)]
pub enum Reply {
    /// What the node answers.
    Pass,
    /// What the node answers, with another result.
    Edit(fn(&mut Value)),
    /// This result.
    Result(Value),
    /// This error: code and message.
    Error(i64, &'static str),
    /// Instead of anything: HTTP status and body.
    Http(u16, &'static str),
}

/// Decides on a call by its method and parameters.
type Rule = dyn Fn(&str, &Value) -> Reply + Send + Sync;

/// How requests are taken.
#[derive(Default)]
struct State {
    rule: Option<Arc<Rule>>,
    refuses_batches: bool,
    calls: Vec<(String, Value)>,
}

/// A node as the server sees it. It offers no REST.
pub struct Middleman {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Middleman {
    /// Stands before `node`, and passes everything on.
    #[must_use]
    pub fn before(node: &Bitcoind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let middleman = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
        };
        let (state, node) = (Arc::clone(&middleman.state), node.rpc_port());
        // It ends with the test's process; by then nobody talks to it.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (state, stream) = (Arc::clone(&state), stream.unwrap());
                thread::spawn(move || serve(stream, node, &state));
            }
        });
        middleman
    }

    /// Answers by this rule from now on.
    pub fn rule(&self, rule: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static) {
        lock(&self.state).rule = Some(Arc::new(rule));
    }

    /// Passes everything on again.
    pub fn pass(&self) {
        self.rule(|_, _| Reply::Pass);
    }

    /// Takes batches for no requests from now on.
    pub fn refuse_batches(&self) {
        lock(&self.state).refuses_batches = true;
    }

    /// Gives the calls since this was last asked: methods and parameters.
    #[must_use]
    pub fn calls(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut lock(&self.state).calls)
    }

    /// Gives the address of the JSON-RPC port; the password is the node's.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://electrode:tests@127.0.0.1:{}", self.port)
    }

    /// Gives the address without a password.
    #[must_use]
    pub fn bare_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl std::fmt::Debug for Middleman {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Middleman({})", self.port)
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the requests of one connection, until either side ends it.
fn serve(stream: TcpStream, node: u16, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Ok(Some(request)) = read_request(&mut reader) {
        let (status, body) = match &request.body {
            Some(body) => answer_all(body, &request.head, node, state),
            None => (404, "no REST here".to_owned()),
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let stream = reader.get_mut();
        let sent = stream.write_all(format!("{head}{body}").as_bytes());
        if sent.is_err() {
            return;
        }
    }
}

struct Request {
    head: String,
    /// `None` of a GET.
    body: Option<Value>,
}

fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let len = header(&head, "content-length").map_or(0, |len| len.parse().unwrap());
    let mut body = vec![0; len];
    reader.read_exact(&mut body)?;
    let body = head
        .starts_with("POST")
        .then(|| serde_json::from_slice(&body).unwrap());
    Ok(Some(Request { head, body }))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

fn answer_all(body: &Value, head: &str, node: u16, state: &Mutex<State>) -> (u16, String) {
    let calls = match body {
        Value::Array(_) if lock(state).refuses_batches => {
            let error = json!({"code": -32600, "message": "Invalid Request object"});
            let answer = json!({"result": null, "error": error, "id": null});
            return (500, answer.to_string());
        }
        Value::Array(calls) => calls.as_slice(),
        call => std::slice::from_ref(call),
    };
    let mut answers = Vec::new();
    for call in calls {
        match answer(call, head, node, state) {
            Ok(answer) => answers.push(answer),
            Err(instead) => return instead,
        }
    }
    if body.is_array() {
        return (200, Value::from(answers).to_string());
    }
    let answer = answers.remove(0);
    let status = if answer["error"].is_null() { 200 } else { 500 };
    (status, answer.to_string())
}

/// Answers one call, or gives what comes instead of all answers.
fn answer(
    call: &Value,
    head: &str,
    node: u16,
    state: &Mutex<State>,
) -> Result<Value, (u16, String)> {
    let (method, params) = (call["method"].as_str().unwrap(), &call["params"]);
    let rule = {
        let mut state = lock(state);
        state.calls.push((method.to_owned(), params.clone()));
        state.rule.clone()
    };
    let reply = rule.map_or(Reply::Pass, |rule| rule(method, params));
    let result = |result| json!({"result": result, "error": null, "id": call["id"]});
    Ok(match reply {
        Reply::Result(value) => result(value),
        Reply::Error(code, message) => {
            let error = json!({"code": code, "message": message});
            json!({"result": null, "error": error, "id": call["id"]})
        }
        Reply::Http(status, body) => return Err((status, body.to_owned())),
        Reply::Pass => ask(call, head, node)?,
        Reply::Edit(edit) => {
            let mut answer = ask(call, head, node)?;
            edit(&mut answer["result"]);
            answer
        }
    })
}

fn ask(call: &Value, head: &str, node: u16) -> Result<Value, (u16, String)> {
    let auth = header(head, "authorization").unwrap_or_default();
    let response = http::post(node, auth, &call.to_string());
    let response = response.map_err(|error| (502, error.to_string()))?;
    serde_json::from_str(&response.body).map_err(|_not_json| (response.status, response.body))
}
