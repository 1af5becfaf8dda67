//! Clients that say all they have to say and then close their half.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
};

use electrode_tests::{Electrode, Wire, tls_over, wait_until};

use crate::{PATIENCE, assert_unharmed, serving};

const REQUESTS: usize = 500;

#[test]
fn answers_all_that_came_before_a_half_was_closed() {
    let (_node, mut server) = serving(|settings| settings);
    let asked = b"{\"id\":1,\"method\":\"blockchain.block.headers\",\"params\":[0,50]}\n";
    let asked = asked.repeat(REQUESTS);
    let unfinished = b"{\"id\":2,\"method\":\"server.";
    let said = [&asked[..], unfinished].concat();
    for answers in [over_tcp(&server, &said), over_tls(&server, &said)] {
        let answers = String::from_utf8(answers).unwrap();
        assert_eq!(answers.matches("\"id\":1").count(), REQUESTS);
        assert_eq!(answers.lines().count(), REQUESTS);
    }
    assert_unharmed(&mut server);
}

fn over_tcp(server: &Electrode, said: &[u8]) -> Vec<u8> {
    let mut stream = server.connect(Wire::Tcp);
    stream.write_all(said).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).unwrap();
    answers
}

fn over_tls(server: &Electrode, said: &[u8]) -> Vec<u8> {
    let mut stream = tls_over(server.connect(Wire::Ssl), rustls::ALL_VERSIONS).unwrap();
    stream.write_all(said).unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).unwrap();
    answers
}

#[test]
fn forgets_clients_that_vanish_with_answers_on_their_way() {
    let (_node, mut server) = serving(|settings| settings);
    let asked = b"{\"id\":1,\"method\":\"blockchain.block.headers\",\"params\":[0,50]}\n";
    let asked = asked.repeat(REQUESTS);
    for wire in Wire::ALL {
        for _ in 0..20 {
            let mut stream = wire.over(server.connect(wire));
            stream.write_all(&asked).unwrap();
        }
    }
    wait_until("no session is left", PATIENCE, || {
        (server.status()?["sessions"] == 0).then_some(())
    });
    assert_unharmed(&mut server);
}
