//! Branches that lose: short and long ones, with transactions that come back elsewhere or not.

#![expect(clippy::indexing_slicing, reason = "a panic is how a test fails")]

use bitcoin::Transaction;
use electrode_tests::{Bitcoind, Branch, Electrode, Lock, Oracle, Spendable, Watcher, pay};

const FEE: u64 = 10_000;

/// A number no script in a coinbase has.
const NUMBERS: u64 = 1000;

/// What happens to the payments of the losing branch.
struct Story {
    /// A payment and one built on it for each block; the winning branch has them elsewhere.
    kept: Vec<[Transaction; 2]>,
    /// Only the losing branch has it; it is valid and goes back to the mempool.
    left_out: Transaction,
    /// Only the losing branch has it; the winning branch spends the same coin otherwise.
    conflicting: Transaction,
    /// What the winning branch has instead.
    instead: Transaction,
}

impl Story {
    fn tell(coins: &[Spendable], depth: usize) -> Self {
        let lock = |number| match number % 2 {
            0 => Lock::Segwit(NUMBERS + number),
            _ => Lock::Bare(NUMBERS + number),
        };
        // Every block pays to this one, so that its history shows the order of blocks.
        let reused = Lock::Segwit(NUMBERS - 1);
        let kept = (0_u64..).zip(&coins[2..depth + 2]).map(|(number, coin)| {
            let half = coin.value / 2;
            let first = pay(
                &[*coin],
                &[
                    (&lock(number).script(), half),
                    (&reused.script(), half - FEE),
                ],
            );
            let second = Spendable::find(&first, lock(number)).forward(lock(number + 1), FEE);
            [first, second]
        });
        Self {
            kept: kept.collect(),
            left_out: coins[0].forward(reused, FEE),
            conflicting: coins[1].forward(lock(1), FEE),
            instead: coins[1].forward(lock(2), 2 * FEE),
        }
    }

    fn mine_losing(&self, node: &Bitcoind, chain: &mut Branch) {
        for (number, pair) in self.kept.iter().enumerate() {
            let others = [&self.left_out, &self.conflicting];
            let others = others.into_iter().filter(|_| number == 0);
            let block = chain.next(&losers_payout().script(), pair.iter().chain(others));
            node.submit(&block);
        }
    }

    /// Mines one block more than the losing branch has: the first pays something else, the rest
    /// have the kept payments in reverse.
    fn mine_winning(&self, node: &Bitcoind, fork: &mut Branch) {
        fork.mine(node, [&self.instead]);
        for pair in self.kept.iter().rev() {
            fork.mine(node, pair);
        }
    }
}

/// Gets the coinbases of the losing branch: a script that nobody has used after it has lost.
fn losers_payout() -> Lock {
    Lock::Segwit(NUMBERS - 2)
}

#[test]
fn follows_a_reorg_of_1_block() {
    follows_a_reorg(1);
}

#[test]
fn follows_a_reorg_of_3_blocks() {
    follows_a_reorg(3);
}

#[test]
fn follows_a_reorg_of_20_blocks() {
    follows_a_reorg(20);
}

fn follows_a_reorg(depth: usize) {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 22);
    let story = Story::tell(&coins, depth);
    let mut fork = chain.fork(1);
    let mut server = Electrode::serve(&node);

    story.mine_losing(&node, &mut chain);
    Oracle::wait_agree(&node, &mut server);
    let lost = Oracle::read(&node);
    let mut watcher = Watcher::new(&server, lost.script_hashes());

    story.mine_winning(&node, &mut fork);
    assert_eq!(node.best_block(), fork.tip.to_string());
    Oracle::wait_agree(&node, &mut server);
    let won = Oracle::read(&node);
    watcher.wait_told(&won);
    assert!(watcher.status(&losers_payout().script_hash()).is_null());
    assert!(
        node.mempool()
            .contains(&story.left_out.compute_txid().to_string())
    );

    // And back again: the first branch grows past the second.
    chain.mine(&node, []);
    chain.mine(&node, []);
    assert_eq!(node.best_block(), chain.tip.to_string());
    Oracle::wait_agree(&node, &mut server);
    watcher.wait_told(&Oracle::read(&node));
    server.stop();
    server.verify();
}

#[test]
fn follows_a_reorg_that_happened_while_it_was_not_running() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 22);
    let story = Story::tell(&coins, 3);
    let mut fork = chain.fork(1);
    story.mine_losing(&node, &mut chain);
    let mut server = Electrode::serve(&node);
    Oracle::wait_agree(&node, &mut server);

    server.stop();
    story.mine_winning(&node, &mut fork);
    let output = server.run(&["index", "verify"]);
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    server.start();
    server.wait_ready();
    Oracle::wait_agree(&node, &mut server);
    server.stop();
    server.verify();
}

#[test]
fn rewinds_and_grows_again() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 22);
    let story = Story::tell(&coins, 5);
    story.mine_losing(&node, &mut chain);
    let mut server = Electrode::serve(&node);
    server.stop();

    let output = server.run(&["index", "rewind", "4"]);
    assert!(output.status.success(), "index rewind: {output:?}");
    let info = server.run(&["index", "info"]);
    let told = String::from_utf8_lossy(&info.stdout).into_owned();
    assert!(
        told.contains(&(chain.height - 4).to_string()),
        "index info: {told}"
    );
    server.verify();

    server.start();
    server.wait_ready();
    Oracle::wait_agree(&node, &mut server);
}
