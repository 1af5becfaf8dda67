//! What chance makes of lines and requests: read as the specifications have it, or refused.

mod arguments;
mod lines;
mod requests;

use electrode_tests::Dice;

/// Cases of each test: enough for chance to meet every branch many times.
const CASES: u32 = 250_000;

/// Changes, removes and doubles a few pieces of a text.
fn damaged(text: &str, dice: &mut Dice, pieces: &[&str]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..dice.pick(0..4) {
        let at = dice.index(text.len() + 1);
        let end = text.len().min(at + dice.index(4));
        let piece: Vec<char> = match dice.pick(0..3) {
            0 => Vec::new(),
            1 => text[at..end].repeat(2),
            _ => pieces[dice.index(pieces.len())].chars().collect(),
        };
        text.splice(at..end, piece);
    }
    text.into_iter().collect()
}
