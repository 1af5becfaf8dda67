//! A real Litecoin node with its `MimbleWimble` extension blocks: coins that move in, within and
//! out, on a chain that reorganises.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

use std::time::Duration;

use bitcoin::hex::FromHex as _;
use electrode_tests::{Electrode, LineClient, Litecoind, Settings, script_hash, wait_until};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the server may take to see what the node has.
const PATIENCE: Duration = Duration::from_secs(60);

/// Blocks before the one that brings the extension blocks, which must hold a peg-in.
const BEFORE_MWEB: u32 = 431;

const COIN: u64 = 100_000_000;

/// The wallet that mines, all of whose coins are seen by everyone.
const MINER: &str = "miner";

/// The wallet all of whose coins are in extension blocks.
const HIDDEN: &str = "hidden";

struct World {
    node: Litecoind,
    server: Electrode,
    payout: String,
}

impl World {
    /// A chain that is one block short of extension blocks.
    fn new() -> Self {
        let node = Litecoind::start();
        for wallet in [MINER, HIDDEN] {
            node.rpc("createwallet", &json!([wallet]));
        }
        let payout = node.text(MINER, "getnewaddress", &json!([]));
        node.mine(BEFORE_MWEB, &payout);
        let settings = Settings {
            coin: "Litecoin",
            ..Settings::regtest()
        };
        let settings = settings
            .daemon("urls", &[node.url()])
            .daemon("cookie_file", &node.cookie_file());
        let mut server = Electrode::configured(&settings);
        server.start();
        server.wait_ready();
        Self {
            node,
            server,
            payout,
        }
    }

    /// Pays from a wallet to an address and gives the transaction.
    fn pay(&self, wallet: &str, address: &str, coins: u64) -> String {
        self.node
            .text(wallet, "sendtoaddress", &json!([address, coins]))
    }

    fn mine(&mut self) {
        self.node.mine(1, &self.payout);
        self.wait_tip();
    }

    /// Waits until the server ends where the node does.
    fn wait_tip(&mut self) {
        let best = self.node.best_block();
        wait_until("the node's best block", PATIENCE, || {
            self.server.assert_running();
            (self.server.status()?["tip_hash"] == best).then_some(())
        });
    }

    fn script_hash(&self, wallet: &str, address: &str) -> String {
        let info = self
            .node
            .wallet(wallet, "getaddressinfo", &json!([address]));
        let script = Vec::from_hex(info["scriptPubKey"].as_str().unwrap());
        script_hash(&script.unwrap())
    }

    /// Asks in the oldest and the newest version served, which must agree.
    fn ask(&self, method: &str, params: &Value) -> Value {
        let answers = ["1.4", "1.6"].map(|version| self.client(version).call(method, params));
        assert_eq!(answers[0], answers[1], "{method} {params}");
        answers[1].clone()
    }

    fn client(&self, version: &str) -> LineClient {
        let mut client = self.server.stranger();
        let agreed = client.call("server.version", &json!(["tests", version]));
        assert_eq!(agreed[1], version);
        client
    }

    /// The transactions of the best block, as the server tells them one by one.
    fn block_txids(&self, height: u32, count: usize) -> Vec<Value> {
        (0..count)
            .map(|at| self.ask("blockchain.transaction.id_from_pos", &json!([height, at])))
            .collect()
    }

    /// Compares the best block with what the node says of it.
    fn expect_best_block(&self) {
        let best = self.node.rpc("getblock", &json!([self.node.best_block()]));
        let height = u32::try_from(best["height"].as_u64().unwrap()).unwrap();
        let count = best["nTx"].as_u64().unwrap();
        let txids = self.block_txids(height, usize::try_from(count).unwrap());
        assert_eq!(json!(txids), best["tx"]);
        let header = self
            .node
            .rpc("getblockheader", &json!([best["hash"], false]));
        assert_eq!(
            self.ask("blockchain.block.header", &json!([height])),
            header
        );
    }

    fn balance(&self, script_hash: &str) -> Value {
        self.ask("blockchain.scripthash.get_balance", &json!([script_hash]))
    }

    fn history(&self, script_hash: &str) -> Value {
        self.ask("blockchain.scripthash.get_history", &json!([script_hash]))
    }
}

#[test]
fn follows_coins_into_and_out_of_extension_blocks() {
    let mut world = World::new();
    assert!(world.server.logged().contains("by JSON-RPC"));
    world.expect_best_block();

    // A plain payment: in the mempool, then in a block, which is also the first extension block.
    let plain = world.node.text(HIDDEN, "getnewaddress", &json!([]));
    let plain_hash = world.script_hash(HIDDEN, &plain);
    let paid = world.pay(MINER, &plain, 1);
    let unconfirmed = json!({ "confirmed": 0, "unconfirmed": COIN });
    wait_until("the payment in the mempool", PATIENCE, || {
        (world.balance(&plain_hash) == unconfirmed).then_some(())
    });
    let mweb = world
        .node
        .text(HIDDEN, "getnewaddress", &json!(["", "mweb"]));
    let peg_in = world.pay(MINER, &mweb, 5);
    world.mine();
    world.expect_best_block();
    let history = json!([{ "tx_hash": paid, "height": 432 }]);
    assert_eq!(world.history(&plain_hash), history);
    let block = world
        .node
        .rpc("getblock", &json!([world.node.best_block()]));
    let has = |txid: &str| {
        block["tx"]
            .as_array()
            .is_some_and(|txs| txs.contains(&json!(txid)))
    };
    assert!(has(&peg_in), "{block}");

    // What moves within extension blocks has no inputs and outputs that anyone could index. The
    // wallet prefers hidden coins for a hidden payment.
    let own = world
        .node
        .text(HIDDEN, "getnewaddress", &json!(["", "mweb"]));
    let hidden = world.pay(HIDDEN, &own, 1);
    let raw = world.node.text("", "getrawtransaction", &json!([hidden]));
    assert_eq!(raw.get(8..14), Some("000800"), "only an extension: {raw}");
    world.mine();
    world.expect_best_block();

    // And out again: the block's last transaction pays what was hidden.
    let out = world.node.text(MINER, "getnewaddress", &json!([]));
    let out_hash = world.script_hash(MINER, &out);
    world.pay(HIDDEN, &out, 2);
    world.mine();
    world.expect_best_block();
    expect_peg_out(&world, &out_hash);

    // The block that pays it loses, and the one that wins pays it once more.
    let lost = world.node.best_block();
    world.node.rpc("invalidateblock", &json!([lost]));
    world.payout = world.node.text(MINER, "getnewaddress", &json!([]));
    world.mine();
    world.mine();
    assert_ne!(world.node.best_block(), lost);
    world.expect_best_block();
    expect_peg_out(&world, &out_hash);

    check_blocks(&world);
    world.server.stop();
    world.server.verify();
}

/// Has the extension blocks read offline, by the rules of Litecoin and of a coin without them.
fn check_blocks(world: &World) {
    let dir = TempDir::new().unwrap();
    for height in 432..=434 {
        let hash = world.node.rpc("getblockhash", &json!([height]));
        let mut block = world.node.rpc("getblock", &json!([hash]));
        block["block"] = world.node.rpc("getblock", &json!([hash, 0]));
        let path = dir.path().join("block.json");
        std::fs::write(&path, block.to_string()).unwrap();
        let path = path.display().to_string();
        let check = |coin| world.server.run(&["coin", "check", coin, "regtest", &path]);
        let [good, bad] = ["litecoin", "bitcoin"].map(check);
        let said = String::from_utf8_lossy(&good.stdout);
        assert_eq!(said, format!("{path}: ok\n"));
        assert_eq!(good.status.code(), Some(0));
        assert_eq!(bad.status.code(), Some(1));
    }
}

fn expect_peg_out(world: &World, script_hash: &str) {
    let confirmed = json!({ "confirmed": 2 * COIN, "unconfirmed": 0 });
    assert_eq!(world.balance(script_hash), confirmed);
    let hash = world.node.rpc("getblockhash", &json!([434]));
    let block = world.node.rpc("getblock", &json!([hash]));
    let last = block["tx"].as_array().and_then(|txs| txs.last());
    let history = json!([{ "tx_hash": last, "height": 434 }]);
    assert_eq!(world.history(script_hash), history);
}
