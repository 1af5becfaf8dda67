//! The index against a model that reads every block, through runs, blocks, reorganisations and
//! reopenings.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod coins;
mod damage;
mod model;

use electrode_coin::{Coin as _, Descriptor, Height, OutPoint, TxNum};
use electrode_index::{BlockRows, Index, IndexConfig, IndexError, Run};
use model::{Chain, Dice, Source};
use tempfile::TempDir;

fn descriptor(net: &str) -> Descriptor {
    electrode_coins::KnownCoins::built_in()
        .find("Bitcoin", net)
        .unwrap()
        .coin
        .descriptor()
        .clone()
}

fn config() -> IndexConfig {
    IndexConfig {
        cache_bytes: 8 << 20,
        reorg_limit: 20,
        ..IndexConfig::default()
    }
}

fn open(dir: &TempDir) -> Index {
    Index::open(dir.path(), &descriptor("regtest"), config()).unwrap()
}

fn mined(seed: u64, blocks: usize) -> Chain {
    let mut chain = Chain::new(seed);
    (0..blocks).for_each(|_| chain.mine());
    chain
}

/// Connects what the chain has more than the index, one block at a time.
fn follow(index: &mut Index, chain: &Chain, source: Source) {
    for height in usize::try_from(index.next_height().0).unwrap()..chain.blocks.len() {
        index.connect(&chain.rows(height, source)).unwrap();
    }
}

/// Connects what the chain has more than the index in runs of up to `len` blocks.
fn build(index: &mut Index, chain: &Chain, len: usize, source: Source) {
    let start = usize::try_from(index.next_height().0).unwrap();
    let heights: Vec<_> = (start..chain.blocks.len()).collect();
    for heights in heights.chunks(len) {
        let rows = heights.iter().map(|height| chain.rows(*height, source));
        connect_run(index, rows, chain.tip());
    }
}

fn connect_run(index: &mut Index, rows: impl Iterator<Item = BlockRows>, target: Height) {
    let mut run = Run::new(index, target);
    rows.for_each(|rows| run.push(&rows).unwrap());
    index.connect_run(run).unwrap();
}

#[test]
fn answers_as_the_model_does_block_by_block() {
    for (seed, source) in [(1, Source::BlockOnly), (2, Source::WithSpent)] {
        let (dir, chain) = (TempDir::new().unwrap(), mined(seed, 60));
        let mut index = open(&dir);
        follow(&mut index, &chain, source);
        chain.compare(&index.view());
    }
}

#[test]
fn answers_as_the_model_does_after_runs_of_any_length() {
    for (seed, source) in [(3, Source::BlockOnly), (4, Source::WithSpent)] {
        let chain = mined(seed, 60);
        for len in [1, 7, 100] {
            let dir = TempDir::new().unwrap();
            let mut index = open(&dir);
            build(&mut index, &chain, len, source);
            chain.compare(&index.view());
        }
    }
}

#[test]
fn holds_the_same_whatever_way_it_was_built() {
    let chain = mined(5, 80);
    let dirs = [(); 3].map(|()| TempDir::new().unwrap());
    let mut indexes = dirs.each_ref().map(open);
    follow(&mut indexes[0], &chain, Source::BlockOnly);
    build(&mut indexes[1], &chain, 100, Source::WithSpent);
    build(&mut indexes[2], &chain, 9, Source::BlockOnly);
    let [a, b, c] = indexes.each_ref().map(Index::view);
    assert_eq!(a.differences(&b).unwrap(), []);
    assert_eq!(a.content_hash().unwrap(), b.content_hash().unwrap());
    assert_eq!(a.content_hash().unwrap(), c.content_hash().unwrap());
    assert_eq!([&a, &b, &c].map(|view| view.undo_depth().unwrap()), [20; 3]);
}

#[test]
fn names_what_differs() {
    let dirs = [(); 2].map(|()| TempDir::new().unwrap());
    let [mut ours, mut theirs] = dirs.each_ref().map(open);
    build(&mut ours, &mined(6, 20), 100, Source::WithSpent);
    build(&mut theirs, &mined(7, 20), 100, Source::WithSpent);
    let differences = ours.view().differences(&theirs.view()).unwrap();
    assert!(differences.len() >= 6, "{differences:?}");
    assert_ne!(
        ours.view().content_hash().unwrap(),
        theirs.view().content_hash().unwrap()
    );
}

#[test]
fn follows_reorganisations() {
    let mut dice = Dice::new(8);
    for seed in 10..14 {
        let (dir, mut chain) = (TempDir::new().unwrap(), mined(seed, 40));
        let mut index = open(&dir);
        build(&mut index, &chain, 15, Source::WithSpent);
        for _ in 0..6 {
            let depth = 1 + dice.below(12);
            chain.blocks.truncate(chain.blocks.len() - depth);
            (0..depth).for_each(|_| drop(index.disconnect().unwrap()));
            chain.compare(&index.view());
            (0..=depth).for_each(|_| chain.mine());
            follow(&mut index, &chain, Source::BlockOnly);
            chain.compare(&index.view());
        }
        let (fresh_dir, fresh) = (TempDir::new().unwrap(), &mut None);
        let fresh = fresh.insert(open(&fresh_dir));
        build(fresh, &chain, 100, Source::WithSpent);
        assert_eq!(index.view().differences(&fresh.view()).unwrap(), []);
    }
}

#[test]
fn touches_exactly_the_scripts_whose_history_changes() {
    let (dir, chain) = (TempDir::new().unwrap(), mined(20, 30));
    let mut index = open(&dir);
    for height in 0..chain.blocks.len() {
        let before = index.view();
        let touched = index
            .connect(&chain.rows(height, Source::BlockOnly))
            .unwrap();
        let after = index.view();
        for script in &touched {
            let longer = after.history(script, TxNum(0), usize::MAX).unwrap();
            let shorter = before.history(script, TxNum(0), usize::MAX).unwrap();
            assert!(longer.len() > shorter.len());
            let news = after
                .history(script, before.tx_count(), usize::MAX)
                .unwrap();
            assert_eq!([shorter, news].concat(), longer);
        }
    }
    let connected = index.connect(&{
        let mut longer = mined(20, 30);
        longer.mine();
        longer.rows(31, Source::WithSpent)
    });
    assert_eq!(index.disconnect().unwrap(), connected.unwrap());
}

#[test]
fn goes_back_only_as_far_as_the_limit() {
    let (dir, chain) = (TempDir::new().unwrap(), mined(21, 50));
    let mut index = open(&dir);
    build(&mut index, &chain, 30, Source::WithSpent);
    (0..20).for_each(|_| drop(index.disconnect().unwrap()));
    assert!(matches!(
        index.disconnect(),
        Err(IndexError::NoUndo { height: Height(30) })
    ));
    assert_eq!(index.tip().unwrap().height, Height(30));
}

#[test]
fn keeps_old_views_until_their_blocks_are_replaced() {
    let (dir, mut chain) = (TempDir::new().unwrap(), mined(22, 30));
    let mut index = open(&dir);
    follow(&mut index, &chain, Source::BlockOnly);
    let view = index.view();
    let old = mined(22, 30);
    chain.mine();
    follow(&mut index, &chain, Source::BlockOnly);
    old.compare(&view);

    (0..3).for_each(|_| drop(index.disconnect().unwrap()));
    old.compare(&view);
    chain.blocks.truncate(chain.blocks.len() - 3);
    chain.mine();
    follow(&mut index, &chain, Source::BlockOnly);
    assert!(matches!(
        view.block_txids(Height(1)),
        Err(IndexError::Reorganised)
    ));
    chain.compare(&index.view());
}

#[test]
fn refuses_blocks_that_do_not_fit() {
    let (dir, chain) = (TempDir::new().unwrap(), mined(23, 5));
    let mut index = open(&dir);
    build(&mut index, &chain, 3, Source::BlockOnly);
    let hash = index.view().content_hash().unwrap();
    let other = mined(24, 6);
    let refused = index.connect(&other.rows(6, Source::BlockOnly));
    assert!(matches!(
        refused,
        Err(IndexError::NotConnected {
            height: Height(6),
            ..
        })
    ));
    assert_eq!(index.view().content_hash().unwrap(), hash);
}

#[test]
fn names_the_output_that_is_missing() {
    let (dir, mut chain) = (TempDir::new().unwrap(), mined(25, 5));
    let mut index = open(&dir);
    follow(&mut index, &chain, Source::BlockOnly);
    chain.mine();
    let mut txs = chain.blocks[6].txdata.clone();
    let mut tx = txs[0].clone();
    tx.input[0].previous_output.vout = 3;
    txs.push(tx);
    chain.replace_last(txs);
    let refused = index.connect(&chain.rows(6, Source::BlockOnly));
    let missing = OutPoint {
        vout: 3,
        ..OutPoint::NULL
    };
    let is_named = matches!(
        refused,
        Err(IndexError::MissingOutput { height: Height(6), outpoint }) if outpoint == missing
    );
    assert!(is_named, "{refused:?}");
}

#[test]
fn survives_reopening_and_leftovers() {
    let (dir, mut chain) = (TempDir::new().unwrap(), mined(26, 20));
    let mut index = open(&dir);
    build(&mut index, &chain, 100, Source::WithSpent);
    drop(index);
    for file in ["blocks", "headers", "txids"] {
        use std::io::Write as _;
        let path = dir.path().join("index").join(file);
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(&[9; 500]).unwrap();
    }
    let run = dir.path().join("index/run");
    std::fs::create_dir(&run).unwrap();
    std::fs::write(run.join("history.sst"), b"half a file").unwrap();
    let mut index = open(&dir);
    chain.compare(&index.view());
    chain.mine();
    follow(&mut index, &chain, Source::BlockOnly);
    chain.compare(&index.view());
    drop(index);
    chain.compare(&open(&dir).view());
}

#[test]
fn refuses_the_index_of_another_chain() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    let other = Index::open(dir.path(), &descriptor("testnet"), config()).unwrap_err();
    let text = other.to_string();
    assert!(matches!(other, IndexError::Identity { .. }), "{text}");
    for genesis in [descriptor("regtest"), descriptor("testnet")] {
        assert!(text.contains(&genesis.genesis_hash.to_string()), "{text}");
    }
}

#[test]
fn shares_an_index_between_names_of_one_chain() {
    let dir = TempDir::new().unwrap();
    drop(Index::open(dir.path(), &descriptor("testnet"), config()).unwrap());
    drop(Index::open(dir.path(), &descriptor("testnet-segwit"), config()).unwrap());
}

#[test]
fn refuses_a_folder_in_use() {
    let dir = TempDir::new().unwrap();
    let _first = open(&dir);
    let second = Index::open(dir.path(), &descriptor("regtest"), config()).unwrap_err();
    assert!(matches!(second, IndexError::InUse { .. }), "{second}");
}

#[test]
fn refuses_histories_over_the_limit() {
    let (dir, chain) = (TempDir::new().unwrap(), mined(27, 40));
    let mut index = open(&dir);
    build(&mut index, &chain, 100, Source::WithSpent);
    let hot = electrode_coin::ScriptHash::of(&[0x51]).key();
    let view = index.view();
    let len = view.history(&hot, TxNum(0), usize::MAX).unwrap().len();
    assert!(len > 20);
    assert_eq!(view.history(&hot, TxNum(0), len).unwrap().len(), len);
    for limit in [0, 1, len - 1] {
        let refused = view.history(&hot, TxNum(0), limit);
        assert!(
            matches!(refused, Err(IndexError::HistoryTooLarge)),
            "{limit}"
        );
    }
    assert!(matches!(
        view.unspent(&hot, 1),
        Err(IndexError::HistoryTooLarge)
    ));
}

/// As in Bitcoin's blocks 91,722 and 91,880: the same coinbase twice, before BIP30 forbade it.
#[test]
fn survives_a_coinbase_that_was_made_twice() {
    let (dir, mut chain) = (TempDir::new().unwrap(), mined(28, 6));
    let mut index = open(&dir);
    follow(&mut index, &chain, Source::BlockOnly);
    let before = index.view().content_hash().unwrap();
    let twice = chain.blocks[3].txdata[0].clone();
    let txid = electrode_coin::Txid(*twice.compute_txid().as_ref());
    chain.mine();
    chain.replace_last(vec![twice]);
    follow(&mut index, &chain, Source::BlockOnly);
    assert_eq!(index.view().find(&txid).unwrap().unwrap().height, Height(7));
    for height in [Height(3), Height(7)] {
        assert_eq!(index.view().block_txids(height).unwrap().unwrap()[0], txid);
    }
    index.disconnect().unwrap();
    assert_eq!(index.view().find(&txid).unwrap().unwrap().height, Height(3));
    assert_eq!(index.view().content_hash().unwrap(), before);
}
