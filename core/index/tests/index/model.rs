//! Random chains, and what a slow model that reads every block says of them.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{
    Amount, Block, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, absolute::LockTime,
    consensus::encode::serialize, constants::genesis_block, hashes::Hash as _,
    transaction::Version,
};
use electrode_coin::{BlockHash, Coin, Height, OutPoint, ScriptHash, ScriptKey, Txid};
use electrode_index::{BlockRows, IndexView, RawBlock};

/// Small numbers that look random and are the same every time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// A chain as a list of blocks, extended and cut at will.
pub(crate) struct Chain {
    pub(crate) blocks: Vec<Block>,
    dice: Dice,
}

impl Chain {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            blocks: vec![genesis_block(bitcoin::Network::Regtest)],
            dice: Dice::new(seed),
        }
    }

    pub(crate) fn tip(&self) -> Height {
        Height(u32::try_from(self.blocks.len() - 1).unwrap())
    }

    /// Adds a block with transactions that spend old outputs and each other's, in shuffled order.
    pub(crate) fn mine(&mut self) {
        let mut unspent: Vec<_> = self.unspent().into_iter().collect();
        let coinbase = self.coinbase();
        let mut txs = Vec::new();
        for _ in 0..self.dice.below(9) {
            let tx = self.payment(&mut unspent);
            txs.extend(tx);
        }
        for at in 1..txs.len() {
            txs.swap(at, self.dice.below(at + 1));
        }
        txs.insert(0, coinbase);
        let mut block = self.blocks[0].clone();
        block.header.prev_blockhash = self.blocks.last().unwrap().block_hash();
        block.header.nonce = u32::try_from(self.dice.below(1 << 30)).unwrap();
        self.blocks.push(block);
        self.replace_last(txs);
    }

    /// Puts other transactions into the last block.
    pub(crate) fn replace_last(&mut self, txs: Vec<Transaction>) {
        let block = self.blocks.last_mut().unwrap();
        block.txdata = txs;
        block.header.merkle_root = block.compute_merkle_root().unwrap();
    }

    /// Reads a block for the index, with or without the outputs it spends.
    pub(crate) fn rows(&self, height: usize, source: Source) -> BlockRows {
        let known = electrode_coins::KnownCoins::built_in();
        self.rows_of(
            &known.find("Bitcoin", "regtest").unwrap().coin,
            height,
            source,
        )
    }

    /// The same by the rules of another coin.
    pub(crate) fn rows_of(&self, coin: &dyn Coin, height: usize, source: Source) -> BlockRows {
        let hash = hash_of(&self.blocks[height]);
        let bytes = serialize(&self.blocks[height]);
        let body = match source {
            Source::BlockOnly => None,
            Source::WithSpent => Some(self.spent_body(height)),
        };
        let height = Height(u32::try_from(height).unwrap());
        let raw = RawBlock {
            height,
            hash,
            bytes: &bytes,
            spent: body.as_deref(),
        };
        BlockRows::read(coin, raw).unwrap()
    }

    /// Compares every answer of the index with what reading the blocks says.
    pub(crate) fn compare(&self, view: &IndexView) {
        let tip = view.tip().unwrap();
        assert_eq!(tip.height, self.tip());
        assert_eq!(tip.hash, hash_of(self.blocks.last().unwrap()));
        self.compare_blocks(view);
        let mut balances: BTreeMap<ScriptKey, u64> = BTreeMap::new();
        let mut unspent: BTreeMap<ScriptKey, Vec<(OutPoint, u64)>> = BTreeMap::new();
        let live = self.unspent();
        for (outpoint, output) in self.outputs() {
            let Some(key) = key_of(&output.script_pubkey) else {
                continue;
            };
            if live.contains_key(&outpoint) {
                *balances.entry(key).or_default() += output.value.to_sat();
                unspent
                    .entry(key)
                    .or_default()
                    .push((outpoint, output.value.to_sat()));
            }
        }
        for (key, history) in self.histories() {
            let answer = view
                .history(&key, electrode_coin::TxNum(0), usize::MAX)
                .unwrap();
            let answer: Vec<_> = answer.iter().map(|tx| (tx.txid, tx.height.0)).collect();
            assert_eq!(answer, history, "{key:?}");
            assert_eq!(
                view.balance(&key, usize::MAX).unwrap().0,
                *balances.entry(key).or_default()
            );
            let answer = view.unspent(&key, usize::MAX).unwrap();
            let answer: Vec<_> = answer.iter().map(|o| (o.outpoint, o.value.0)).collect();
            assert_eq!(answer, *unspent.entry(key).or_default(), "{key:?}");
        }
        self.compare_outputs(view, &live);
    }

    fn compare_blocks(&self, view: &IndexView) {
        let headers = view.headers(Height(0), 100_000).unwrap();
        assert_eq!(headers.iter().count(), self.blocks.len());
        for ((height, block), header) in (0..).zip(&self.blocks).zip(headers.iter()) {
            assert_eq!(header, serialize(&block.header));
            assert_eq!(view.block_hash(Height(height)), Some(hash_of(block)));
            let txids = view.block_txids(Height(height)).unwrap().unwrap();
            let expected: Vec<_> = block.txdata.iter().map(txid_of).collect();
            assert_eq!(txids, if height == 0 { Vec::new() } else { expected });
            for txid in txids {
                assert_eq!(view.find(&txid).unwrap().unwrap().height, Height(height));
            }
        }
        assert_eq!(view.block_txids(self.tip().next()).unwrap(), None);
        assert_eq!(view.find(&Txid([7; 32])).unwrap(), None);
    }

    fn compare_outputs(&self, view: &IndexView, live: &BTreeMap<OutPoint, TxOut>) {
        let spenders: BTreeMap<_, _> = self
            .transactions()
            .flat_map(|(_, tx)| {
                tx.input
                    .iter()
                    .map(move |input| (outpoint_of(input), txid_of(tx)))
            })
            .collect();
        for (outpoint, output) in self.outputs() {
            let spender = view.spender(&outpoint).unwrap().map(|tx| tx.txid);
            assert_eq!(spender, spenders.get(&outpoint).copied(), "{outpoint}");
            let found = view.outputs(&[outpoint]).unwrap()[0].map(|o| (o.script, o.value.0));
            let expected = live
                .contains_key(&outpoint)
                .then(|| key_of(&output.script_pubkey))
                .flatten()
                .map(|key| (key, output.value.to_sat()));
            assert_eq!(found, expected, "{outpoint}");
        }
    }

    /// Every transaction that can be spent from, with its height.
    pub(crate) fn transactions(&self) -> impl Iterator<Item = (u32, &Transaction)> {
        (0..)
            .zip(&self.blocks)
            .skip(1)
            .flat_map(|(height, block)| block.txdata.iter().map(move |tx| (height, tx)))
    }

    fn outputs(&self) -> impl Iterator<Item = (OutPoint, &TxOut)> {
        self.transactions().flat_map(|(_, tx)| {
            (0..).zip(&tx.output).map(|(vout, output)| {
                (
                    OutPoint {
                        txid: txid_of(tx),
                        vout,
                    },
                    output,
                )
            })
        })
    }

    fn unspent(&self) -> BTreeMap<OutPoint, TxOut> {
        let spent: BTreeSet<_> = self
            .transactions()
            .flat_map(|(_, tx)| tx.input.iter().map(outpoint_of))
            .collect();
        let spendable = |output: &TxOut| key_of(&output.script_pubkey).is_some();
        self.outputs()
            .filter(|(outpoint, output)| !spent.contains(outpoint) && spendable(output))
            .map(|(outpoint, output)| (outpoint, output.clone()))
            .collect()
    }

    fn histories(&self) -> BTreeMap<ScriptKey, Vec<(Txid, u32)>> {
        let scripts: BTreeMap<_, _> = self.outputs().collect();
        let mut histories: BTreeMap<ScriptKey, Vec<(Txid, u32)>> = BTreeMap::new();
        for (height, tx) in self.transactions() {
            let spent = tx
                .input
                .iter()
                .filter_map(|input| scripts.get(&outpoint_of(input)));
            let touched: BTreeSet<_> = spent
                .map(|output| &output.script_pubkey)
                .chain(tx.output.iter().map(|output| &output.script_pubkey))
                .filter_map(key_of)
                .collect();
            for key in touched {
                histories
                    .entry(key)
                    .or_default()
                    .push((txid_of(tx), height));
            }
        }
        histories
    }

    fn spent_body(&self, height: usize) -> Vec<u8> {
        let scripts: BTreeMap<_, _> = self.outputs().collect();
        let block = &self.blocks[height];
        let mut body = vec![u8::try_from(block.txdata.len()).unwrap()];
        for tx in &block.txdata {
            let inputs: Vec<_> = tx.input.iter().filter(|_| !tx.is_coinbase()).collect();
            body.push(u8::try_from(inputs.len()).unwrap());
            for input in inputs {
                body.extend(serialize(scripts[&outpoint_of(input)]));
            }
        }
        body
    }

    fn coinbase(&mut self) -> Transaction {
        let height = i64::try_from(self.blocks.len()).unwrap();
        let salt = i64::try_from(self.dice.below(1 << 30)).unwrap();
        let script = bitcoin::script::Builder::new()
            .push_int(height)
            .push_int(salt)
            .into_script();
        let input = TxIn {
            previous_output: bitcoin::OutPoint::null(),
            script_sig: script,
            sequence: Sequence::MAX,
            witness: Witness::new(),
        };
        transaction(vec![input], vec![self.output(50_000)])
    }

    /// Spends up to three unspent outputs; what it makes can be spent in the same block.
    fn payment(&mut self, unspent: &mut Vec<(OutPoint, TxOut)>) -> Option<Transaction> {
        let mut inputs = Vec::new();
        for _ in 0..=self.dice.below(3).min(unspent.len().checked_sub(1)?) {
            let (outpoint, _) = unspent.swap_remove(self.dice.below(unspent.len()));
            inputs.push(TxIn {
                previous_output: bitcoin::OutPoint {
                    txid: bitcoin::Txid::from_byte_array(outpoint.txid.0),
                    vout: outpoint.vout,
                },
                script_sig: ScriptBuf::new(),
                sequence: Sequence::MAX,
                witness: Witness::new(),
            });
        }
        let outputs = (0..=self.dice.below(4))
            .map(|n| self.output(n * 100))
            .collect();
        let tx = transaction(inputs, outputs);
        let made = (0..).zip(&tx.output).map(|(vout, output)| {
            (
                OutPoint {
                    txid: txid_of(&tx),
                    vout,
                },
                output.clone(),
            )
        });
        unspent.extend(made.filter(|(_, output)| key_of(&output.script_pubkey).is_some()));
        Some(tx)
    }

    /// Pays a hot, a reused or a fresh script, or none at all.
    fn output(&mut self, value: usize) -> TxOut {
        let script = match self.dice.below(10) {
            0 => vec![0x6a, 1, 2],
            1 => vec![0x00, 0x6a],
            2..=4 => vec![0x51],
            5..=7 => vec![0x52, u8::try_from(self.dice.below(20)).unwrap()],
            _ => self
                .dice
                .0
                .to_le_bytes()
                .iter()
                .map(|byte| byte | 1)
                .collect(),
        };
        TxOut {
            value: Amount::from_sat(u64::try_from(value + self.dice.below(1000)).unwrap()),
            script_pubkey: ScriptBuf::from_bytes(script),
        }
    }
}

/// What the index is given of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    BlockOnly,
    WithSpent,
}

fn transaction(input: Vec<TxIn>, output: Vec<TxOut>) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input,
        output,
    }
}

pub(crate) fn key_of(script: &ScriptBuf) -> Option<ScriptKey> {
    let bytes = script.as_bytes();
    let is_data = bytes.starts_with(&[0x6a]) || bytes.starts_with(&[0, 0x6a]);
    (!is_data).then(|| ScriptHash::of(bytes).key())
}

pub(crate) fn txid_of(tx: &Transaction) -> Txid {
    Txid(tx.compute_txid().to_byte_array())
}

fn outpoint_of(input: &TxIn) -> OutPoint {
    let bitcoin::OutPoint { txid, vout } = input.previous_output;
    OutPoint {
        txid: Txid(txid.to_byte_array()),
        vout,
    }
}

pub(crate) fn hash_of(block: &Block) -> BlockHash {
    BlockHash(block.block_hash().to_byte_array())
}
