//! The BIP144 form against rust-bitcoin's decoder, and against bytes that mean harm.

use std::ops::ControlFlow;

use bitcoin::{Block, consensus::encode::serialize};
use electrode_coin::{BlockHash, Coin as _, CoinError, Height, Parsed, TxView};
use proptest::prelude::{any, prop, prop_assert_eq, proptest};

use crate::made::{expect_same, plain, transaction};

proptest! {
    #[test]
    fn reads_transactions_as_rust_bitcoin_does(tx in transaction()) {
        let raw = serialize(&tx);
        let mut seen = 0;
        let parsed = plain().parse_tx(&raw, &mut |view: &TxView<'_>| {
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
        let walked = plain().parse_block(Height(1), &raw, &mut |view: &TxView<'_>| {
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
            plain().parse_block(Height(1), &raw, &mut |_: &TxView<'_>| ControlFlow::Continue(()));
        let _parsed_or_refused =
            plain().parse_tx(&raw, &mut |_: &TxView<'_>| ControlFlow::Continue(()));
    }
}

#[test]
fn reads_the_genesis_block() {
    let block: Block = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
    let raw = serialize(&block);
    let coin = plain();
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
    let stopped = plain().parse_block(
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
    let parsed = plain().parse_tx(&raw, &mut |_: &TxView<'_>| ControlFlow::Continue(()));
    assert!(matches!(
        parsed,
        Err(CoinError::Malformed {
            what: "transaction",
            ..
        })
    ));
}
