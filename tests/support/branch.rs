//! Blocks made to order, on whatever block the test says.

use std::time::{SystemTime, UNIX_EPOCH};

use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, Script, ScriptBuf, Sequence, Transaction,
    TxIn, TxMerkleNode, TxOut, Witness,
    absolute::LockTime,
    block::{Header, Version},
    blockdata::constants::genesis_block,
    hashes::Hash as _,
    script::Builder,
    transaction,
};

use crate::{Bitcoind, Lock, Spendable};

/// Half of all hashes are good enough on regtest.
const EASIEST: u32 = 0x207f_ffff;
/// Blocks until a coinbase can be spent.
const MATURITY: u64 = 100;
/// Blocks until regtest halves the subsidy.
const HALVING: u32 = 150;
/// How old the first block is: young enough for a node to see that it is up to date.
const AGE_SECS: u32 = 4 * 3600;

/// The end of a chain of blocks. A copy of it is where another branch can begin.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Hash of the last block.
    pub tip: BlockHash,
    /// Height of the last block.
    pub height: u32,
    time: u32,
    salt: u32,
}

impl Branch {
    /// Starts at regtest's genesis block.
    #[must_use]
    pub fn genesis() -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        Self {
            tip: genesis_block(bitcoin::Network::Regtest).block_hash(),
            height: 0,
            time: u32::try_from(now).unwrap() - AGE_SECS,
            salt: 0,
        }
    }

    /// Starts another branch here; `salt` makes its blocks differ from those of the others.
    #[must_use]
    pub fn fork(&self, salt: u32) -> Self {
        Self {
            salt,
            ..self.clone()
        }
    }

    /// Mines the next block: its subsidy goes to `payout`, its fees are burnt.
    pub fn next<'a>(
        &mut self,
        payout: &Script,
        txs: impl IntoIterator<Item = &'a Transaction>,
    ) -> Block {
        self.height += 1;
        self.time += 1;
        let mut block = Block {
            header: self.header(),
            txdata: vec![self.coinbase(payout)],
        };
        block.txdata.extend(txs.into_iter().cloned());
        commit_to_witnesses(&mut block);
        block.header.merkle_root = block.compute_merkle_root().unwrap();
        while block.header.validate_pow(block.header.target()).is_err() {
            block.header.nonce += 1;
        }
        self.tip = block.block_hash();
        block
    }

    /// Mines a block of `txs` that pays nobody known, and hands it to the node.
    pub fn mine<'a>(&mut self, node: &Bitcoind, txs: impl IntoIterator<Item = &'a Transaction>) {
        let block = self.next(&Lock::Bare(u64::MAX).script(), txs);
        node.submit(&block);
    }

    /// Starts a chain on a new node with `count` coinbases that can be spent, and gives these.
    #[must_use]
    pub fn funded(node: &Bitcoind, count: u64) -> (Self, Vec<Spendable>) {
        let mut chain = Self::genesis();
        let coins = chain.fund(node, count);
        (chain, coins)
    }

    fn fund(&mut self, node: &Bitcoind, count: u64) -> Vec<Spendable> {
        let locks = (0..count).map(|number| Lock::Segwit(1 << 32 | number));
        let coins = locks
            .map(|lock| {
                let block = self.next(&lock.script(), []);
                node.submit(&block);
                Spendable::find(&block.txdata[0], lock)
            })
            .collect();
        for _ in 0..MATURITY {
            self.mine(node, []);
        }
        coins
    }

    fn header(&self) -> Header {
        Header {
            version: Version::from_consensus(0x2000_0000),
            prev_blockhash: self.tip,
            merkle_root: TxMerkleNode::all_zeros(),
            time: self.time,
            bits: CompactTarget::from_consensus(EASIEST),
            nonce: 0,
        }
    }

    fn coinbase(&self, payout: &Script) -> Transaction {
        let subsidy = (50 * Amount::ONE_BTC.to_sat()) >> (self.height / HALVING);
        Transaction {
            version: transaction::Version::ONE,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::null(),
                script_sig: Builder::new()
                    .push_int(self.height.into())
                    .push_slice(self.salt.to_le_bytes())
                    .into_script(),
                sequence: Sequence::MAX,
                witness: Witness::from_slice(&[[0; 32]]),
            }],
            output: vec![TxOut {
                value: Amount::from_sat(subsidy),
                script_pubkey: payout.to_owned(),
            }],
        }
    }
}

/// Adds the output of BIP141 to the coinbase.
fn commit_to_witnesses(block: &mut Block) {
    let root = block.witness_root().unwrap();
    let commitment = Block::compute_witness_commitment(&root, &[0; 32]);
    let mut script = vec![0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];
    script.extend(commitment.to_byte_array());
    block.txdata[0].output.push(TxOut {
        value: Amount::ZERO,
        script_pubkey: ScriptBuf::from_bytes(script),
    });
}
