//! What the generator knows of its chain, and `run` checks answers against.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::Path,
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

const FILE_NAME: &str = "facts.json";

/// Everything known of a chain; hashes are in display order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) totals: Totals,
    /// By height, the genesis block first.
    pub(crate) blocks: Vec<BlockFact>,
    /// Scripts of many thousand transactions.
    pub(crate) hot: Vec<ScriptFact>,
    /// A sample of the scripts that are paid more than once.
    pub(crate) reused: Vec<ScriptFact>,
    /// A sample of the scripts that are paid once.
    pub(crate) fresh: Vec<ScriptFact>,
    /// A sample of the transactions.
    pub(crate) txs: Vec<TxFact>,
    /// Outputs unspent at the tip, for transactions made during a run.
    pub(crate) spendable: Vec<Spendable>,
}

/// How large the chain is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) transactions: u64,
    pub(crate) inputs: u64,
    pub(crate) outputs: u64,
    pub(crate) scripts: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BlockFact {
    pub(crate) hash: String,
    pub(crate) merkle_root: String,
}

/// The confirmed answers about one script.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ScriptFact {
    pub(crate) script_hash: String,
    pub(crate) status: String,
    pub(crate) txs: usize,
    pub(crate) sats: u64,
    pub(crate) unspent: usize,
}

/// Where one transaction is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TxFact {
    pub(crate) txid: String,
    pub(crate) height: u32,
    pub(crate) pos: usize,
}

/// An unspent output and the number of the script that it pays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Spendable {
    pub(crate) txid: String,
    pub(crate) vout: u32,
    pub(crate) sats: u64,
    pub(crate) script: u32,
}

impl Facts {
    /// Reads the facts beside a chain.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(FILE_NAME);
        let file = File::open(&path).with_context(|| {
            format!(
                "no {}: make the chain with `generate --out`",
                path.display()
            )
        })?;
        Ok(serde_json::from_reader(BufReader::new(file))?)
    }

    /// Writes the facts beside a chain.
    pub(crate) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let file = File::create(dir.join(FILE_NAME))?;
        serde_json::to_writer(BufWriter::new(file), self)?;
        Ok(())
    }

    /// The height of the last block.
    pub(crate) fn height(&self) -> usize {
        self.blocks.len().saturating_sub(1)
    }
}
