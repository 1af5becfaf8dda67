//! What happened to one script, and the answers that follow from it.

use std::collections::BTreeMap;

use bitcoin::hashes::{Hash as _, sha256};
use serde_json::{Value, json};

/// Height of outputs that are not in a block: they come after those that are.
pub(super) const UNCONFIRMED: u64 = u64::MAX;

/// What is asked about every script.
pub(super) const METHODS: [&str; 5] = [
    "blockchain.scripthash.get_history",
    "blockchain.scripthash.get_mempool",
    "blockchain.scripthash.get_balance",
    "blockchain.scripthash.listunspent",
    "blockchain.scripthash.subscribe",
];

/// Everything that happened to one script.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Height and txid, in chain order.
    pub(super) confirmed: Vec<(u64, String)>,
    /// Fee by whether an input is unconfirmed and by txid: the order of the protocol.
    pub(super) mempool: BTreeMap<(bool, String), u64>,
    /// Value of every output that nothing spends.
    pub(super) unspent: BTreeMap<Place, u64>,
    pub(super) balance: u64,
    pub(super) mempool_delta: i64,
}

/// Where an output is, in the order of `listunspent`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) height: u64,
    /// Which transaction of the block, 0 without a block.
    pub(super) index: usize,
    pub(super) txid: String,
    pub(super) vout: u64,
}

impl Account {
    /// Gives the answers to [`METHODS`].
    pub(super) fn answers(&self) -> [Value; METHODS.len()] {
        [
            self.history().into(),
            self.unconfirmed().collect(),
            json!({ "confirmed": self.balance, "unconfirmed": self.mempool_delta }),
            self.unspent.iter().map(listed).collect(),
            self.status(),
        ]
    }

    /// Gives the hash of the history, null where there is none.
    pub(super) fn status(&self) -> Value {
        let history = self.history();
        if history.is_empty() {
            return Value::Null;
        }
        let text: String = history
            .iter()
            .map(|item| format!("{}:{}:", item["tx_hash"].as_str().unwrap(), item["height"]))
            .collect();
        sha256::Hash::hash(text.as_bytes()).to_string().into()
    }

    fn history(&self) -> Vec<Value> {
        let confirmed = self.confirmed.iter();
        let confirmed =
            confirmed.map(|(height, txid)| json!({ "tx_hash": txid, "height": height }));
        confirmed.chain(self.unconfirmed()).collect()
    }

    fn unconfirmed(&self) -> impl Iterator<Item = Value> {
        self.mempool.iter().map(|((chained, txid), fee)| {
            json!({ "tx_hash": txid, "height": -i64::from(*chained), "fee": fee })
        })
    }
}

fn listed((place, value): (&Place, &u64)) -> Value {
    let height = if place.height == UNCONFIRMED {
        0
    } else {
        place.height
    };
    json!({ "tx_hash": place.txid, "tx_pos": place.vout, "height": height, "value": value })
}
