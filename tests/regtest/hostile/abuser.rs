//! A client that counts a line only once it knows that the server has read it.

use std::io::{self, BufRead as _, BufReader, Write as _};

use electrode_tests::{Electrode, Stream, Wire};

/// A connection that is made again when the server has had enough of it.
pub(crate) struct Abuser<'a> {
    server: &'a Electrode,
    wire: Wire,
    stream: BufReader<Box<dyn Stream>>,
    /// Numbers the markers, so that no answer is taken for another.
    marker: u64,
}

impl<'a> Abuser<'a> {
    pub(crate) fn new(server: &'a Electrode, wire: Wire) -> Self {
        Self {
            server,
            wire,
            stream: connect(server, wire),
            marker: 0,
        }
    }

    /// Sends lines until the server has read every one of them, and tells how many that were.
    ///
    /// When the server hangs up, the lines that it has not answered for are sent again. A line is
    /// sent alone when it may be the reason: if the server then hangs up, it has read it.
    pub(crate) fn send(&mut self, lines: &[Vec<u8>]) -> u64 {
        let (mut read, mut at_once) = (0, lines.len());
        while let Some(rest) = lines.get(read..).filter(|rest| !rest.is_empty()) {
            let sent = &rest[..at_once.min(rest.len())];
            let answered = self.exchange(sent);
            read += answered;
            if answered == sent.len() {
                at_once = lines.len();
                continue;
            }
            self.stream = connect(self.server, self.wire);
            read += usize::from(sent.len() == 1);
            at_once = if answered == 0 && sent.len() > 1 {
                1
            } else {
                lines.len()
            };
        }
        u64::try_from(read).unwrap()
    }

    /// Sends each line with a marker behind it, and tells the markers of how many are answered.
    fn exchange(&mut self, lines: &[Vec<u8>]) -> usize {
        let first = self.marker;
        let mut bytes = Vec::new();
        for line in lines {
            bytes.extend_from_slice(line);
            let marker = self.marker;
            bytes.extend_from_slice(
                format!("{{\"id\":\"marker {marker} \",\"method\":\"server.ping\"}}\n").as_bytes(),
            );
            self.marker += 1;
        }
        // The server may hang up before it has taken all; what it answers is read all the same.
        let _took_all = self.stream.get_mut().write_all(&bytes).is_ok();
        let mut answered = 0;
        while answered < lines.len() {
            let Some(answer) = self.answer() else {
                break;
            };
            let number = marker_of(&answer);
            if let Some(number) = number.filter(|number| *number >= first) {
                answered = usize::try_from(number - first).unwrap() + 1;
            }
        }
        answered
    }

    /// Waits for an answer; `None` when the server has hung up.
    fn answer(&mut self) -> Option<Vec<u8>> {
        let mut answer = Vec::new();
        match self.stream.read_until(b'\n', &mut answer) {
            Ok(0) => None,
            Ok(_) => Some(answer),
            Err(error) if is_silence(&error) => panic!("{:?}: no answer", self.wire),
            Err(_reset) => None,
        }
    }
}

/// Connects; a server that is full lets clients wait, but none is refused.
fn connect(server: &Electrode, wire: Wire) -> BufReader<Box<dyn Stream>> {
    BufReader::new(wire.over(server.connect(wire)))
}

/// Tells whether nothing came in time, which is another thing than the end.
pub(crate) fn is_silence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// Reads the number of a marker from the answer to it.
fn marker_of(answer: &[u8]) -> Option<u64> {
    let text = str::from_utf8(answer).ok()?;
    let (_, rest) = text.split_once("\"marker ")?;
    rest.split_once(' ')?.0.parse().ok()
}
