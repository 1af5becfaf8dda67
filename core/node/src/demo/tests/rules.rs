//! Which transactions the demonstration node takes.

use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness,
    absolute::LockTime,
    secp256k1::{All, Secp256k1},
};

use crate::demo::{
    World,
    accept::Refusal,
    chain::Chain,
    wallet::{Kind, Wallet},
};

/// What the transactions of a test spend.
struct Spender {
    chain: Chain,
    secp: Secp256k1<All>,
    wallet: Wallet,
}

impl Spender {
    fn new(name: &'static str, kind: Kind) -> Self {
        let secp = Secp256k1::new();
        let wallet = Wallet::new(&secp, name, kind);
        Self {
            chain: World::new().chain,
            secp,
            wallet,
        }
    }

    /// Sends the whole of the wallet's first coin back to it, but for the fee; changed before it
    /// is signed.
    fn spend(&self, change: impl Fn(&mut Transaction)) -> Transaction {
        let (outpoint, coin) = self.chain.coins_of(&self.wallet.script).next().unwrap();
        let value = coin.output.value - Amount::from_sat(1000);
        let mut tx = Transaction {
            version: bitcoin::transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: *outpoint,
                sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                ..TxIn::default()
            }],
            output: vec![TxOut {
                value,
                script_pubkey: self.wallet.script.clone(),
            }],
        };
        change(&mut tx);
        self.wallet
            .sign(&self.secp, &mut tx, std::slice::from_ref(&coin.output));
        tx
    }

    fn refusal(&mut self, tx: Transaction) -> (i64, String) {
        let Refusal { code, message } = self.chain.submit(tx).unwrap_err();
        (code, message)
    }
}

const KINDS: [(&str, Kind); 4] = [
    ("alice", Kind::P2wpkh),
    ("bob", Kind::P2tr),
    ("carol", Kind::P2pkh),
    ("dave", Kind::P2shP2wpkh),
];

#[test]
fn takes_what_is_signed_and_nothing_else() {
    for (name, kind) in KINDS {
        let mut spender = Spender::new(name, kind);
        let tx = spender.spend(|_| ());
        let mut altered = tx.clone();
        altered.output[0].value -= Amount::ONE_SAT;
        let (code, message) = spender.refusal(altered);
        assert!(
            code == -26 && message.contains("CHECK(MULTI)SIG"),
            "{name}: {code} {message}"
        );
        let mut unsigned = tx.clone();
        unsigned.input[0].script_sig = ScriptBuf::new();
        unsigned.input[0].witness = Witness::new();
        assert_eq!(spender.refusal(unsigned).0, -26, "{name}");
        assert_eq!(
            spender.chain.submit(tx.clone()),
            Ok(tx.compute_txid()),
            "{name}"
        );
        assert_eq!(
            spender.chain.submit(tx.clone()),
            Ok(tx.compute_txid()),
            "{name}, again"
        );
    }
}

#[test]
fn refuses_what_breaks_a_rule() {
    type Change = fn(&mut Transaction);
    let rules: [(Change, i64, &str); 8] = [
        (
            |tx| tx.output[0].value += Amount::from_sat(1000),
            -26,
            "min relay fee not met, 0 < ",
        ),
        (
            |tx| tx.output[0].value += Amount::from_sat(1001),
            -26,
            "bad-txns-in-belowout, value in (",
        ),
        (|tx| tx.output[0].value = Amount::ONE_SAT, -26, "dust"),
        (
            |tx| tx.output[0].value = Amount::MAX,
            -26,
            "bad-txns-vout-toolarge",
        ),
        (|tx| tx.output.clear(), -26, "bad-txns-vout-empty"),
        (
            |tx| tx.input.push(tx.input[0].clone()),
            -26,
            "bad-txns-inputs-duplicate",
        ),
        (
            |tx| tx.input[0].previous_output.vout = 99,
            -25,
            "bad-txns-inputs-missingorspent",
        ),
        (
            |tx| tx.lock_time = LockTime::from_height(141).unwrap(),
            -26,
            "non-final",
        ),
    ];
    let mut spender = Spender::new("alice", Kind::P2wpkh);
    for (change, code, message) in rules {
        let tx = spender.spend(change);
        let told = spender.refusal(tx);
        assert!(
            told.0 == code && told.1.starts_with(message),
            "{told:?}, expected {message}"
        );
    }
}

#[test]
fn refuses_what_is_spent_mined_or_too_young() {
    let mut spender = Spender::new("alice", Kind::P2wpkh);
    let tx = spender.spend(|_| ());
    let rival = spender.spend(|tx| tx.output[0].value -= Amount::from_sat(1000));
    spender.chain.submit(tx.clone()).unwrap();
    assert_eq!(
        spender.refusal(rival.clone()),
        (-26, "txn-mempool-conflict".to_owned())
    );
    spender.chain.mine(0, ScriptBuf::new());
    assert_eq!(spender.refusal(tx).0, -27);
    assert_eq!(
        spender.refusal(rival),
        (-25, "bad-txns-inputs-missingorspent".to_owned())
    );

    let mut miner = Spender::new("miner", Kind::P2wpkh);
    let newest = miner.chain.tip_block().coinbase().unwrap().compute_txid();
    let young = miner.spend(|tx| tx.input[0].previous_output = OutPoint::new(newest, 0));
    assert_eq!(
        miner.refusal(young).1,
        "bad-txns-premature-spend-of-coinbase"
    );
}
