//! Chance that can be repeated.

use std::{
    env,
    ops::Range,
    time::{SystemTime, UNIX_EPOCH},
};

/// A small generator of pseudo-random numbers (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Starts a fixed sequence.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Starts the sequence of `ELECTRODE_SEED`, else another one each time; says which, so that a
    /// failure can be repeated.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "shown only when the test fails")]
    pub fn from_env() -> Self {
        let seed = env::var("ELECTRODE_SEED").map_or_else(|_unset| clock(), |s| s.parse().unwrap());
        eprintln!("to repeat: ELECTRODE_SEED={seed}");
        Self(seed)
    }

    /// Throws a number within `range`.
    pub fn pick(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// Changes, removes and doubles a few pieces of a text; others come from `pieces`.
    pub fn damaged(&mut self, text: &str, pieces: &[&str]) -> String {
        let mut text: Vec<char> = text.chars().collect();
        for _ in 0..self.pick(0..4) {
            let at = self.index(text.len() + 1);
            let end = text.len().min(at + self.index(6));
            let piece: Vec<char> = match self.pick(0..3) {
                0 => Vec::new(),
                1 => text[at..end].repeat(2),
                _ => pieces[self.index(pieces.len())].chars().collect(),
            };
            text.splice(at..end, piece);
        }
        text.into_iter().collect()
    }

    /// Throws an index into something of `len` items.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.pick(0..u64::try_from(len).unwrap())).unwrap()
    }

    /// Throws a fraction of one.
    pub fn fraction(&mut self) -> f64 {
        let thousandths = u32::try_from(self.pick(0..1000)).unwrap();
        f64::from(thousandths) / 1000.0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::from(now.subsec_nanos())
}
