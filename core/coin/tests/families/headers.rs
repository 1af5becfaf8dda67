//! Headers of a length other than 80, and of one that changes on the way.

use std::ops::ControlFlow;

use electrode_coin::{
    BlockHash, Coin as _, CoinError, Descriptor, FamilyCoin, HeaderFamily, HeaderHash, HeaderStep,
    Height, Parsed, TxView, sha256d,
};
use proptest::prelude::{prop_assert_eq, proptest};

use crate::made::{behind, block_of, transaction};

pub(crate) fn fixed(len: usize) -> FamilyCoin {
    FamilyCoin::new(Descriptor {
        header: HeaderFamily::Fixed { len },
        header_hash: HeaderHash::Sha256d { len },
        ..Descriptor::default()
    })
}

/// From 80 to 120 bytes at height 100, as where `KawPow` came.
pub(crate) fn stepped() -> FamilyCoin {
    let steps = [(0, 80), (100, 120)].map(|(from, len)| HeaderStep {
        from: Height(from),
        len,
    });
    FamilyCoin::new(Descriptor {
        header: HeaderFamily::Stepped {
            steps: steps.to_vec(),
        },
        header_hash: HeaderHash::Daemon,
        ..Descriptor::default()
    })
}

fn count(coin: &FamilyCoin, height: Height, raw: &[u8]) -> Result<usize, CoinError> {
    let mut seen = 0;
    coin.parse_block(height, raw, &mut |_: &TxView<'_>| {
        seen += 1;
        ControlFlow::Continue(())
    })?;
    Ok(seen)
}

proptest! {
    #[test]
    fn reads_headers_of_any_fixed_length(
        len in 80..200_usize,
        txs in proptest::collection::vec(transaction(), 1..4),
    ) {
        let header = vec![8; len];
        let coin = fixed(len);
        let raw = behind(&header, &block_of(txs.clone()));
        prop_assert_eq!(coin.header_len(Height(1), &raw), Ok(len));
        let hash = BlockHash(sha256d(&header));
        prop_assert_eq!(coin.header_hash(Height(1), &header), Ok(Some(hash)));
        prop_assert_eq!(&coin.client_header(Height(1), &header)[..], &header[..]);
        prop_assert_eq!(count(&coin, Height(1), &raw), Ok(txs.len()));
        prop_assert_eq!(coin.header_len(Height(1), &raw[..len - 1]).is_err(), true);
    }

    #[test]
    fn steps_from_one_length_to_the_next(
        height in 0..200_u32,
        txs in proptest::collection::vec(transaction(), 1..4),
    ) {
        let len = if height < 100 { 80 } else { 120 };
        let raw = behind(&vec![8; len], &block_of(txs.clone()));
        prop_assert_eq!(count(&stepped(), Height(height), &raw), Ok(txs.len()));
    }
}

#[test]
fn leaves_the_hash_to_the_node_where_told() {
    assert_eq!(stepped().header_hash(Height(1), &[8; 80]), Ok(None));
}

#[test]
fn leaves_to_code_what_is_custom() {
    let coin = FamilyCoin::new(Descriptor {
        header: HeaderFamily::Custom {},
        header_hash: HeaderHash::Custom,
        ..Descriptor::default()
    });
    let no_code = |key| Err(CoinError::NoCode { key });
    assert_eq!(coin.header_len(Height(1), &[8; 80]), no_code("header"));
    let hash = coin.header_hash(Height(1), &[8; 80]).map(|_| ());
    assert_eq!(hash, no_code("header_hash").map(|_: usize| ()));
    let parsed = coin.parse_tx(&[], &mut |_: &TxView<'_>| ControlFlow::Continue(()));
    assert_ne!(parsed, Ok(Parsed::Tx));
}
