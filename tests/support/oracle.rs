//! The right answers: worked out slowly, from nothing but what the node says in JSON.

mod account;
mod reader;

use std::{collections::BTreeMap, time::Duration};

use bitcoin::{
    hashes::{Hash as _, sha256},
    hex::DisplayHex as _,
};
use serde_json::{Value, json};

use crate::{Bitcoind, Electrode, LineClient, wait_for};
use account::{Account, METHODS};
use reader::Reader;

/// How long the server may take to agree once the node stands still.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many differences are told.
const TOLD: usize = 10;
/// Everything the server should say about every script of a chain and of the mempool on top of it.
#[derive(Debug)]
pub struct Oracle {
    /// Blocks from height 1 on.
    pub blocks: Vec<KnownBlock>,
    accounts: BTreeMap<String, Account>,
}

/// A block as the node tells of it.
#[derive(Debug)]
pub struct KnownBlock {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: String,
    /// Names of its transactions in order.
    pub txids: Vec<String>,
}

/// Names a script as the protocol does: its SHA-256, shown in reverse.
#[must_use]
pub fn script_hash(script: &[u8]) -> String {
    let mut hash = sha256::Hash::hash(script).to_byte_array();
    hash.reverse();
    hash.to_lower_hex_string()
}

/// Reads an amount, which the node writes in whole coins with eight decimals.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "amounts are far below 2^53 and never negative"
)]
#[must_use]
pub fn sats(coins: &Value) -> u64 {
    (coins.as_f64().unwrap() * 1e8).round() as u64
}

impl Oracle {
    /// Reads a node's chain and mempool, which should stand still meanwhile.
    #[must_use]
    pub fn read(node: &Bitcoind) -> Self {
        let mut reader = Reader::default();
        let blocks = (1..=node.height())
            .map(|height| reader.block(node, height))
            .collect();
        reader.mempool(node);
        Self {
            blocks,
            accounts: reader.accounts,
        }
    }

    /// Waits until the server gives the right answers about every script.
    ///
    /// # Panics
    /// It does not within a minute; some differences are told.
    pub fn wait_agree(node: &Bitcoind, server: &mut Electrode) {
        server.wait_caught_up(node);
        wait_for("the server agrees with the node", PATIENCE, || {
            server.assert_running();
            let differences = Self::read(node).differences(&mut server.client());
            if differences.is_empty() {
                Ok(())
            } else {
                Err(differences.join("\n"))
            }
        });
    }

    /// Gives the height of the best block.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.blocks.last().map_or(0, |block| block.height)
    }

    /// Names every script there is, data carriers included.
    pub fn script_hashes(&self) -> impl Iterator<Item = String> {
        self.accounts.keys().cloned()
    }

    /// Gives the status of a script, null for one that nobody has used.
    #[must_use]
    pub fn status(&self, script_hash: &str) -> Value {
        self.accounts
            .get(script_hash)
            .map_or(Value::Null, Account::status)
    }

    /// Gives the number of transactions of the script that has most.
    #[must_use]
    pub fn longest_history(&self) -> usize {
        self.accounts
            .values()
            .map(|account| account.confirmed.len())
            .max()
            .unwrap()
    }

    /// Adds up what all scripts hold, unconfirmed transactions left out.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.accounts.values().map(|account| account.balance).sum()
    }

    /// Asks the server about every script and tells where its answers are wrong.
    #[must_use]
    pub fn differences(&self, client: &mut LineClient) -> Vec<String> {
        let requests = self
            .accounts
            .keys()
            .flat_map(|script_hash| METHODS.map(|method| (method, json!([script_hash]))));
        let answers = client.call_each(requests);
        let accounts = self.accounts.iter().zip(answers.chunks(METHODS.len()));
        let differences = accounts.flat_map(|((script_hash, account), answers)| {
            let rows = METHODS.iter().zip(account.answers()).zip(answers);
            rows.filter_map(move |((method, right), given)| {
                let is_right = given
                    .as_ref()
                    .is_ok_and(|given| in_our_order(given) == right);
                let wrong = || format!("{method} {script_hash}: expected {right}, got {given:?}");
                (!is_right).then(wrong)
            })
        });
        differences.take(TOLD).collect()
    }
}

/// Sorts the unconfirmed outputs of a `listunspent`, whose order the protocol leaves open.
fn in_our_order(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(items) = answer
        .as_array_mut()
        .filter(|items| items.iter().any(is_unspent))
    {
        let confirmed = items.iter().take_while(|item| item["height"] != 0).count();
        items[confirmed..].sort_by_key(|item| {
            (
                item["tx_hash"].as_str().map(str::to_owned),
                item["tx_pos"].as_u64(),
            )
        });
    }
    answer
}

fn is_unspent(item: &Value) -> bool {
    item.get("tx_pos").is_some()
}
