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
    ops::RangeInclusive,
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
/// Transactions of the chain that the figures in the README are about, the genesis block's left out.
pub(crate) const REFERENCE_TRANSACTIONS: u64 = 1_200_000;
/// Blocks of a chain, unless its transactions need more.
const FEWEST_BLOCKS: u32 = 700;
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
    #[command(flatten)]
    size: Size,
}

/// How large a chain is, and which one of that size.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Size {
    /// Transactions in all, coinbases included.
    #[arg(long, default_value_t = REFERENCE_TRANSACTIONS)]
    pub transactions: u64,
    /// Blocks after the genesis block; 700, or as many as the transactions need.
    #[arg(long)]
    pub blocks: Option<u32>,
    /// The same seed gives the same chain.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Writes the chain and its facts.
pub(crate) fn generate(options: &Options) -> anyhow::Result<()> {
    let mut blocks = Blocks::plan(options.size)?;
    fs::create_dir_all(&options.out)?;
    let file = File::create(options.out.join(BLOCKS_FILE))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    for block in &mut blocks {
        let block = block?;
        file.write_all(&Network::Regtest.magic().to_bytes())?;
        file.write_all(&u32::try_from(block.len())?.to_le_bytes())?;
        file.write_all(&block)?;
    }
    file.flush()?;
    let facts = blocks.generator.into_facts();
    facts.write(&options.out)?;
    println!("{}", serde_json::to_string(&facts.totals)?);
    Ok(())
}

/// Gives the serialised blocks of a chain by height, the genesis block first.
///
/// Cost: the whole chain in memory.
///
/// # Errors
/// The transactions do not fit the blocks.
pub fn blocks(size: Size) -> anyhow::Result<Vec<Vec<u8>>> {
    let genesis = encode::serialize(&genesis_block(Network::Regtest));
    std::iter::once(Ok(genesis))
        .chain(Blocks::plan(size)?)
        .collect()
}

/// The blocks of a chain after the genesis block, serialised, in chain order.
struct Blocks {
    heights: RangeInclusive<u32>,
    transfers: Transfers,
    generator: Generator,
}

impl Blocks {
    fn plan(size: Size) -> anyhow::Result<Self> {
        let blocks = size.blocks()?;
        Ok(Self {
            heights: 1..=blocks,
            transfers: Transfers::plan(size.transactions, blocks)?,
            generator: Generator::new(size),
        })
    }
}

impl Iterator for Blocks {
    type Item = anyhow::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let height = self.heights.next()?;
        Some(self.generator.block(height, self.transfers.at(height)))
    }
}

impl Size {
    fn blocks(&self) -> anyhow::Result<u32> {
        let full = u32::try_from(self.transactions.div_ceil(MAX_TXS_PER_BLOCK))?;
        let fewest = FEWEST_BLOCKS.max(full.saturating_add(MATURITY));
        Ok(self.blocks.unwrap_or(fewest))
    }
}

/// How many transfers each block holds.
struct Transfers {
    total: u64,
    blocks: u64,
}

impl Transfers {
    fn plan(transactions: u64, all_blocks: u32) -> anyhow::Result<Self> {
        let blocks = u64::from(all_blocks.saturating_sub(MATURITY));
        ensure!(
            blocks > 0,
            "--blocks must be above {MATURITY}: a coinbase cannot be spent before, got {all_blocks}"
        );
        // Each block has a coinbase, and after maturity a transaction that spends one.
        let others = u64::from(all_blocks) + blocks;
        let total = transactions.saturating_sub(others);
        ensure!(
            total / blocks < MAX_TXS_PER_BLOCK,
            "--transactions {transactions} do not fit {blocks} blocks of {MAX_TXS_PER_BLOCK}: \
             raise --blocks"
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
    fn new(size: Size) -> Self {
        let genesis = genesis_block(Network::Regtest);
        Self {
            seed: size.seed,
            tip: genesis.block_hash(),
            time: genesis.header.time,
            ledger: Ledger::new(size.seed),
            immature: VecDeque::new(),
            samples: Samples::new(size.transactions),
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
