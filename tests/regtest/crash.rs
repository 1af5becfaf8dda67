//! Power cuts: the server dies at any moment, and what it leaves behind is sound.

use std::{
    fs,
    path::Path,
    sync::mpsc::{self, TryRecvError},
    thread,
    time::{Duration, Instant},
};

use bitcoin::Transaction;
use electrode_tests::{
    Bitcoind, Branch, Dice, Electrode, Lock, Oracle, Settings, Spendable, pay, wait_until,
};

const FEE: u64 = 10_000;
/// How often the server dies in each test.
const KILLS: usize = 20;
/// Memory so small that the build goes to disk after every few blocks.
const MANY_COMMITS: &str = "1MiB";
/// How long the server lives at most between two kills while it serves.
const LONGEST_LIFE: Duration = Duration::from_secs(2);
/// How long a phase of the build may take to be hit.
const PATIENCE: Duration = Duration::from_secs(60);
/// Scripts that all payments are between, so that every block changes old histories.
const PEOPLE: u64 = 20;

/// Keeps making blocks of payments, each coin going round.
struct Life {
    chain: Branch,
    coins: Vec<Spendable>,
    dice: Dice,
}

impl Life {
    fn begin(node: &Bitcoind, dice: Dice) -> Self {
        let (chain, coins) = Branch::funded(node, 40);
        Self { chain, coins, dice }
    }

    fn of_many_blocks(node: &Bitcoind) -> Self {
        let mut life = Self::begin(node, Dice::from_env());
        for _ in 0..600 {
            life.mine(node);
        }
        life
    }

    /// Makes payments that spend every coin once and leave as many.
    fn payments(&mut self) -> Vec<Transaction> {
        let dice = &mut self.dice;
        let pay_one = |coin: &mut Spendable| {
            let to = Lock::Segwit(dice.pick(0..PEOPLE));
            let also = Lock::Bare(dice.pick(0..PEOPLE));
            let tx = pay(
                &[*coin],
                &[(&to.script(), coin.value - FEE), (&also.script(), FEE / 2)],
            );
            *coin = Spendable::find(&tx, to);
            tx
        };
        self.coins.iter_mut().map(pay_one).collect()
    }

    fn mine(&mut self, node: &Bitcoind) {
        let txs = self.payments();
        self.chain.mine(node, &txs);
    }

    /// One step: usually a block after some mempool, now and then a reorganisation.
    fn step(&mut self, node: &Bitcoind) {
        if self.dice.pick(0..4) == 0 {
            let depth = self.dice.pick(1..5);
            self.reorganise(node, depth);
        } else {
            let txs = self.payments();
            for tx in &txs {
                node.send(tx);
            }
            self.chain.mine(node, &txs);
        }
    }

    /// Mines blocks that lose against as many empty ones and a last one with all their payments.
    fn reorganise(&mut self, node: &Bitcoind, depth: u64) {
        let mut fork = self.chain.fork(self.chain.height);
        let mut lost = Vec::new();
        for _ in 0..depth {
            let txs = self.payments();
            self.chain.mine(node, &txs);
            lost.extend(txs);
        }
        for _ in 0..depth {
            fork.mine(node, []);
        }
        fork.mine(node, &lost);
        self.chain = fork;
    }
}

/// Waits until `moment`; the server must still run then.
fn run_until(server: &mut Electrode, moment: Instant) {
    while let Some(left) = moment.checked_duration_since(Instant::now()) {
        server.assert_running();
        thread::park_timeout(left.min(Duration::from_millis(10)));
    }
}

/// A server whose build goes to disk many times.
fn many_commits(node: &Bitcoind) -> Settings {
    Settings {
        cache: MANY_COMMITS,
        ..Settings::of(node)
    }
}

#[test]
fn survives_being_killed_while_it_builds() {
    let node = Bitcoind::start();
    let mut life = Life::of_many_blocks(&node);
    let mut server = Electrode::configured(&many_commits(&node));
    let start = Instant::now();
    server.start();
    server.wait_ready();
    let build = start.elapsed();

    for _ in 0..KILLS {
        let was_ready = server.is_ready();
        server.kill();
        server.verify();
        if was_ready {
            server.forget();
        }
        server.start();
        run_until(
            &mut server,
            Instant::now() + build.mul_f64(life.dice.fraction()),
        );
    }
    server.wait_ready();
    Oracle::wait_agree(&node, &mut server);
    server.stop();
    server.verify();
}

/// What a build is at, as its files show even after its end.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Runs were connected, and blocks for the next one are put together in memory.
    Collecting,
    /// Sorted files of a run are written, which do not count yet.
    Writing,
    /// A run is decided, and the database takes its files over.
    Ingesting,
}

impl Phase {
    fn is_at(self, index: &Path) -> bool {
        let run = index.join("run");
        match self {
            Self::Collecting => {
                let blocks = fs::metadata(index.join("blocks"));
                blocks.is_ok_and(|blocks| blocks.len() > 0) && !run.exists()
            }
            Self::Writing => run.exists() && !run.join("COMMIT").exists(),
            Self::Ingesting => run.join("COMMIT").exists(),
        }
    }

    /// Builds the index until it is killed in this phase. A build that got out of it before the
    /// signal arrived is begun again.
    fn kill(self, server: &mut Electrode) {
        let index = server.data_dir().join("index");
        wait_until(&format!("a kill while {self:?}"), PATIENCE, || {
            server.start();
            while !self.is_at(&index) && !server.is_ready() {
                std::hint::spin_loop();
            }
            let was_ready = server.is_ready();
            server.kill();
            let is_hit = !was_ready && self.is_at(&index);
            if !is_hit {
                server.forget();
            }
            is_hit.then_some(())
        });
    }
}

#[test]
fn builds_the_same_index_whatever_phase_it_was_killed_in() {
    let node = Bitcoind::start();
    let _life = Life::of_many_blocks(&node);
    let mut server = Electrode::configured(&many_commits(&node));
    let build = |server: &mut Electrode| {
        server.start();
        server.wait_ready();
        server.stop();
        server.content_hash()
    };
    let undisturbed = build(&mut server);
    for phase in [Phase::Collecting, Phase::Writing, Phase::Ingesting] {
        server.forget();
        phase.kill(&mut server);
        assert_eq!(build(&mut server), undisturbed, "{phase:?}");
    }
}

#[test]
fn survives_being_killed_while_it_serves() {
    let node = Bitcoind::start();
    let mut dice = Dice::from_env();
    let mut life = Life::begin(&node, dice.clone());
    let mut server = Electrode::serve(&node);
    thread::scope(|scope| {
        // Life ends with this scope, also when that is by a panic.
        let (_end, ended) = mpsc::channel::<()>();
        let (node, life) = (&node, &mut life);
        scope.spawn(move || {
            while ended.try_recv() == Err(TryRecvError::Empty) {
                life.step(node);
            }
        });
        for _ in 0..KILLS {
            run_until(
                &mut server,
                Instant::now() + LONGEST_LIFE.mul_f64(dice.fraction()),
            );
            server.kill();
            server.start();
        }
    });
    server.wait_ready();
    Oracle::wait_agree(&node, &mut server);
    server.stop();
    server.verify();
}
