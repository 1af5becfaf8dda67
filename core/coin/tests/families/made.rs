//! Coins, transactions and blocks made to order.

use bitcoin::{
    Amount, Block, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness,
    consensus::encode::serialize, hashes::Hash as _,
};
use electrode_coin::{Descriptor, FamilyCoin, OutPoint, TransactionFamily, TxView, Txid};
use proptest::prelude::{Strategy, any};

/// Bytes of a header as Bitcoin has it.
pub(crate) const PLAIN_LEN: usize = 80;

/// A coin like Bitcoin.
pub(crate) fn plain() -> FamilyCoin {
    FamilyCoin::new(Descriptor::default())
}

/// A coin whose transactions are of another family.
pub(crate) fn with_transactions(transactions: TransactionFamily) -> FamilyCoin {
    FamilyCoin::new(Descriptor {
        transactions,
        ..Descriptor::default()
    })
}

/// A block of these transactions behind a header of 80 bytes.
pub(crate) fn block_of(txs: Vec<Transaction>) -> Block {
    let mut block = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
    block.txdata = txs;
    block
}

/// The same behind another header.
pub(crate) fn behind(header: &[u8], block: &Block) -> Vec<u8> {
    [header, &serialize(block)[PLAIN_LEN..]].concat()
}

/// A payment without witness that is the same every time.
pub(crate) fn payment() -> Transaction {
    Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::from_consensus(7),
        input: vec![TxIn {
            previous_output: bitcoin::OutPoint {
                txid: bitcoin::Txid::from_byte_array([9; 32]),
                vout: 1,
            },
            script_sig: ScriptBuf::from_bytes(vec![0x51; 30]),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value: Amount::from_sat(5_000),
            script_pubkey: ScriptBuf::from_bytes(vec![0x52; 22]),
        }],
    }
}

/// The same with a witness.
pub(crate) fn witnessed() -> Transaction {
    let mut tx = payment();
    tx.input[0].witness = Witness::from_slice(&[vec![1; 71], vec![2; 33]]);
    tx
}

fn input() -> impl Strategy<Value = TxIn> {
    let witness = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..4);
    (
        any::<[u8; 32]>(),
        any::<u32>(),
        proptest::collection::vec(any::<u8>(), 0..300),
        witness,
    )
        .prop_map(|(txid, vout, script, witness)| TxIn {
            previous_output: bitcoin::OutPoint {
                txid: bitcoin::Txid::from_byte_array(txid),
                vout,
            },
            script_sig: ScriptBuf::from_bytes(script),
            sequence: Sequence::MAX,
            witness: Witness::from_slice(&witness),
        })
}

/// Makes transactions of every form.
pub(crate) fn transaction() -> impl Strategy<Value = Transaction> {
    let output = (
        0..2_100_000_000_000_000_u64,
        proptest::collection::vec(any::<u8>(), 0..300),
    )
        .prop_map(|(value, script)| TxOut {
            value: Amount::from_sat(value),
            script_pubkey: ScriptBuf::from_bytes(script),
        });
    (
        any::<i32>(),
        proptest::collection::vec(input(), 1..5),
        proptest::collection::vec(output, 1..5),
        any::<u32>(),
    )
        .prop_map(|(version, input, output, lock_time)| Transaction {
            version: bitcoin::transaction::Version(version),
            lock_time: bitcoin::absolute::LockTime::from_consensus(lock_time),
            input,
            output,
        })
}

/// What rust-bitcoin says of a transaction, in the words of a view.
pub(crate) fn expect_same(tx: &Transaction, view: &TxView<'_>) {
    assert_eq!(view.txid.0, tx.compute_txid().to_byte_array());
    assert_eq!(view.len, tx.total_size());
    assert_eq!(view.vsize, tx.vsize());
    let inputs: Vec<OutPoint> = tx
        .input
        .iter()
        .map(|input| OutPoint {
            txid: Txid(input.previous_output.txid.to_byte_array()),
            vout: input.previous_output.vout,
        })
        .collect();
    assert_eq!(view.inputs, inputs);
    assert_eq!(view.outputs.len(), tx.output.len());
    for (seen, made) in view.outputs.iter().zip(&tx.output) {
        assert_eq!(seen.value.0, made.value.to_sat());
        assert_eq!(seen.script, made.script_pubkey.as_bytes());
    }
}
