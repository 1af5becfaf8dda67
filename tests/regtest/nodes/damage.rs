//! Blocks that come damaged: every block's transactions prove themselves.

use std::sync::atomic::{AtomicUsize, Ordering};

use electrode_tests::{Bitcoind, Branch, Lock, Middleman, Oracle, Reply};
use serde_json::Value;

use super::{closed_until, started, through};

const ALICE: Lock = Lock::Segwit(1);

/// Changes the amount of the coinbase: the last bytes of a block are lock time, commitment and,
/// before these, the output that is paid.
fn flip(block: &mut Value) {
    if let Some(hex) = block.as_str().filter(|hex| hex.len() > 400) {
        let at = 2 * 190;
        let digit = u8::from_str_radix(&hex[at..=at], 16).unwrap() ^ 1;
        *block = Value::from(format!("{}{digit:x}{}", &hex[..at], &hex[at + 1..]));
    }
}

#[test]
fn asks_again_for_a_block_that_came_damaged() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 3);
    chain.mine(&node, [&coins[0].forward(ALICE, 10_000)]);
    let middleman = Middleman::before(&node);
    let calls = AtomicUsize::new(0);
    // Every fifth block, in the first sync and after.
    middleman.rule(move |method, _| match method {
        "getblock" if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(5) => Reply::Edit(flip),
        _ => Reply::Pass,
    });
    let mut server = started(&through(&middleman));
    server.wait_ready();
    for coin in &coins[1..] {
        chain.mine(&node, [&coin.forward(ALICE, 10_000)]);
        server.wait_caught_up(&node);
    }
    Oracle::wait_agree(&node, &mut server);
    assert!(server.logged().contains("came damaged"), "it was seen");
    middleman.pass();
    server.stop();
    server.verify();
}

#[test]
fn serves_nothing_of_a_block_that_never_comes_whole() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 1);
    chain.mine(&node, [&coins[0].forward(ALICE, 10_000)]);
    let middleman = Middleman::before(&node);
    middleman.rule(|method, _| match method {
        "getblock" => Reply::Edit(flip),
        _ => Reply::Pass,
    });
    let mut server = started(&through(&middleman));
    closed_until(&mut server, "came damaged", &node, || middleman.pass());
}
