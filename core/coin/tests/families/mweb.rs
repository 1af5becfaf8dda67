//! Transactions and blocks of a chain with `MimbleWimble` extension blocks.

use std::ops::ControlFlow;

use bitcoin::{Transaction, consensus::encode::serialize, hashes::Hash as _};
use electrode_coin::{Coin as _, CoinError, Height, Parsed, TransactionFamily, TxView, Txid};
use proptest::prelude::{any, prop_assert_eq, proptest};

use crate::made::{
    PLAIN_LEN, block_of, expect_same, payment, transaction, with_transactions, witnessed,
};

/// Writes a transaction with flag 8 and an extension.
pub(crate) fn extended(tx: &Transaction, extension: &[u8]) -> Vec<u8> {
    let plain = serialize(tx);
    let has_witness = tx.input.iter().any(|input| !input.witness.is_empty());
    let (flag, body) = match has_witness {
        true => (9, &plain[6..]),
        false => (8, &plain[4..]),
    };
    let (body, lock_time) = body.split_at(body.len() - 4);
    [&plain[..4], &[0, flag], body, extension, lock_time].concat()
}

fn parse(raw: &[u8]) -> Result<Parsed, CoinError> {
    let coin = with_transactions(TransactionFamily::Mweb);
    coin.parse_tx(raw, &mut |_: &TxView<'_>| ControlFlow::Continue(()))
}

proptest! {
    #[test]
    fn reads_plain_transactions_as_ever(tx in transaction()) {
        let coin = with_transactions(TransactionFamily::Mweb);
        let parsed = coin.parse_tx(&serialize(&tx), &mut |view: &TxView<'_>| {
            expect_same(&tx, view);
            ControlFlow::Continue(())
        });
        prop_assert_eq!(parsed, Ok(Parsed::Tx));
    }

    #[test]
    fn reads_blocks_with_an_extension_behind(
        tx in transaction(),
        last in transaction(),
        extension_block in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let plain = serialize(&block_of(vec![tx.clone()]));
        let mut raw = plain.clone();
        raw[PLAIN_LEN] = 2;
        let last_at = raw.len();
        raw.extend(extended(&last, &[0]));
        raw.extend(extension_block);
        let mut seen = Vec::new();
        let coin = with_transactions(TransactionFamily::Mweb);
        let walked = coin.parse_block(Height(9), &raw, &mut |view: &TxView<'_>| {
            seen.push((view.txid, view.offset, view.len, view.vsize));
            ControlFlow::Continue(())
        });
        prop_assert_eq!(walked, Ok(()));
        prop_assert_eq!(seen.len(), 2);
        prop_assert_eq!(seen[0].0, Txid(tx.compute_txid().to_byte_array()));
        let len = extended(&last, &[0]).len();
        let txid = Txid(last.compute_txid().to_byte_array());
        prop_assert_eq!(seen[1], (txid, last_at, len, last.vsize()));
    }
}

#[test]
fn skips_what_only_the_extension_block_shows() {
    for tx in [payment(), witnessed()] {
        let raw = extended(&tx, &[1, 2, 3, 4]);
        assert!(matches!(parse(&raw), Ok(Parsed::Skip(_))), "{raw:02x?}");
    }
    let kernel_only = [&[2, 0, 0, 0, 0, 8, 0, 0, 1][..], &[7; 40]].concat();
    assert!(matches!(parse(&kernel_only), Ok(Parsed::Skip(_))));
}

#[test]
fn refuses_in_a_block_what_belongs_into_its_extension() {
    let mut raw = serialize(&block_of(vec![payment()]))[..=PLAIN_LEN].to_vec();
    raw.extend(extended(&payment(), &[1, 2, 3, 4]));
    let coin = with_transactions(TransactionFamily::Mweb);
    let walked = coin.parse_block(Height(9), &raw, &mut |_: &TxView<'_>| {
        ControlFlow::Continue(())
    });
    let expected = CoinError::Malformed {
        what: "block",
        offset: PLAIN_LEN + 1,
    };
    assert_eq!(walked, Err(expected));
}

#[test]
fn knows_no_flags_but_those_of_its_family() {
    let views = |family, raw: &[u8]| {
        let coin = with_transactions(family);
        coin.parse_tx(raw, &mut |_: &TxView<'_>| ControlFlow::Continue(()))
    };
    let witnessed = serialize(&witnessed());
    assert!(views(TransactionFamily::Segwit, &witnessed).is_ok());
    assert!(views(TransactionFamily::Legacy, &witnessed).is_err());
    let extended = extended(&payment(), &[0]);
    assert_eq!(views(TransactionFamily::Mweb, &extended), Ok(Parsed::Tx));
    assert!(views(TransactionFamily::Segwit, &extended).is_err());
    let custom = views(TransactionFamily::Custom, &witnessed);
    assert_eq!(
        custom,
        Err(CoinError::NoCode {
            key: "transactions"
        })
    );
}
