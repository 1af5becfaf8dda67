//! Every answer about every script of a large chain, against answers worked out from the node.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use bitcoin::{OutPoint, ScriptBuf, Transaction};
use electrode_tests::{
    Bitcoind, Branch, Dice, Electrode, KnownBlock, LineClient, Lock, Oracle, Spendable,
    branch_root, parse_hash, pay, sats, show_hash,
};
use serde_json::{Value, json};

/// Transactions besides coinbases.
const TXS: usize = 21_000;
const TXS_PER_BLOCK: usize = 300;
const MEMPOOL_TXS: usize = 300;
const COINBASES: u64 = 40;
/// Scripts that take part in thousands of transactions each.
const HOT: u64 = 3;
/// Scripts that are used again and again.
const REUSED: u64 = 500;
/// Enough for any transaction here.
const FEE: u64 = 5_000;
/// An output below this is not worth splitting.
const SMALL: u64 = 100 * FEE;
/// Unconfirmed transactions here hang on one another more than a node usually allows.
const LONG_CHAINS: [&str; 4] = [
    "-limitancestorcount=1000",
    "-limitancestorsize=1000",
    "-limitdescendantcount=1000",
    "-limitdescendantsize=1000",
];

/// Makes transactions of every sort, each able to spend what any one before has created.
struct Economy {
    dice: Dice,
    coins: Vec<Spendable>,
    fresh: u64,
    /// Longest script, in bytes: nodes relay shorter ones than blocks may have.
    longest: usize,
}

/// No node refuses to relay a transaction for a script of this length.
const RELAYED_LEN: usize = 34;

impl Economy {
    fn new(coins: Vec<Spendable>) -> Self {
        Self {
            dice: Dice::new(20_260_805),
            coins,
            fresh: 1 << 20,
            longest: usize::MAX,
        }
    }

    fn transactions(&mut self, count: usize) -> Vec<Transaction> {
        (0..count).map(|_| self.transact()).collect()
    }

    fn transact(&mut self) -> Transaction {
        let inputs = self.take_coins();
        let total: u64 = inputs.iter().map(|coin| coin.value).sum();
        let parts = if total < SMALL {
            1
        } else {
            self.dice.pick(1..5)
        };
        let value = (total - FEE) / parts;
        let locks: Vec<Lock> = (0..parts).map(|_| self.lock()).collect();
        let scripts: Vec<ScriptBuf> = locks.iter().map(|lock| lock.script()).collect();
        let oddity = self.oddity();
        let outputs = scripts.iter().map(|script| (&**script, value));
        let outputs: Vec<_> = outputs
            .chain(oddity.as_deref().map(|script| (script, 0)))
            .collect();

        let tx = pay(&inputs, &outputs);
        let txid = tx.compute_txid();
        let created = (0_u32..).zip(locks).map(|(vout, lock)| {
            let outpoint = OutPoint { txid, vout };
            Spendable {
                outpoint,
                value,
                lock,
            }
        });
        self.coins.extend(created);
        tx
    }

    fn take_coins(&mut self) -> Vec<Spendable> {
        let mut taken = Vec::new();
        while taken.is_empty()
            || (taken.len() < 4 && self.coins.len() > 200 && self.dice.pick(0..2) == 0)
        {
            let at = self.dice.index(self.coins.len());
            taken.push(self.coins.swap_remove(at));
        }
        taken
    }

    fn lock(&mut self) -> Lock {
        let number = match self.dice.pick(0..10) {
            0..2 => self.dice.pick(0..HOT),
            2..6 => HOT + self.dice.pick(0..REUSED),
            _ => {
                self.fresh += 1;
                self.fresh
            }
        };
        if number % 3 == 0 {
            Lock::Bare(number)
        } else {
            Lock::Segwit(number)
        }
    }

    /// Now and then, scripts that nobody will spend.
    fn oddity(&mut self) -> Option<ScriptBuf> {
        let key = [
            &[2][..],
            &[7; 31],
            &[u8::try_from(self.dice.pick(0..256)).unwrap_or(0)],
        ]
        .concat();
        let bytes = match self.dice.pick(0..30) {
            0 => [&[0x6a, 32][..], &key[1..]].concat(),
            1 => [&[33][..], &key, &[0xac]].concat(),
            2 => [&[0x51, 33][..], &key, &[33], &key, &[0x52, 0xae]].concat(),
            3 => vec![0x51],
            4 => self.lock().script().into_bytes(),
            _ => return None,
        };
        Some(ScriptBuf::from_bytes(bytes)).filter(|script| script.len() <= self.longest)
    }
}

#[test]
fn answers_like_the_oracle_about_every_script() {
    let node = Bitcoind::start_on("regtest", &LONG_CHAINS);
    let (mut chain, coins) = Branch::funded(&node, COINBASES);
    let mut economy = Economy::new(coins);
    for _ in 0..TXS.div_ceil(TXS_PER_BLOCK) {
        let txs = economy.transactions(TXS_PER_BLOCK);
        let block = chain.next(&economy.lock().script(), &txs);
        node.submit(&block);
    }
    economy.longest = RELAYED_LEN;
    for tx in economy.transactions(MEMPOOL_TXS) {
        node.send(&tx);
    }
    let mut server = Electrode::serve(&node);
    Oracle::wait_agree(&node, &mut server);

    let oracle = Oracle::read(&node);
    check_the_oracle(&oracle, &node);
    let mut client = server.client();
    check_histogram(&node, &client.call("mempool.get_fee_histogram", &json!([])));
    for block in oracle.blocks.iter().rev().step_by(10) {
        check_proofs(block, &mut client);
    }
    server.stop();
    server.verify();
}

/// The oracle itself must be right, and the chain worth asking about.
fn check_the_oracle(oracle: &Oracle, node: &Bitcoind) {
    let info = node.rpc("gettxoutsetinfo", &json!(["none"]));
    assert_eq!(sats(&info["total_amount"]), oracle.total());
    let txs: usize = oracle.blocks.iter().map(|block| block.txids.len()).sum();
    assert!(txs >= 20_000, "{txs} transactions");
    assert!(
        oracle.longest_history() > 2000,
        "longest history {}",
        oracle.longest_history()
    );
    assert_eq!(node.mempool().len(), MEMPOOL_TXS);
}

/// Fee rates fall from bin to bin; the cheapest transactions may be too few for a bin.
fn check_histogram(node: &Bitcoind, histogram: &Value) {
    let bins: Vec<(f64, u64)> = serde_json::from_value(histogram.clone()).unwrap();
    assert!(bins.windows(2).all(|two| two[0].0 > two[1].0), "{bins:?}");
    let binned: u64 = bins.iter().map(|(_, size)| size).sum();
    let size = node.rpc("getmempoolinfo", &json!([]))["bytes"]
        .as_u64()
        .unwrap();
    assert!(
        binned <= size && binned > size / 4,
        "{binned} of {size} vB: {bins:?}"
    );
}

/// Every transaction of a block is proven to be where the node says.
fn check_proofs(block: &KnownBlock, client: &mut LineClient) {
    let header = client.call("blockchain.block.header", &json!([block.height]));
    let header: bitcoin::block::Header =
        bitcoin::consensus::encode::deserialize_hex(header.as_str().unwrap()).unwrap();
    assert_eq!(header.block_hash().to_string(), block.hash);

    let root = header.merkle_root.to_string();
    let by_txid = block.txids.iter().map(|txid| {
        (
            "blockchain.transaction.get_merkle",
            json!([txid, block.height]),
        )
    });
    let by_position = (0..block.txids.len()).map(|position| {
        (
            "blockchain.transaction.id_from_pos",
            json!([block.height, position, true]),
        )
    });
    let by_txid = client.call_each(by_txid);
    let by_position = client.call_each(by_position);
    let answers = by_txid.iter().zip(&by_position);
    for ((position, txid), (proof, named)) in block.txids.iter().enumerate().zip(answers) {
        let (proof, named) = (proof.as_ref().unwrap(), named.as_ref().unwrap());
        assert_eq!(
            (&proof["pos"], &proof["block_height"]),
            (&json!(position), &json!(block.height))
        );
        assert_eq!(
            (&named["tx_hash"], &named["merkle"]),
            (&json!(txid), &proof["merkle"])
        );
        assert_eq!(proven_root(txid, &proof["merkle"], position), root);
    }
}

fn proven_root(txid: &str, merkle: &Value, position: usize) -> String {
    let hashes = merkle
        .as_array()
        .unwrap()
        .iter()
        .map(|hash| parse_hash(hash.as_str().unwrap()));
    show_hash(branch_root(
        parse_hash(txid),
        &hashes.collect::<Vec<_>>(),
        position,
    ))
}
