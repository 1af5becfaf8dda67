//! What coins other than Bitcoin ask of the index.

use bitcoin::consensus::encode::serialize;
use electrode_coin::{
    BlockHash, Coin, Descriptor, FamilyCoin, Genesis, HeaderHash, Height, ScriptHash, ScriptKey,
    TxNum, Unspendable,
};
use electrode_index::{BlockRows, Index, IndexError, RawBlock};
use tempfile::TempDir;

use crate::{
    config, connect_run, mined,
    model::{Chain, Source, hash_of, key_of, txid_of},
};

/// A coin that files every output that can be spent under a name, too.
struct Named(Descriptor);

impl Coin for Named {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn index_scripts(&self, script: &[u8], out: &mut dyn FnMut(&[u8])) {
        if !Unspendable::OpReturn.matches(script) {
            out(script);
            out(b"name");
        }
    }
}

fn name() -> ScriptKey {
    ScriptHash::of(b"name").key()
}

/// Nearly every transaction has such an output.
fn expect_named(index: &Index, chain: &Chain, tip: u32) {
    let view = index.view();
    let history = view.history(&name(), TxNum(0), usize::MAX).unwrap();
    let history: Vec<_> = history.iter().map(|tx| (tx.height.0, tx.txid)).collect();
    let owned = |tx: &(u32, &bitcoin::Transaction)| {
        let mut outputs = tx.1.output.iter();
        outputs.any(|output| key_of(&output.script_pubkey).is_some())
    };
    let expected: Vec<_> = chain
        .transactions()
        .filter(|(height, _)| *height <= tip)
        .filter(owned)
        .map(|(height, tx)| (height, txid_of(tx)))
        .collect();
    assert_eq!(history, expected);
    assert_eq!(view.balance(&name(), usize::MAX).unwrap().0, 0);
    assert_eq!(view.unspent(&name(), usize::MAX).unwrap(), []);
}

#[test]
fn files_further_scripts_in_histories_and_takes_them_back() {
    let coin = Named(Descriptor::default());
    let chain = mined(21, 50);
    for (source, run) in [(Source::BlockOnly, 1), (Source::WithSpent, 30)] {
        let dir = TempDir::new().unwrap();
        let mut index = Index::open(dir.path(), coin.descriptor(), config()).unwrap();
        let rows: Vec<_> = (0..chain.blocks.len())
            .map(|height| chain.rows_of(&coin, height, source))
            .collect();
        for start in (0..rows.len()).step_by(run) {
            let heights = start..rows.len().min(start + run);
            let rows = heights.map(|height| chain.rows_of(&coin, height, source));
            connect_run(&mut index, rows, chain.tip());
        }
        expect_named(&index, &chain, 50);
        let before = index.view().content_hash().unwrap();

        let names = |touched: Vec<ScriptKey>| touched.contains(&name());
        let taken_back: Vec<_> = (0..10)
            .map(|_| names(index.disconnect().unwrap()))
            .collect();
        expect_named(&index, &chain, 40);
        let mut connected: Vec<_> = rows[41..]
            .iter()
            .map(|rows| names(index.connect(rows).unwrap()))
            .collect();
        connected.reverse();
        assert_eq!(connected, taken_back, "who is told");
        assert!(connected.contains(&true));
        expect_named(&index, &chain, 50);
        assert_eq!(index.view().content_hash().unwrap(), before);
    }
}

#[test]
fn indexes_a_genesis_block_that_can_be_spent() {
    let coin = FamilyCoin::new(Descriptor {
        genesis: Genesis::Indexed,
        ..Descriptor::default()
    });
    let (dir, chain) = (TempDir::new().unwrap(), mined(22, 0));
    let mut index = Index::open(dir.path(), coin.descriptor(), config()).unwrap();
    index
        .connect(&chain.rows_of(&coin, 0, Source::BlockOnly))
        .unwrap();
    let coinbase = &chain.blocks[0].txdata[0];
    let view = index.view();
    let found = view.find(&txid_of(coinbase)).unwrap().unwrap();
    assert_eq!(found.height, Height(0));
    let owner = ScriptHash::of(coinbase.output[0].script_pubkey.as_bytes()).key();
    let balance = view.balance(&owner, usize::MAX).unwrap().0;
    assert_eq!(balance, coinbase.output[0].value.to_sat());
}

#[test]
fn takes_the_hash_of_the_node_only_where_the_coin_has_none() {
    let chain = mined(23, 1);
    let read = |header_hash, hash| {
        let coin = FamilyCoin::new(Descriptor {
            header_hash,
            ..Descriptor::default()
        });
        let raw = RawBlock {
            height: Height(1),
            hash,
            bytes: &serialize(&chain.blocks[1]),
            spent: None,
        };
        BlockRows::read(&coin, raw)
    };
    let other = BlockHash([7; 32]);
    assert_eq!(read(HeaderHash::Daemon, other).unwrap().hash(), other);
    let own = hash_of(&chain.blocks[1]);
    assert_eq!(read(HeaderHash::default(), own).unwrap().hash(), own);
    match read(HeaderHash::default(), other).unwrap_err() {
        IndexError::OtherBlock { hash, got, .. } => assert_eq!([hash, got], [other, own]),
        error => panic!("{error}"),
    }
}
