//! A wallet that believes what it is told.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::{Electrode, LineClient, Oracle, wait_for};

/// How long a change at the node may take to reach wallets, on a machine that is busy with tests.
const NOTICE_LIMIT: Duration = Duration::from_secs(10);

/// A client that subscribes once and from then on knows only what notifications tell it.
#[derive(Debug)]
pub struct Watcher {
    client: LineClient,
    header: Value,
    statuses: BTreeMap<String, Value>,
}

impl Watcher {
    /// Subscribes to headers and to scripts.
    #[must_use]
    pub fn new(server: &Electrode, script_hashes: impl IntoIterator<Item = String>) -> Self {
        let mut client = server.client();
        let header = client.call("blockchain.headers.subscribe", &json!([]));
        let hashes: Vec<String> = script_hashes.into_iter().collect();
        let requests = hashes
            .iter()
            .map(|hash| ("blockchain.scripthash.subscribe", json!([hash])));
        let answers: Vec<Value> = client
            .call_each(requests)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        Self {
            client,
            header,
            statuses: hashes.into_iter().zip(answers).collect(),
        }
    }

    /// Takes notifications until everything known is right.
    ///
    /// # Panics
    /// That takes too long, or something is told that was not subscribed to.
    pub fn wait_told(&mut self, right: &Oracle) {
        wait_for("a watcher is told everything", NOTICE_LIMIT, || {
            for notice in self.client.notices() {
                self.take(&notice);
            }
            if self.knows(right) {
                Ok(())
            } else {
                Err(self.mistakes(right))
            }
        });
    }

    /// Takes one notification and gives its method.
    pub fn take_notice(&mut self) -> String {
        let notice = self.client.notice();
        self.take(&notice);
        notice["method"].as_str().unwrap().to_owned()
    }

    /// Gives what the watcher believes the status of a script to be.
    #[must_use]
    pub fn status(&self, script_hash: &str) -> &Value {
        &self.statuses[script_hash]
    }

    fn take(&mut self, notice: &Value) {
        let params = &notice["params"];
        match notice["method"].as_str().unwrap() {
            "blockchain.headers.subscribe" => self.header = params[0].clone(),
            "blockchain.scripthash.subscribe" => {
                let known = self.statuses.get_mut(params[0].as_str().unwrap()).unwrap();
                *known = params[1].clone();
            }
            other => panic!("nobody subscribed to {other}"),
        }
    }

    fn knows(&self, right: &Oracle) -> bool {
        self.header["height"] == right.height()
            && self
                .statuses
                .iter()
                .all(|(hash, status)| *status == right.status(hash))
    }

    fn mistakes(&self, right: &Oracle) -> String {
        let wrong = self
            .statuses
            .iter()
            .filter(|(hash, status)| **status != right.status(hash));
        format!(
            "it believes in {} at height {} and in {:?}",
            self.header,
            right.height(),
            wrong.collect::<Vec<_>>(),
        )
    }
}
