//! A million mutations of each family's bytes, and of what a node says that blocks spend: read or
//! refused, never a panic, never out of range.

use std::{ops::ControlFlow, thread};

use bitcoin::consensus::encode::serialize;
use electrode_coin::{Coin as _, FamilyCoin, Height, SpentOutputs, TransactionFamily, TxView};

use crate::{
    auxpow, headers,
    made::{behind, block_of, payment, plain, with_transactions, witnessed},
    mweb,
};

const CASES: u32 = 1 << 20;
const THREADS: u32 = 4;

/// Small numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        self.roll() % end.max(1)
    }

    /// A byte that is often one of those that mean something.
    fn byte(&mut self) -> u8 {
        const TELLING: [u8; 10] = [0, 1, 8, 9, 0x6a, 0xfc, 0xfd, 0xfe, 0xff, 0x80];
        match self.below(2) {
            0 => TELLING[self.below(TELLING.len())],
            _ => u8::try_from(self.below(256)).unwrap(),
        }
    }
}

fn mutated(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        match dice.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, dice.byte()),
            _ => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|byte| *byte = dice.byte()),
        }
    }
    bytes
}

/// Reads the bytes in every way there is, and gives what was seen.
fn read(coin: &FamilyCoin, height: Height, bytes: &[u8]) -> usize {
    let mut seen = 0;
    let mut sink = |tx: &TxView<'_>| {
        assert!(tx.offset + tx.len <= bytes.len());
        assert!(tx.vsize <= tx.len);
        seen += 1;
        ControlFlow::Continue(())
    };
    let _read_or_refused = coin.parse_block(height, bytes, &mut sink);
    let _read_or_refused = coin.parse_tx(bytes, &mut sink);
    if let Ok(len) = coin.header_len(height, bytes) {
        let header = &bytes[..len];
        coin.header_hash(height, header).unwrap();
        coin.header_prev(header).unwrap();
        assert!(coin.client_header(height, header).len() <= len);
    }
    seen
}

/// Mutates the samples on several threads.
fn fuzz(coin: &FamilyCoin, samples: &[Vec<u8>]) {
    thread::scope(|scope| {
        for seed in 1..=THREADS {
            let dice = Dice((u64::from(seed) << 32) | 0x9e37_79b9);
            scope.spawn(move || fuzz_alone(coin, samples, dice));
        }
    });
}

/// Mutates the samples, half of the time what came of them before; some must still be read.
fn fuzz_alone(coin: &FamilyCoin, samples: &[Vec<u8>], mut dice: Dice) {
    let (mut last, mut seen) = (samples[0].clone(), 0);
    for case in 0..CASES / THREADS {
        let from_last = !last.is_empty() && dice.below(2) == 0;
        let sample = match from_last {
            true => &last,
            false => &samples[dice.below(samples.len())],
        };
        last = mutated(sample, &mut dice);
        seen += read(coin, Height(case % 200), &last);
    }
    assert!(seen > 0, "nothing but refusals");
}

fn blocks(header: &[u8]) -> Vec<Vec<u8>> {
    let txs = [vec![payment()], vec![payment(), witnessed(), payment()]];
    txs.map(|txs| behind(header, &block_of(txs))).to_vec()
}

#[test]
fn survives_a_million_legacy_blocks() {
    let samples = [behind(&[1; 80], &block_of(vec![payment(), payment()]))];
    fuzz(&with_transactions(TransactionFamily::Legacy), &samples);
}

#[test]
fn survives_a_million_segwit_blocks() {
    fuzz(&plain(), &blocks(&[1; 80]));
}

#[test]
fn survives_a_million_auxpow_blocks() {
    let mut samples = blocks(&auxpow::header(0x101, &witnessed(), [3, 2]));
    samples.extend(blocks(&auxpow::header(1, &witnessed(), [0, 0])));
    fuzz(&auxpow::coin(), &samples);
}

#[test]
fn survives_a_million_mweb_blocks() {
    let mut block = serialize(&block_of(vec![payment()]));
    block[80] = 2;
    block.extend(mweb::extended(&payment(), &[0]));
    block.extend([1, 2, 3]);
    let lone = [&[0][..], &[1, 2, 3]].map(|extension| mweb::extended(&witnessed(), extension));
    let samples = [vec![block], lone.to_vec()].concat();
    fuzz(&with_transactions(TransactionFamily::Mweb), &samples);
}

#[test]
fn survives_a_million_blocks_with_long_headers() {
    fuzz(&headers::fixed(112), &blocks(&[1; 112]));
}

#[test]
fn survives_a_million_blocks_with_stepped_headers() {
    let samples = [blocks(&[1; 80]), blocks(&[1; 120])].concat();
    fuzz(&headers::stepped(), &samples);
}

/// Reads the outputs that a block spends, and gives how many; `None` if they are not all there.
fn count_spent(body: &[u8]) -> Option<usize> {
    let mut spent = SpentOutputs::new(body).ok()?;
    let (mut outputs, mut script_bytes) = (0, 0);
    while !spent.is_done() {
        for _ in 0..spent.next_transaction().ok()? {
            outputs += 1;
            script_bytes += spent.next_output().ok()?.script.len();
            // Value and length of a script take nine bytes at least.
            assert!(9 * outputs + script_bytes <= body.len());
        }
    }
    Some(outputs)
}

#[test]
fn survives_a_million_bodies_of_spent_outputs() {
    let output = [&[7; 8][..], &[3, 0x51, 0x52, 0x53]].concat();
    let body = [&[4, 0, 2][..], &output, &output, &[1], &output, &[0]].concat();
    assert_eq!(count_spent(&body), Some(3));
    let mut dice = Dice(0x9e37_79b9);
    let (mut whole, mut cut) = (0, 0);
    for _ in 0..CASES {
        match count_spent(&mutated(&body, &mut dice)) {
            Some(_) => whole += 1,
            None => cut += 1,
        }
    }
    assert!(whole > CASES / 8 && cut > CASES / 8, "{whole}, {cut}");
}
