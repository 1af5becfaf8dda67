//! Lines, compared with a split of the whole stream.

use std::borrow::Cow;

use electrode_tests::Dice;

use super::CASES;
use crate::{LineDecoder, LineTooLong};

type Line = Result<Vec<u8>, LineTooLong>;

/// Gives the lines of a stream that comes in pieces, and checks that no more is kept than may be.
fn decode(max_line: usize, stream: &[u8], dice: &mut Dice) -> Vec<Line> {
    let mut decoder = LineDecoder::new(max_line);
    let (mut lines, mut rest) = (Vec::new(), stream);
    while !rest.is_empty() {
        let (mut chunk, behind) = rest.split_at(1 + dice.index(rest.len()));
        while let Some(line) = decoder.next_line(&mut chunk) {
            lines.push(line.map(Cow::into_owned));
        }
        assert!(chunk.is_empty());
        rest = behind;
    }
    lines
}

/// Gives the lines of a stream as one would without limits on memory.
fn expected(max_line: usize, stream: &[u8]) -> Vec<Line> {
    let lines = stream.split(|byte| *byte == b'\n');
    let mut lines: Vec<_> = lines
        .map(|line| match line.len() > max_line {
            true => Err(LineTooLong { max_line }),
            false => Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec()),
        })
        .collect();
    // What is not finished is told only if it is too long already.
    lines.pop_if(|unfinished| unfinished.is_ok());
    lines
}

#[test]
fn do_not_depend_on_how_the_stream_is_cut() {
    let mut dice = Dice::from_env();
    for _ in 0..CASES {
        let max_line = dice.index(9);
        let len = dice.index(60);
        let alphabet = [b'\n', b'\n', b'\r', b'a', b'b', 0, 0xff];
        let stream: Vec<u8> = (0..len).map(|_| alphabet[dice.index(7)]).collect();
        assert_eq!(
            decode(max_line, &stream, &mut dice),
            expected(max_line, &stream),
            "at most {max_line} of {stream:?}"
        );
    }
}
