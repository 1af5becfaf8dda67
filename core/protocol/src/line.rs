//! Cuts a byte stream into lines.

use std::{borrow::Cow, mem};

/// A line was longer than the limit; it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a request of at most {max_line} bytes; send smaller batches")]
pub struct LineTooLong {
    /// The limit.
    pub max_line: usize,
}

/// Gathers lines from chunks of a stream, however they are cut.
///
/// It never holds more than one incomplete line, which never exceeds the limit. Cost: O(bytes).
#[derive(Clone, Debug)]
pub struct LineDecoder {
    max_line: usize,
    partial: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Gathering,
    /// Inside a line that was reported as too long.
    Skipping,
}

impl LineDecoder {
    /// Starts at the beginning of a line; lines have at most `max_line` bytes before their "\n".
    #[must_use]
    pub fn new(max_line: usize) -> Self {
        Self {
            max_line,
            partial: Vec::new(),
            state: State::Gathering,
        }
    }

    /// Takes bytes off the front of `chunk` up to the end of a line and gives that line without
    /// its "\n" or "\r\n"; `None` once all of `chunk` is taken.
    ///
    /// # Errors
    /// The line is too long. This is said once; decoding goes on at the next line.
    pub fn next_line<'a>(
        &mut self,
        chunk: &mut &'a [u8],
    ) -> Option<Result<Cow<'a, [u8]>, LineTooLong>> {
        if self.state == State::Skipping {
            if take_line(chunk).is_none() {
                *chunk = &[];
                return None;
            }
            self.state = State::Gathering;
        }
        let room = self.max_line - self.partial.len();
        let Some(rest) = take_line(chunk) else {
            let rest = mem::take(chunk);
            if rest.len() > room {
                self.state = State::Skipping;
                return Some(self.drop_line());
            }
            self.partial.extend_from_slice(rest);
            return None;
        };
        if rest.len() > room {
            return Some(self.drop_line());
        }
        let mut line = mem::take(&mut self.partial);
        if line.is_empty() {
            return Some(Ok(Cow::Borrowed(rest.strip_suffix(b"\r").unwrap_or(rest))));
        }
        line.extend_from_slice(rest);
        line.pop_if(|last| *last == b'\r');
        Some(Ok(Cow::Owned(line)))
    }

    fn drop_line<T>(&mut self) -> Result<T, LineTooLong> {
        self.partial = Vec::new();
        Err(LineTooLong {
            max_line: self.max_line,
        })
    }
}

/// Takes what comes before the first "\n", and the "\n"; nothing if there is none.
fn take_line<'a>(chunk: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = chunk.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = chunk.split_at_checked(end)?;
    *chunk = rest.get(1..)?;
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(max_line: usize, chunks: &[&[u8]]) -> Vec<Result<Vec<u8>, LineTooLong>> {
        let mut decoder = LineDecoder::new(max_line);
        let mut lines = Vec::new();
        for chunk in chunks {
            let mut chunk = *chunk;
            while let Some(line) = decoder.next_line(&mut chunk) {
                lines.push(line.map(Cow::into_owned));
            }
            assert!(chunk.is_empty());
            assert!(decoder.partial.len() <= max_line);
        }
        lines
    }

    fn line(text: &str) -> Result<Vec<u8>, LineTooLong> {
        Ok(text.as_bytes().to_vec())
    }

    #[test]
    fn cuts_lines_and_strips_their_ends() {
        assert_eq!(
            decode(9, &[b"a\nbc\r\n\nd"]),
            [line("a"), line("bc"), line("")]
        );
        assert_eq!(
            decode(9, &[b"a", b"b\r", b"\nc\r", b"d\n"]),
            [line("ab"), line("c\rd")]
        );
    }

    #[test]
    fn reports_a_long_line_once_and_resumes_behind_it() {
        let too_long = Err(LineTooLong { max_line: 3 });
        for chunks in [
            &[&b"abcd\nxyz\n"[..]][..],
            &[b"abcd", b"efgh", b"ijk\nxyz", b"\n"],
            &[b"ab", b"cd\nxyz\n"],
            &[b"abc", b"d", b"\nxyz\n"],
        ] {
            assert_eq!(
                decode(3, chunks),
                [too_long.clone(), line("xyz")],
                "{chunks:?}"
            );
        }
    }
}
