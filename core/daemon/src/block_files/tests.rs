//! Folders of block files made up here; tests/regtest reads those of a real node.

mod fuzz;

use std::fs;

use electrode_coin::{BlockHash, HeaderHash, SpentOutputs};

use super::{
    BlockFiles, BlockFilesError,
    made::{self, Made, chain_of, hash_of, undo_bodies},
};
use crate::FetchedBlock;

const KEYS: [Option<[u8; 8]>; 3] = [None, Some([0; 8]), Some([1, 2, 4, 8, 16, 32, 64, 0x80])];

fn scripts(fetched: &FetchedBlock) -> Vec<Vec<u8>> {
    let mut spent = SpentOutputs::new(fetched.spent.as_ref().unwrap()).unwrap();
    let mut scripts = Vec::new();
    while let Ok(inputs) = spent.next_transaction() {
        scripts.extend((0..inputs).map(|_| spent.next_output().unwrap().script.to_vec()));
    }
    assert!(spent.is_done());
    scripts
}

/// Checks that every block is there, each with the outputs that it spends.
fn check_all(made: &Made, files: &BlockFiles, blocks: &[Vec<u8>]) {
    for (height, block) in blocks.iter().enumerate() {
        let fetched = files.fetch(&hash_of(block)).unwrap();
        assert_eq!(fetched.block, block);
        if height == 0 {
            assert_eq!(fetched.spent, None);
        } else {
            assert_eq!(
                scripts(&fetched),
                made::spent_scripts(block),
                "block {height}"
            );
        }
    }
    assert_eq!(files.block_count(), made.count());
}

#[test]
fn reads_blocks_and_what_they_spend() {
    for key in KEYS {
        let blocks = chain_of(200);
        let mut made = Made::new(key);
        made.file(0, &blocks[..120], &undo_bodies(&blocks[1..120]));
        made.file(1, &blocks[120..], &undo_bodies(&blocks[120..]));
        check_all(&made, &made.open(), &blocks);
    }
}

/// Blocks come in any order, undo data in that of the chain; some blocks are never connected.
#[test]
fn pairs_undo_data_by_its_checksum() {
    let blocks = chain_of(300);
    let stale = made::block(&blocks[5], 7777, 3);
    let mut arrived = blocks.clone();
    arrived[1..].reverse();
    arrived.insert(40, stale.clone());
    let mut made = Made::new(KEYS[2]);
    made.file(0, &arrived, &undo_bodies(&blocks[1..]));
    let files = made.open();
    check_all(&made, &files, &blocks);
    // Once more, from the end: all of it was matched before.
    for block in blocks[1..].iter().rev() {
        let fetched = files.fetch(&hash_of(block)).unwrap();
        assert_eq!(scripts(&fetched), made::spent_scripts(block));
    }
    let fetched = files.fetch(&hash_of(&stale)).unwrap();
    assert_eq!((fetched.block, fetched.spent), (stale.into(), None));
}

#[test]
fn does_without_undo_data_that_is_not_as_expected() {
    let blocks = chain_of(3);
    let right = undo_bodies(&blocks[1..]);
    let mut flipped = right[0].clone();
    flipped[5] ^= 1;
    let longer = made::with_checksum(&blocks[1], &[made::undo_of(&blocks[1]), vec![0]].concat());
    for wrong in [flipped, longer] {
        let mut made = Made::new(KEYS[2]);
        made.file(0, &blocks, &[wrong, right[1].clone()]);
        let files = made.open();
        let fetched = files.fetch(&hash_of(&blocks[1])).unwrap();
        assert_eq!((&*fetched.block, fetched.spent), (&*blocks[1], None));
        let fetched = files.fetch(&hash_of(&blocks[2])).unwrap();
        assert_eq!(scripts(&fetched), made::spent_scripts(&blocks[2]));
    }
}

#[test]
fn stops_at_padding_and_at_a_record_that_is_not_whole() {
    let blocks = chain_of(10);
    for tail in [vec![0; 100_000], vec![7; 3], made::head(1000), Vec::new()] {
        let mut made = Made::new(KEYS[2]);
        made.file(0, &blocks, &undo_bodies(&blocks[1..]));
        made.append_raw(0, &tail);
        check_all(&made, &made.open(), &blocks);
    }
}

#[test]
fn finds_blocks_that_the_node_adds() {
    let blocks = chain_of(30);
    let mut made = Made::new(KEYS[2]);
    made.file(0, &blocks[..10], &undo_bodies(&blocks[1..10]));
    let files = made.open();
    assert_eq!(files.fetch(&hash_of(&blocks[10])), None);
    made.file(0, &blocks[..20], &undo_bodies(&blocks[1..20]));
    made.file(1, &blocks[20..], &undo_bodies(&blocks[20..]));
    files.forget_last_look();
    check_all(&made, &files, &blocks);
}

#[test]
fn gives_parts_of_blocks() {
    let blocks = chain_of(45);
    let mut made = Made::new(KEYS[2]);
    made.file(0, &blocks, &[]);
    let files = made.open();
    let hash = hash_of(&blocks[44]);
    assert_eq!(files.part(&hash, 80..100).unwrap(), &blocks[44][80..100]);
    assert_eq!(files.part(&hash, 5..5), Some(Vec::new()));
    #[expect(clippy::reversed_empty_ranges, reason = "what must not do harm")]
    let reversed = 5..4;
    assert_eq!(files.part(&hash, reversed), None);
    assert_eq!(files.part(&hash, 0..u32::MAX), None);
    assert_eq!(files.part(&BlockHash([9; 32]), 0..1), None);
}

#[test]
fn does_without_files_that_are_gone_or_replaced() {
    let blocks = chain_of(20);
    let mut made = Made::new(None);
    made.file(0, &blocks[..10], &undo_bodies(&blocks[1..10]));
    made.file(1, &blocks[10..], &undo_bodies(&blocks[10..]));
    let files = made.open();
    fs::remove_file(made.path("rev00001.dat")).unwrap();
    let fetched = files.fetch(&hash_of(&blocks[15])).unwrap();
    assert_eq!((&*fetched.block, fetched.spent), (&*blocks[15], None));
    fs::remove_file(made.path("blk00000.dat")).unwrap();
    assert_eq!(files.fetch(&hash_of(&blocks[5])), None);
    let others: Vec<_> = blocks[10..].iter().rev().cloned().collect();
    made.file(1, &others, &[]);
    assert_eq!(files.fetch(&hash_of(&blocks[10])), None);
}

#[test]
fn refuses_folders_that_are_not_the_chains() {
    let blocks = chain_of(3);
    let refusal = |made: &Made| BlockFiles::open(&made.config()).unwrap_err();
    let empty = Made::new(None);
    assert!(matches!(refusal(&empty), BlockFilesError::NoFiles { .. }));

    let mut pruned = Made::new(None);
    pruned.file(7, &blocks, &[]);
    assert!(matches!(
        refusal(&pruned),
        BlockFilesError::Pruned { first: 7, .. }
    ));

    let mut other = Made::new(None);
    other.file(0, &blocks[1..], &[]);
    let BlockFilesError::OtherChain { got, expected, .. } = refusal(&other) else {
        panic!("not the genesis block");
    };
    assert_eq!((got, expected), (hash_of(&blocks[1]), hash_of(&blocks[0])));

    let mut short = Made::new(None);
    short.file(0, &[], &[]);
    assert!(matches!(
        refusal(&short),
        BlockFilesError::Unreadable { .. }
    ));

    let mut bad_key = Made::new(None);
    bad_key.file(0, &blocks, &[]);
    fs::write(bad_key.path("xor.dat"), [1; 7]).unwrap();
    assert!(matches!(
        refusal(&bad_key),
        BlockFilesError::Key { len: 7, .. }
    ));

    let mut config = bad_key.config();
    config.chain.header_hash = HeaderHash::Daemon;
    let refused = BlockFiles::open(&config).unwrap_err();
    assert!(matches!(refused, BlockFilesError::HeaderHash { .. }));
}
