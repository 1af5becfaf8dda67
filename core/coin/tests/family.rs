//! The family parser against rust-bitcoin's decoder, and against bytes that mean harm.

use std::ops::ControlFlow;

use bitcoin::{
    Amount, Block, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness,
    consensus::encode::serialize, hashes::Hash as _,
};
use electrode_coin::{
    BlockHash, Coin, CoinError, Descriptor, FamilyCoin, Height, OutPoint, Parsed, TxView,
};
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

fn coin() -> FamilyCoin {
    FamilyCoin::new(Descriptor {
        coin: "Bitcoin".into(),
        net: "regtest".into(),
        chain: "regtest".into(),
        ..Descriptor::default()
    })
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

fn transaction() -> impl Strategy<Value = Transaction> {
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
fn expect_same(tx: &Transaction, view: &TxView<'_>) {
    assert_eq!(view.txid.0, tx.compute_txid().to_byte_array());
    assert_eq!(view.len, tx.total_size());
    assert_eq!(view.vsize, tx.vsize());
    let inputs: Vec<OutPoint> = tx
        .input
        .iter()
        .map(|input| OutPoint {
            txid: electrode_coin::Txid(input.previous_output.txid.to_byte_array()),
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

proptest! {
    #[test]
    fn reads_transactions_as_rust_bitcoin_does(tx in transaction()) {
        let raw = serialize(&tx);
        let mut seen = 0;
        let parsed = coin().parse_tx(&raw, &mut |view: &TxView<'_>| {
            expect_same(&tx, view);
            seen += 1;
            ControlFlow::Continue(())
        });
        prop_assert_eq!(parsed, Ok(Parsed::Tx));
        prop_assert_eq!(seen, 1);
    }

    #[test]
    fn reads_blocks_with_trailing_bytes(
        txs in proptest::collection::vec(transaction(), 1..6),
        trailing in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let mut block = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
        block.txdata = txs;
        let raw = [serialize(&block), trailing].concat();
        let mut seen = Vec::new();
        let walked = coin().parse_block(Height(1), &raw, &mut |view: &TxView<'_>| {
            expect_same(&block.txdata[seen.len()], view);
            seen.push((view.offset, view.len));
            ControlFlow::Continue(())
        });
        prop_assert_eq!(walked, Ok(()));
        prop_assert_eq!(seen.len(), block.txdata.len());
        for ((offset, len), tx) in seen.iter().zip(&block.txdata) {
            prop_assert_eq!(&raw[*offset..offset + len], &serialize(tx)[..]);
        }
    }

    #[test]
    fn survives_cut_and_flipped_blocks(
        txs in proptest::collection::vec(transaction(), 1..4),
        cut in any::<prop::sample::Index>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut block = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
        block.txdata = txs;
        let mut raw = serialize(&block);
        for (at, mask) in flips {
            let at = at.index(raw.len());
            raw[at] ^= mask;
        }
        raw.truncate(cut.index(raw.len() + 1));
        let _parsed_or_refused =
            coin().parse_block(Height(1), &raw, &mut |_: &TxView<'_>| ControlFlow::Continue(()));
        let _parsed_or_refused =
            coin().parse_tx(&raw, &mut |_: &TxView<'_>| ControlFlow::Continue(()));
    }
}

use proptest::prelude::prop;

#[test]
fn reads_the_genesis_block() {
    let block: Block = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
    let raw = serialize(&block);
    let coin = coin();
    let header = &raw[..coin.header_len(Height(0), &raw).unwrap()];
    let hash = coin.header_hash(Height(0), header).unwrap().unwrap();
    assert_eq!(
        hash.to_string(),
        "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
    );
    assert_eq!(coin.header_prev(header).unwrap(), BlockHash::default());
    let mut coinbases = 0;
    coin.parse_block(Height(0), &raw, &mut |view: &TxView<'_>| {
        coinbases += usize::from(view.is_coinbase());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(coinbases, 1);
}

#[test]
fn stops_when_the_sink_says_so() {
    let raw = serialize(&bitcoin::constants::genesis_block(
        bitcoin::Network::Regtest,
    ));
    let stopped = coin().parse_block(
        Height(0),
        &raw,
        &mut |_: &TxView<'_>| ControlFlow::Break(()),
    );
    assert_eq!(stopped, Err(CoinError::Stopped));
}

#[test]
fn refuses_bytes_behind_a_lone_transaction() {
    let block = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
    let raw = [serialize(&block.txdata[0]), vec![0]].concat();
    let parsed = coin().parse_tx(&raw, &mut |_: &TxView<'_>| ControlFlow::Continue(()));
    assert!(matches!(
        parsed,
        Err(CoinError::Malformed {
            what: "transaction",
            ..
        })
    ));
}
