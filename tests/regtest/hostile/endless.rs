//! Lines and messages of a hundred megabytes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use electrode_tests::Wire;

use crate::{assert_unharmed, memory, serving};

const PART_LEN: usize = 1 << 20;
const PARTS: usize = 100;
/// How much memory may go into a line of which no more than 1 MB may be kept, and what a line of
/// that length takes on its way.
const GROWTH_LIMIT: u64 = 16 << 20;

#[test]
fn holds_no_more_of_an_endless_line_than_it_must() {
    let (_node, mut server) = serving(|settings| settings);
    let before = memory(&server);
    for wire in [Wire::Tcp, Wire::Ssl] {
        let mut stream = wire.over(server.connect(wire));
        let part = vec![b'x'; PART_LEN];
        for _ in 0..PARTS {
            stream.write_all(&part).unwrap();
        }
        let grown = memory(&server).saturating_sub(before);
        assert!(grown < GROWTH_LIMIT, "{wire:?}: {grown} bytes more");
        stream
            .write_all(b"\n{\"id\":1,\"method\":\"server.ping\"}\n")
            .unwrap();
        let mut lines = BufReader::new(stream).lines();
        assert!(lines.next().unwrap().unwrap().contains("-32600"));
        assert!(lines.next().unwrap().unwrap().contains("\"id\":1"));
    }
    assert_unharmed(&mut server);
}

#[test]
fn holds_no_more_of_an_endless_message_than_it_must() {
    let (_node, mut server) = serving(|settings| settings);
    let before = memory(&server);
    let line = [vec![b'x'; PARTS * PART_LEN], vec![b'\n']].concat();
    for wire in [Wire::Ws, Wire::Wss] {
        let mut stream = wire.over(server.connect(wire));
        // The server hangs up before it has taken all.
        let _took_all = stream.write_all(&line).is_ok();
        let mut answer = Vec::new();
        let _hangs_up = stream.read_to_end(&mut answer).is_ok();
        assert_eq!(answer, b"", "{wire:?}");
        let grown = memory(&server).saturating_sub(before);
        assert!(grown < GROWTH_LIMIT, "{wire:?}: {grown} bytes more");
    }
    assert_unharmed(&mut server);
}
