//! The rows of the table: what is asked, by how many clients.

use anyhow::{Context as _, bail};
use serde_json::json;

use super::{Crew, Expected, Row, Turns};
use crate::facts::{Facts, ScriptFact};

const MANY: Crew = Crew {
    clients: 20,
    in_flight: 20,
    turns: Turns::Again,
};
const MANY_ONCE: Crew = Crew {
    turns: Turns::Once,
    ..MANY
};
const ONE_EACH: Crew = Crew {
    in_flight: 1,
    ..MANY
};
const FEW: Crew = Crew {
    clients: 4,
    ..ONE_EACH
};
/// How many scripts are asked about again and again.
const SCRIPTS: usize = 16_000;

/// Makes the rows that a chain allows.
pub(crate) fn rows(facts: &Facts) -> anyhow::Result<Vec<Row>> {
    let mut rows = script_rows(facts);
    rows.extend(block_rows(facts)?);
    let hot: Vec<&ScriptFact> = facts.hot.iter().collect();
    rows.push(Row::of_scripts("get_history, hot", FEW, Ask::History, &hot));
    if let Some(row) = rows.iter().find(|row| row.requests.is_empty()) {
        bail!("the chain is too small: nothing to ask for {}", row.figure);
    }
    Ok(rows)
}

/// What is asked about a script.
#[derive(Clone, Copy)]
enum Ask {
    Subscribe,
    History,
    Balance,
    Unspent,
}

/// Rows about fresh and reused scripts in turn: first about those not asked about before, a
/// quarter of them for each method, then about some again and again.
fn script_rows(facts: &Facts) -> Vec<Row> {
    let scripts = facts.fresh.iter().zip(&facts.reused);
    let scripts: Vec<&ScriptFact> = scripts
        .flat_map(|(fresh, reused)| [fresh, reused])
        .collect();
    let mut quarters = scripts.chunks(scripts.len().div_ceil(4).max(1));
    let mut quarter = || quarters.next().unwrap_or_default();
    let again = scripts.get(..SCRIPTS).unwrap_or(&scripts);
    vec![
        Row::of_scripts("subscribe, first", MANY_ONCE, Ask::Subscribe, quarter()),
        Row::of_scripts("get_history, first", MANY_ONCE, Ask::History, quarter()),
        Row::of_scripts("get_balance, first", MANY_ONCE, Ask::Balance, quarter()),
        Row::of_scripts("listunspent, first", MANY_ONCE, Ask::Unspent, quarter()),
        Row::of_scripts("subscribe", MANY, Ask::Subscribe, again),
        Row::of_scripts("get_history", MANY, Ask::History, again),
        Row::of_scripts("get_balance", MANY, Ask::Balance, again),
        Row::of_scripts("listunspent", MANY, Ask::Unspent, again),
    ]
}

fn block_rows(facts: &Facts) -> anyhow::Result<Vec<Row>> {
    let merkle: Vec<_> = facts
        .txs
        .iter()
        .map(|tx| {
            let block = facts.blocks.get(usize::try_from(tx.height)?);
            let root = block
                .context("the facts name every block")?
                .merkle_root
                .clone();
            let expected = Expected::Merkle {
                tx: tx.clone(),
                root,
            };
            Ok((json!([tx.txid, tx.height]), expected))
        })
        .collect::<anyhow::Result<_>>()?;
    let headers = (0_u32..).zip(&facts.blocks);
    let headers =
        headers.map(|(height, block)| (json!([height]), Expected::Header(block.hash.clone())));
    let txs = facts.txs.iter();
    let txs = txs.map(|tx| (json!([tx.txid]), Expected::Transaction(tx.txid.clone())));
    Ok(vec![
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
    ])
}

impl Row {
    fn of_scripts(figure: &'static str, crew: Crew, ask: Ask, scripts: &[&ScriptFact]) -> Self {
        let asked = scripts
            .iter()
            .map(|fact| (json!([fact.script_hash]), ask.expected(fact)));
        Self::new(figure, crew, ask.method(), asked)
    }
}

impl Ask {
    fn method(self) -> &'static str {
        match self {
            Self::Subscribe => "blockchain.scripthash.subscribe",
            Self::History => "blockchain.scripthash.get_history",
            Self::Balance => "blockchain.scripthash.get_balance",
            Self::Unspent => "blockchain.scripthash.listunspent",
        }
    }

    fn expected(self, fact: &ScriptFact) -> Expected {
        match self {
            Self::Subscribe => Expected::Status(fact.clone()),
            Self::History => Expected::History(fact.clone()),
            Self::Balance => Expected::Balance(fact.clone()),
            Self::Unspent => Expected::Unspent(fact.clone()),
        }
    }
}
