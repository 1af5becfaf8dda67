//! The rows of the table: what is asked, by how many clients.

use anyhow::{Context as _, bail};
use serde_json::json;

use super::{Expected, Row};
use crate::facts::{Facts, ScriptFact};

/// Clients and requests in flight of each.
const MANY: (usize, usize) = (20, 20);
const ONE_EACH: (usize, usize) = (20, 1);
const FEW: (usize, usize) = (4, 1);

/// Makes the rows that a chain allows.
pub(crate) fn rows(facts: &Facts) -> anyhow::Result<Vec<Row>> {
    let merkle: Vec<_> = facts
        .txs
        .iter()
        .map(|tx| {
            let block = usize::try_from(tx.height)
                .ok()
                .and_then(|height| facts.blocks.get(height));
            let root = block
                .context("the facts name every block")?
                .merkle_root
                .clone();
            Ok((
                json!([tx.txid, tx.height]),
                Expected::Merkle {
                    tx: tx.clone(),
                    root,
                },
            ))
        })
        .collect::<anyhow::Result<_>>()?;
    let headers = facts.blocks.iter().enumerate();
    let headers =
        headers.map(|(height, block)| (json!([height]), Expected::Header(block.hash.clone())));
    let txs = facts.txs.iter();
    let txs = txs.map(|tx| (json!([tx.txid]), Expected::Transaction(tx.txid.clone())));
    let hot = facts.hot.iter();
    let hot = hot.map(|fact| (json!([fact.script_hash]), Expected::History(fact.clone())));
    let rows = vec![
        scripts("subscribe", facts, Expected::Status),
        scripts("get_history", facts, Expected::History),
        scripts("get_balance", facts, Expected::Balance),
        scripts("listunspent", facts, Expected::Unspent),
        Row::new(
            "get_merkle",
            MANY,
            "blockchain.transaction.get_merkle",
            merkle.into_iter(),
        ),
        Row::new("block.header", MANY, "blockchain.block.header", headers),
        Row::new(
            "transaction.get",
            ONE_EACH,
            "blockchain.transaction.get",
            txs,
        ),
        Row::new(
            "get_history, hot",
            FEW,
            "blockchain.scripthash.get_history",
            hot,
        ),
    ];
    if let Some(row) = rows.iter().find(|row| row.requests.is_empty()) {
        bail!("the chain is too small: nothing to ask for {}", row.figure);
    }
    Ok(rows)
}

/// A row about fresh and reused scripts in turn.
fn scripts(figure: &'static str, facts: &Facts, expected: impl Fn(ScriptFact) -> Expected) -> Row {
    let asked = facts
        .fresh
        .iter()
        .zip(&facts.reused)
        .flat_map(|(fresh, reused)| [fresh, reused]);
    let asked = asked.map(|fact| (json!([fact.script_hash]), expected(fact.clone())));
    Row::new(
        figure,
        MANY,
        &format!("blockchain.scripthash.{figure}"),
        asked,
    )
}
