//! Bitcoin as it is compiled in and Bitcoin through the border of plugins, on one node: every
//! answer of one server is, byte for byte, that of the other.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use bitcoin::{Transaction, consensus::encode::serialize_hex};
use electrode_tests::{
    Bitcoind, Branch, Electrode, LineClient, Lock, Oracle, PluginFolder, Settings, Spendable, pay,
};
use serde_json::{Value, json};

const FEE: u64 = 10_000;
const VERSIONS: [&str; 5] = ["1.4", "1.4.1", "1.4.2", "1.4.3", "1.6"];

/// What is asked about each script.
const OF_SCRIPTS: [&str; 6] = [
    "blockchain.scripthash.get_balance",
    "blockchain.scripthash.get_history",
    "blockchain.scripthash.get_mempool",
    "blockchain.scripthash.listunspent",
    "blockchain.scripthash.subscribe",
    "blockchain.scripthash.unsubscribe",
];

/// A question, as method and params.
type Request = (&'static str, Value);

/// Two servers of one node.
struct Pair {
    node: Bitcoind,
    compiled_in: Electrode,
    by_plugin: Electrode,
}

impl Pair {
    fn start(node: Bitcoind) -> Self {
        let folder = PluginFolder::with("electrode_reexport", "Bitcoin");
        let mut by_plugin = Electrode::configured(&Settings::of(&node).plugins(&folder));
        by_plugin.start();
        by_plugin.wait_ready();
        assert!(by_plugin.logged().contains("loaded a coin plugin"));
        Self {
            compiled_in: Electrode::serve(&node),
            by_plugin,
            node,
        }
    }

    /// Waits until both servers have what the node has, and compares all they say.
    fn compare(&mut self, transactions: &[&Transaction]) {
        for server in [&mut self.compiled_in, &mut self.by_plugin] {
            Oracle::wait_agree(&self.node, server);
        }
        let known = Oracle::read(&self.node);
        let mut requests = of_the_server();
        requests.extend(of_scripts(&known));
        requests.extend(of_blocks(&known));
        requests.extend(of_transactions(&known, &self.node.mempool()));
        requests.extend(of_broadcasts(transactions));
        for version in VERSIONS {
            let mut clients = [&self.compiled_in, &self.by_plugin].map(Electrode::stranger);
            let hello = ("server.version", json!(["tests", version]));
            for request in [&hello].into_iter().chain(&requests) {
                compare(&mut clients, request);
            }
        }
    }
}

/// Asks both the same and compares the bytes of the answers.
fn compare(clients: &mut [LineClient; 2], (method, params): &Request) {
    let request = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let answers = clients.each_mut().map(|client| {
        client.send(format!("{request}\n"));
        String::from_utf8(client.receive_line().unwrap()).unwrap()
    });
    let [compiled_in, by_plugin] = answers;
    assert_eq!(compiled_in, by_plugin, "{request}");
}

fn of_the_server() -> Vec<Request> {
    let plain = [
        "server.banner",
        "server.donation_address",
        "server.features",
        "server.peers.subscribe",
        "server.ping",
        "blockchain.headers.subscribe",
        "blockchain.relayfee",
        "mempool.get_fee_histogram",
        "mempool.get_info",
        "no.such_method",
    ];
    let fees = [1, 2, 25, -1].map(|blocks| ("blockchain.estimatefee", json!([blocks])));
    let plain = plain.map(|method| (method, json!([])));
    plain.into_iter().chain(fees).collect()
}

fn of_scripts(known: &Oracle) -> Vec<Request> {
    let unused = Lock::Segwit(u64::MAX).script_hash();
    let hashes = known.script_hashes().chain([unused, "no hash".to_owned()]);
    let requests =
        hashes.flat_map(|hash| OF_SCRIPTS.map(|method| (method, json!([hash.as_str()]))));
    requests.collect()
}

fn of_blocks(known: &Oracle) -> Vec<Request> {
    let tip = known.height();
    let requests = (0..=tip + 1).flat_map(|height| {
        [
            ("blockchain.block.header", json!([height])),
            ("blockchain.block.header", json!([height, tip])),
            ("blockchain.block.headers", json!([height, 5])),
            ("blockchain.block.headers", json!([height, 3, tip])),
        ]
    });
    requests.collect()
}

fn of_transactions(known: &Oracle, mempool: &[String]) -> Vec<Request> {
    let mut requests = Vec::new();
    for block in &known.blocks {
        for (position, txid) in block.txids.iter().enumerate() {
            let place = json!([block.height, position]);
            let proven = json!([block.height, position, true]);
            requests.extend([
                ("blockchain.transaction.id_from_pos", place),
                ("blockchain.transaction.id_from_pos", proven),
                (
                    "blockchain.transaction.get_merkle",
                    json!([txid, block.height]),
                ),
                ("blockchain.transaction.get", json!([txid])),
            ]);
        }
        let beyond = json!([block.height, block.txids.len()]);
        requests.push(("blockchain.transaction.id_from_pos", beyond));
    }
    for txid in mempool {
        requests.extend([
            ("blockchain.transaction.get", json!([txid])),
            ("blockchain.transaction.get", json!([txid, true])),
            ("blockchain.transaction.get_merkle", json!([txid, 1])),
        ]);
    }
    requests
}

/// Hands over what the node has already, and what it never takes.
fn of_broadcasts(transactions: &[&Transaction]) -> Vec<Request> {
    let raws: Vec<String> = transactions.iter().copied().map(serialize_hex).collect();
    let single = raws
        .iter()
        .map(|raw| ("blockchain.transaction.broadcast", json!([raw])));
    let package = ("blockchain.transaction.broadcast_package", json!([raws]));
    let broken = ("blockchain.transaction.broadcast", json!(["00"]));
    single.chain([package, broken]).collect()
}

#[test]
fn answers_alike_compiled_in_and_by_plugin() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 6);
    let mut pair = Pair::start(node);
    let (reused, bare, fresh) = (Lock::Segwit(1), Lock::Bare(2), Lock::Segwit(3));

    // Blocks with spends of the same block, a data carrier, and a script that is used again.
    let data = bitcoin::ScriptBuf::new_op_return([7; 20]);
    let half = coins[0].value / 2;
    let split = pay(
        &coins[..1],
        &[
            (&reused.script(), half),
            (&bare.script(), half - FEE),
            (&data, 0),
        ],
    );
    let onward = Spendable::find(&split, bare).forward(reused, FEE);
    let fork = chain.fork(1);
    chain.mine(&pair.node, [&split, &onward]);
    chain.mine(&pair.node, [&coins[1].forward(fresh, FEE)]);
    pair.compare(&[]);

    // Unconfirmed transactions, of which one builds on another.
    let parent = coins[2].forward(bare, FEE);
    let child = Spendable::find(&parent, bare).forward(reused, FEE);
    let other = Spendable::find(&onward, reused).forward(fresh, FEE);
    for tx in [&parent, &child, &other] {
        pair.node.send(tx);
    }
    pair.compare(&[&parent, &child]);

    // A longer branch, in which some of it is elsewhere and some of it is not.
    let mut branch = fork;
    branch.mine(&pair.node, [&parent]);
    branch.mine(&pair.node, [&split]);
    branch.mine(&pair.node, [&coins[3].forward(reused, FEE)]);
    pair.compare(&[&child]);
    assert_eq!(pair.node.height(), u64::from(branch.height));
}
