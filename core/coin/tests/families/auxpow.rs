//! Headers with a proof of merged mining behind them.

use std::ops::ControlFlow;

use bitcoin::{Transaction, consensus::encode::serialize};
use electrode_coin::{
    BlockHash, Coin as _, Descriptor, FamilyCoin, HeaderFamily, Height, TxView, sha256d,
};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use crate::made::{PLAIN_LEN, behind, block_of, expect_same, transaction, witnessed};

pub(crate) fn coin() -> FamilyCoin {
    FamilyCoin::new(Descriptor {
        header: HeaderFamily::AuxPow {},
        ..Descriptor::default()
    })
}

/// A header whose version says whether a proof follows, and that proof.
pub(crate) fn header(version: u32, coinbase: &Transaction, branches: [usize; 2]) -> Vec<u8> {
    let mut header = [&version.to_le_bytes()[..], &[3; PLAIN_LEN - 4]].concat();
    if version & 0x100 != 0 {
        header.extend(serialize(coinbase));
        header.extend([4; 32]);
        for hashes in branches {
            header.push(u8::try_from(hashes).unwrap());
            header.extend(vec![5; 32 * hashes]);
            header.extend([6; 4]);
        }
        header.extend([7; PLAIN_LEN]);
    }
    header
}

proptest! {
    #[test]
    fn measures_headers_by_what_they_say(
        version in any::<u32>(),
        coinbase in transaction(),
        branches in [0..30_usize, 0..30_usize],
        txs in proptest::collection::vec(transaction(), 1..4),
    ) {
        let header = header(version, &coinbase, branches);
        let raw = behind(&header, &block_of(txs.clone()));
        let height = Height(9);
        let coin = coin();
        prop_assert_eq!(coin.header_len(height, &raw), Ok(header.len()));
        prop_assert_eq!(
            coin.header_hash(height, &header),
            Ok(Some(BlockHash(sha256d(&header[..PLAIN_LEN]))))
        );
        prop_assert_eq!(coin.header_prev(&header), Ok(BlockHash([3; 32])));
        prop_assert_eq!(&coin.client_header(height, &header)[..], &header[..PLAIN_LEN]);

        let mut seen = 0;
        let walked = coin.parse_block(height, &raw, &mut |view: &TxView<'_>| {
            expect_same(&txs[seen], view);
            seen += 1;
            ControlFlow::Continue(())
        });
        prop_assert_eq!(walked, Ok(()));
        prop_assert_eq!(seen, txs.len());
    }

    #[test]
    fn refuses_cut_headers(cut in any::<proptest::sample::Index>()) {
        let header = header(0x101, &witnessed(), [2, 3]);
        let cut = &header[..cut.index(header.len())];
        prop_assert!(coin().header_len(Height(9), cut).is_err());
    }
}

#[test]
fn refuses_branches_that_cannot_fit() {
    let whole = header(0x101, &witnessed(), [1, 0]);
    let count_at = whole.len() - PLAIN_LEN - 5 - 4 - 32 - 1;
    let mut header = whole.clone();
    header.splice(count_at..=count_at, [0xff; 9]);
    assert!(coin().header_len(Height(9), &whole).is_ok());
    assert!(coin().header_len(Height(9), &header).is_err());
}
