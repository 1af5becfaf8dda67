//! A deterministic regtest chain in the shape of a busy one, written as a file for `-loadblock`.
//!
//! 100 blocks of coinbases, then transfers at random between random scripts: most of them fresh,
//! some paid again and again, a few hot. What is kept in memory is the set of unspent outputs.

mod block;
mod ledger;
mod random;
mod samples;
mod script;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use anyhow::{Context as _, ensure};
use bitcoin::{
    BlockHash, Network, Transaction, blockdata::constants::genesis_block, consensus::encode,
};

pub(crate) use block::{Place, assemble};
pub(crate) use ledger::{Unspent, spend};
pub(crate) use script::{made_in_run, script_hash};

use crate::facts::{BlockFact, Facts, Spendable, Totals};
use ledger::{Ledger, Spend};
use samples::Samples;

/// The file of the blocks, each as `magic ‖ length LE u32 ‖ block`.
pub(crate) const BLOCKS_FILE: &str = "blocks.dat";
/// A coinbase can be spent this many blocks later.
const MATURITY: u32 = 100;
/// 4 M weight units hold some 5,500 of the transfers made here.
const MAX_TXS_PER_BLOCK: u64 = 4_000;
const BLOCK_INTERVAL_SECS: u32 = 600;
/// How many unspent outputs the facts list.
const SPENDABLE: usize = 3_000;
/// What an output must have to be listed: enough for the fee of its spending.
const SPENDABLE_SATS: u64 = 10_000;

/// What to generate.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Directory of the chain, made when it is missing.
    #[arg(long)]
    out: PathBuf,
    /// Blocks after the genesis block.
    #[arg(long, default_value_t = 700)]
    blocks: u32,
    /// Transactions in all, coinbases included.
    #[arg(long, default_value_t = 1_200_000)]
    txs: u64,
    /// The same seed gives the same chain.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Writes the chain and its facts.
pub(crate) fn generate(options: &Options) -> anyhow::Result<()> {
    let transfers = Transfers::plan(options)?;
    fs::create_dir_all(&options.out)?;
    let file = File::create(options.out.join(BLOCKS_FILE))?;
    let mut blocks = BufWriter::with_capacity(1 << 20, file);
    let mut generator = Generator::new(options);
    for height in 1..=options.blocks {
        let block = generator.block(height, transfers.at(height))?;
        blocks.write_all(&Network::Regtest.magic().to_bytes())?;
        blocks.write_all(&u32::try_from(block.len())?.to_le_bytes())?;
        blocks.write_all(&block)?;
    }
    blocks.flush()?;
    let facts = generator.into_facts();
    facts.write(&options.out)?;
    println!("{}", serde_json::to_string(&facts.totals)?);
    Ok(())
}

/// How many transfers each block holds.
struct Transfers {
    total: u64,
    blocks: u64,
}

impl Transfers {
    fn plan(options: &Options) -> anyhow::Result<Self> {
        let blocks = u64::from(options.blocks.saturating_sub(MATURITY));
        ensure!(
            blocks > 0,
            "--blocks must be above {MATURITY}: a coinbase cannot be spent before, got {}",
            options.blocks
        );
        // Each block has a coinbase, and after maturity a transaction that spends one.
        let others = u64::from(options.blocks) + blocks;
        let total = options.txs.saturating_sub(others);
        ensure!(
            total / blocks < MAX_TXS_PER_BLOCK,
            "--txs {} do not fit {blocks} blocks of {MAX_TXS_PER_BLOCK}: raise --blocks",
            options.txs
        );
        Ok(Self { total, blocks })
    }

    fn at(&self, height: u32) -> u64 {
        let done = |blocks: u64| self.total * blocks / self.blocks;
        match height.checked_sub(MATURITY + 1) {
            Some(index) => done(u64::from(index) + 1) - done(u64::from(index)),
            None => 0,
        }
    }
}

/// The chain so far.
struct Generator {
    seed: u64,
    tip: BlockHash,
    time: u32,
    ledger: Ledger,
    /// Coinbases, the oldest first.
    immature: VecDeque<Unspent>,
    samples: Samples,
    totals: Totals,
    blocks: Vec<BlockFact>,
}

impl Generator {
    fn new(options: &Options) -> Self {
        let genesis = genesis_block(Network::Regtest);
        Self {
            seed: options.seed,
            tip: genesis.block_hash(),
            time: genesis.header.time,
            ledger: Ledger::new(options.seed),
            immature: VecDeque::new(),
            samples: Samples::new(options.txs),
            totals: Totals {
                transactions: 1,
                outputs: 1,
                scripts: 1,
                ..Totals::default()
            },
            blocks: vec![BlockFact {
                hash: genesis.block_hash().to_string(),
                merkle_root: genesis.header.merkle_root.to_string(),
            }],
        }
    }

    /// Makes the next block and returns its bytes.
    fn block(&mut self, height: u32, transfers: u64) -> anyhow::Result<Vec<u8>> {
        let spends = self.spends(height, transfers)?;
        self.time += BLOCK_INTERVAL_SECS;
        let place = Place {
            previous: self.tip,
            height,
            time: self.time,
            note: self.seed,
        };
        let reward = block::subsidy(height) + spends.iter().map(|spend| spend.fee).sum::<u64>();
        let txs = spends.iter().map(|spend| spend.tx.clone()).collect();
        let block = assemble(&place, reward, script::MINER, txs);
        let coinbase = block.txdata.first().context("each block has a coinbase")?;
        self.record_coinbase(height, coinbase, reward);
        for (index, spend) in spends.iter().enumerate() {
            self.samples.record(height, index + 1, spend);
            self.count(&spend.tx, spend.inputs.len());
        }
        self.tip = block.block_hash();
        self.blocks.push(BlockFact {
            hash: self.tip.to_string(),
            merkle_root: block.header.merkle_root.to_string(),
        });
        let bytes = encode::serialize(&block);
        self.totals.bytes += u64::try_from(bytes.len())?;
        Ok(bytes)
    }

    fn spends(&mut self, height: u32, transfers: u64) -> anyhow::Result<Vec<Spend>> {
        let mut spends = Vec::new();
        if height > MATURITY {
            let coinbase = self.immature.pop_front();
            let coinbase = coinbase.context("each block has a coinbase")?;
            spends.push(self.ledger.fan_out(coinbase));
        }
        spends.extend((0..transfers).map(|_| self.ledger.transfer()));
        Ok(spends)
    }

    fn record_coinbase(&mut self, height: u32, tx: &Transaction, reward: u64) {
        let txid = tx.compute_txid();
        let paid = Unspent {
            txid,
            vout: 0,
            sats: reward,
            script: script::MINER,
        };
        self.samples.record(
            height,
            0,
            &Spend {
                tx: tx.clone(),
                txid,
                fee: 0,
                inputs: Vec::new(),
                outputs: vec![paid],
            },
        );
        self.immature.push_back(paid);
        self.count(tx, 0);
    }

    fn count(&mut self, tx: &Transaction, inputs: usize) {
        self.totals.transactions += 1;
        self.totals.inputs += u64::try_from(inputs).unwrap_or(u64::MAX);
        self.totals.outputs += u64::try_from(tx.output.len()).unwrap_or(u64::MAX);
    }

    fn into_facts(self) -> Facts {
        let scripts = self.totals.scripts + u64::from(self.ledger.script_count());
        let spendable = self
            .ledger
            .unspent()
            .filter(|unspent| unspent.sats >= SPENDABLE_SATS)
            .take(SPENDABLE)
            .map(Spendable::from)
            .collect();
        let mut facts = Facts {
            totals: Totals {
                scripts,
                ..self.totals
            },
            blocks: self.blocks,
            spendable,
            ..Facts::default()
        };
        self.samples.into_facts(&mut facts);
        facts
    }
}

impl From<&Unspent> for Spendable {
    fn from(unspent: &Unspent) -> Self {
        Self {
            txid: unspent.txid.to_string(),
            vout: unspent.vout,
            sats: unspent.sats,
            script: unspent.script,
        }
    }
}
