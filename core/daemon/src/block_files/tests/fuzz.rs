//! Damaged files: read or not, never a panic, never another block than the one asked for.

use std::{fs::File, os::unix::fs::FileExt as _};

use electrode_coin::{Reader, SpentOutputs};

use super::super::{
    BlockFiles,
    made::{Made, chain_of, hash_of, spent_scripts, undo_bodies, undo_of},
    undo::to_spent_outputs,
};

const FILES: u32 = 100_000;
const UNDO: u32 = 1 << 20;

/// Small numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    /// A byte that is often one of those that mean something.
    fn byte(&mut self) -> u8 {
        const TELLING: [u8; 9] = [0, 1, 6, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff];
        match self.below(2) {
            0 => TELLING[self.below(TELLING.len())],
            _ => u8::try_from(self.below(256)).unwrap(),
        }
    }
}

/// Damages a few bytes of a file, or cuts it, looks, and mends it.
fn fuzz_file(made: &Made, name: &str, seed: u64, mut look: impl FnMut(&mut Dice)) {
    let path = made.path(name);
    let whole = std::fs::read(&path).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let mut dice = Dice(seed);
    for _ in 0..FILES {
        let at = dice.below(whole.len());
        let damage: Vec<u8> = (0..=dice.below(4)).map(|_| dice.byte()).collect();
        if dice.below(8) == 0 {
            file.set_len(u64::try_from(at).unwrap()).unwrap();
        } else {
            file.write_all_at(&damage, u64::try_from(at).unwrap())
                .unwrap();
        }
        look(&mut dice);
        file.write_all_at(&whole[at..], u64::try_from(at).unwrap())
            .unwrap();
        file.set_len(u64::try_from(whole.len()).unwrap()).unwrap();
    }
}

#[test]
fn survives_damaged_files_with_blocks() {
    let blocks = chain_of(12);
    let mut made = Made::new(None);
    made.file(0, &blocks, &undo_bodies(&blocks[1..]));
    let (mut opened, mut read) = (0, 0);
    fuzz_file(&made, "blk00000.dat", 1, |dice| {
        let Ok(files) = BlockFiles::open(&made.config()) else {
            return;
        };
        opened += 1;
        assert!(files.block_count() <= blocks.len());
        let hash = hash_of(&blocks[dice.below(blocks.len())]);
        if let Some(fetched) = files.fetch(&hash) {
            assert_eq!(hash_of(&fetched.block), hash);
            read += 1;
        }
    });
    assert!(
        read > FILES / 4 && opened < FILES,
        "{read} read, {opened} opened"
    );
}

#[test]
fn survives_damaged_files_with_undo_data() {
    let blocks = chain_of(12);
    let mut made = Made::new(None);
    made.file(0, &blocks, &undo_bodies(&blocks[1..]));
    let (mut with, mut without) = (0, 0);
    fuzz_file(&made, "rev00000.dat", 2, |dice| {
        let files = made.open();
        let block = &blocks[1 + dice.below(blocks.len() - 1)];
        let fetched = files.fetch(&hash_of(block)).unwrap();
        assert_eq!(fetched.block, block);
        match fetched.spent {
            Some(_) => {
                assert_eq!(super::scripts(&fetched), spent_scripts(block));
                with += 1;
            }
            None => without += 1,
        }
    });
    assert!(
        with > FILES / 4 && without > FILES / 50,
        "{with} with, {without} without"
    );
}

#[test]
fn survives_undo_data_of_any_form() {
    let samples: Vec<_> = chain_of(12)[1..]
        .iter()
        .map(|block| undo_of(block))
        .collect();
    let mut dice = Dice(3);
    let mut read = 0;
    for _ in 0..UNDO {
        let mut undo = samples[dice.below(samples.len())].clone();
        for _ in 0..=dice.below(3) {
            let at = dice.below(undo.len());
            undo[at] = dice.byte();
        }
        let Some(body) = to_spent_outputs(&mut Reader::new(&undo, 0)) else {
            continue;
        };
        // What was understood is of the other form.
        let mut spent = SpentOutputs::new(&body).unwrap();
        while let Ok(inputs) = spent.next_transaction() {
            assert!((0..inputs).all(|_| spent.next_output().is_ok()));
        }
        assert!(spent.is_done());
        read += 1;
    }
    assert!(read > UNDO / 10 && read < UNDO, "{read} read");
}
