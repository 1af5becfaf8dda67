//! What an answer must say, recomputed from the answer itself where that is possible.

use anyhow::{Context as _, ensure};
use bitcoin::{
    Transaction, TxMerkleNode, Txid,
    block::Header,
    consensus::encode,
    hashes::{Hash as _, HashEngine as _, sha256, sha256d},
};
use serde_json::{Value, json};

use crate::facts::{ScriptFact, TxFact};

/// The right answer to one request.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// The script's status.
    Status(ScriptFact),
    /// The history that hashes to the script's status.
    History(ScriptFact),
    /// The script's balance.
    Balance(ScriptFact),
    /// The script's unspent outputs.
    Unspent(ScriptFact),
    /// A proof from the transaction to the block's merkle root.
    Merkle {
        /// What is proven.
        tx: TxFact,
        /// Where the proof ends.
        root: String,
    },
    /// The header of this hash.
    Header(String),
    /// The transaction of this txid.
    Transaction(String),
}

impl Expected {
    /// Compares an answer's result.
    pub(crate) fn check(&self, result: &Value) -> anyhow::Result<()> {
        match self {
            Self::Status(fact) => equal(result, &json!(fact.status)),
            Self::History(fact) => history(result, fact),
            Self::Balance(fact) => {
                equal(result, &json!({"confirmed": fact.sats, "unconfirmed": 0}))
            }
            Self::Unspent(fact) => unspent(result, fact),
            Self::Merkle { tx, root } => merkle(result, tx, root),
            Self::Header(hash) => {
                let header: Header = encode::deserialize_hex(text(result)?)?;
                equal(&json!(header.block_hash().to_string()), &json!(hash))
            }
            Self::Transaction(txid) => {
                let tx: Transaction = encode::deserialize_hex(text(result)?)?;
                equal(&json!(tx.compute_txid().to_string()), &json!(txid))
            }
        }
    }
}

fn history(result: &Value, fact: &ScriptFact) -> anyhow::Result<()> {
    let items = result.as_array().context("expected a list")?;
    ensure!(
        items.len() == fact.txs,
        "expected {} transactions, got {}",
        fact.txs,
        items.len()
    );
    let mut engine = sha256::Hash::engine();
    for item in items {
        let txid = text(item.get("tx_hash").context("expected tx_hash")?)?;
        let height = item
            .get("height")
            .and_then(Value::as_u64)
            .context("expected height")?;
        engine.input(format!("{txid}:{height}:").as_bytes());
    }
    equal(
        &json!(sha256::Hash::from_engine(engine).to_string()),
        &json!(fact.status),
    )
}

fn unspent(result: &Value, fact: &ScriptFact) -> anyhow::Result<()> {
    let items = result.as_array().context("expected a list")?;
    let sats: u64 = items
        .iter()
        .filter_map(|item| item.get("value")?.as_u64())
        .sum();
    ensure!(
        (items.len(), sats) == (fact.unspent, fact.sats),
        "expected {} outputs of {} sats, got {} of {sats}",
        fact.unspent,
        fact.sats,
        items.len()
    );
    Ok(())
}

fn merkle(result: &Value, tx: &TxFact, root: &str) -> anyhow::Result<()> {
    equal(result.get("pos").context("expected pos")?, &json!(tx.pos))?;
    equal(
        result
            .get("block_height")
            .context("expected block_height")?,
        &json!(tx.height),
    )?;
    let branch = result
        .get("merkle")
        .and_then(Value::as_array)
        .context("expected merkle")?;
    let mut node = tx.txid.parse::<Txid>()?.to_raw_hash();
    for (level, sibling) in branch.iter().enumerate() {
        let sibling = text(sibling)?.parse::<sha256d::Hash>()?;
        let left_first = tx.pos >> level & 1 == 0;
        let (left, right) = if left_first {
            (node, sibling)
        } else {
            (sibling, node)
        };
        node = sha256d::Hash::hash(&[left.to_byte_array(), right.to_byte_array()].concat());
    }
    equal(
        &json!(TxMerkleNode::from_raw_hash(node).to_string()),
        &json!(root),
    )
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value
        .as_str()
        .with_context(|| format!("expected a string, got {}", clip(value)))
}

fn equal(got: &Value, expected: &Value) -> anyhow::Result<()> {
    ensure!(got == expected, "expected {expected}, got {}", clip(got));
    Ok(())
}

/// The beginning of an answer, for an error message: a history can have megabytes.
pub(super) fn clip(value: &Value) -> String {
    value.to_string().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Txids of a block of three and their root, each level's odd one paired with itself.
    fn three() -> ([sha256d::Hash; 3], sha256d::Hash, String) {
        let pair = |left: sha256d::Hash, right: sha256d::Hash| {
            sha256d::Hash::hash(&[left.to_byte_array(), right.to_byte_array()].concat())
        };
        let txids = [b"a", b"b", b"c"].map(|seed| sha256d::Hash::hash(seed));
        let (first, second) = (pair(txids[0], txids[1]), pair(txids[2], txids[2]));
        (txids, first, pair(first, second).to_string())
    }

    #[test]
    fn proofs_end_at_the_root_or_are_refused() {
        let (txids, first, root) = three();
        let tx = TxFact {
            txid: txids[2].to_string(),
            height: 5,
            pos: 2,
        };
        let expected = Expected::Merkle { tx, root };
        let answer = |sibling: sha256d::Hash| {
            json!({"pos": 2, "block_height": 5,
                   "merkle": [txids[2].to_string(), sibling.to_string()]})
        };
        expected.check(&answer(first)).unwrap();
        assert!(expected.check(&answer(txids[0])).is_err());
    }

    #[test]
    fn histories_must_hash_to_the_status() {
        let txid = sha256d::Hash::hash(b"a").to_string();
        let expected = Expected::History(ScriptFact {
            script_hash: String::new(),
            status: sha256::Hash::hash(format!("{txid}:7:").as_bytes()).to_string(),
            txs: 1,
            sats: 0,
            unspent: 0,
        });
        expected
            .check(&json!([{"tx_hash": txid, "height": 7}]))
            .unwrap();
        assert!(
            expected
                .check(&json!([{"tx_hash": txid, "height": 8}]))
                .is_err()
        );
        assert!(expected.check(&json!([])).is_err());
    }
}
