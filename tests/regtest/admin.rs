//! The admin RPC over its socket, and the commands that speak to it.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{io::Write as _, time::Duration};

use electrode_tests::{
    Bitcoind, Branch, Electrode, LineClient, Lock, Oracle, Settings, Wire, script_hash, wait_until,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
const FEE: u64 = 10_000;
const ALICE: Lock = Lock::Segwit(4001);

fn message(error: &Value) -> String {
    error["message"].as_str().unwrap().to_owned()
}

fn refused(operator: &mut LineClient, method: &str, params: &Value) -> String {
    message(&operator.try_call(method, params).unwrap_err())
}

#[test]
fn sums_the_server_up() {
    let node = Bitcoind::start();
    let (_, coins) = Branch::funded(&node, 1);
    let server = Electrode::serve(&node);
    node.send(&coins[0].forward(ALICE, FEE));
    let mut wallet = server.client();
    wallet.call(
        "blockchain.scripthash.subscribe",
        &json!([ALICE.script_hash()]),
    );
    wallet
        .try_call("blockchain.scripthash.subscribe", &json!(["x"]))
        .unwrap_err();
    let mut operator = server.operator();
    wait_until("the transaction is seen", PATIENCE, || {
        let info = operator.call("getinfo", &json!([]));
        (info["mempool txs"] == 1).then_some(())
    });
    let info = operator.call("getinfo", &json!([]));
    for (key, expected) in [
        ("coin", json!("Bitcoin")),
        ("net", json!("regtest")),
        ("stage", json!("serving")),
        ("daemon", json!(format!("{}/", node.url()))),
        ("daemon answers", json!(true)),
        ("daemon height", json!(node.height())),
        ("db height", json!(node.height())),
        ("tip", json!(node.best_block())),
        ("peers", json!(0)),
        ("txs sent", json!(0)),
    ] {
        assert_eq!(info[key], expected, "{key}: {info}");
    }
    let sessions = &info["sessions"];
    assert_eq!(
        (&sessions["count"], &sessions["subs"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(sessions["count with subs"], 1);
    assert_eq!(sessions["errors"], 1);
    assert_eq!(info["request counts"]["blockchain.scripthash.subscribe"], 1);
    assert!(info["rss"].as_u64().unwrap() > 1 << 20, "{info}");
    assert!(info["uptime"].as_str().unwrap().ends_with('s'), "{info}");
    assert!(
        info["caches"]["status"]["lookups"].as_u64() >= Some(1),
        "{info}"
    );
}

#[test]
fn lists_logs_and_ends_sessions() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    let (mut kept, mut ended) = (server.client(), server.client());
    let mut operator = server.operator();
    let rows = operator.call("sessions", &json!([]));
    let rows = rows.as_array().unwrap();
    // ElectrumX's columns: id, flags, peer, client, proto, cost, extra cost, reqs, txs, subs,
    // received count and size, sent count and size, seconds.
    assert!(
        rows.len() == 3 && rows[0].as_array().unwrap().len() == 15,
        "{rows:?}"
    );
    assert_eq!(rows[1][1], "T10");
    assert!(rows[1][2].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!((&rows[1][3], &rows[1][4]), (&json!("tests"), &json!("1.6")));
    assert_eq!(
        (&rows[1][7], &rows[1][10], &rows[1][12]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(rows[2][1], "R10");

    let (first, second) = (rows[0][0].clone(), rows[1][0].clone());
    let told = operator.call("log", &json!([[first, "999"]]));
    assert_eq!(
        told,
        json!([format!("logging session {first}"), "unknown: 999"])
    );
    kept.call("server.ping", &json!([]));
    wait_until("the request is in the log", PATIENCE, || {
        server
            .logged()
            .contains("request=server.ping []")
            .then_some(())
    });
    assert_eq!(
        operator.call("log", &json!(["none"])),
        json!(["not logging all sessions"])
    );

    let told = operator.call("disconnect", &json!([[second, "none"]]));
    assert_eq!(
        told,
        json!([format!("disconnected {second}"), "unknown: none"])
    );
    assert_eq!(ended.receive(), None);
    kept.call("server.ping", &json!([]));
    assert_eq!(
        operator.call("disconnect", &json!(["all"])),
        json!(["disconnected all sessions"])
    );
    assert_eq!(kept.receive(), None);
    wait_until("only the operator is left", PATIENCE, || {
        (operator
            .call("sessions", &json!([]))
            .as_array()
            .unwrap()
            .len()
            == 1)
            .then_some(())
    });
}

#[test]
fn says_what_it_does_not_do() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    let mut operator = server.operator();
    assert_eq!(operator.call("peers", &json!([])), json!([]));
    let error = refused(
        &mut operator,
        "add_peer",
        &json!({ "real_name": "host v1.4 s" }),
    );
    assert!(error.contains("nothing was added"), "{error}");
    let error = refused(&mut operator, "reorg", &json!([100]));
    assert_eq!(
        error,
        "expected 1 to 1 blocks, which can be taken back, came 100"
    );
    let error = refused(&mut operator, "daemon_url", &json!(["https://u:secret@x"]));
    assert!(
        error.contains("https") && !error.contains("secret"),
        "{error}"
    );
    assert_eq!(
        refused(&mut operator, "halt", &json!([])),
        "unknown method \"halt\""
    );
    operator.send("[{\"id\":1,\"method\":\"getinfo\"}]\n");
    let answer = operator.receive().unwrap();
    assert!(
        message(&answer["error"]).contains("not a batch"),
        "{answer}"
    );
}

#[test]
fn looks_scripts_up() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 2);
    let (first, second) = (coins[0].forward(ALICE, FEE), coins[1].forward(ALICE, FEE));
    chain.mine(&node, [&first]);
    node.send(&second);
    let mut server = Electrode::serve(&node);
    Oracle::wait_agree(&node, &mut server);
    let script = ALICE.script();
    let address = bitcoin::Address::from_script(&script, bitcoin::Network::Regtest).unwrap();
    let hash = script_hash(script.as_bytes());
    let items = [address.to_string(), script.to_hex_string(), hash.clone()];

    let mut operator = server.operator();
    let named = json!({ "items": items, "limit": 1, "verbose": true });
    for (queried, kind) in operator
        .call("query", &named)
        .as_array()
        .unwrap()
        .iter()
        .zip(["Address", "Script", "Script hash"])
    {
        assert_eq!(
            (&queried["kind"], &queried["script_hash"]),
            (&json!(kind), &json!(hash))
        );
        let confirmed = json!({ "tx_hash": first.compute_txid(), "height": chain.height });
        assert_eq!(queried["history"], json!([confirmed]));
        assert_eq!(
            (&queried["history_count"], &queried["unspent_count"]),
            (&json!(2), &json!(2))
        );
        assert_eq!(queried["confirmed"], first.output[0].value.to_sat());
        assert_eq!(queried["unconfirmed"], second.output[0].value.to_sat());
    }
    let output = server.run(&["query", &items[0], "nobody"]);
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], format!("Address: {address}"));
    let height = chain.height;
    let txid = first.compute_txid();
    assert_eq!(
        lines[1],
        format!("History #0: height {height} tx_hash {txid}")
    );
    let value = first.output[0].value.to_sat();
    assert_eq!(
        lines[3],
        format!("UTXO #1: tx_hash {txid} tx_pos 0 height {height} value {value}")
    );
    assert!(
        lines[5].starts_with(&format!("Balance: {value} confirmed, +")),
        "{said}"
    );
    assert_eq!(lines[6], "nobody: unrecognised");
}

#[test]
fn reorganises_when_told_to_and_keeps_the_index_right() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 3);
    for coin in &coins {
        chain.mine(&node, [&coin.forward(ALICE, FEE)]);
    }
    let mut server = Electrode::serve(&node);
    let mut operator = server.operator();
    for count in [1, 5, 50] {
        let said = operator.call("reorg", &json!([count]));
        assert_eq!(said, json!(format!("scheduled a reorg of {count} blocks")));
        let taken_back = format!("taking back blocks, as the operator ordered count={count}");
        wait_until("the blocks are taken back", PATIENCE, || {
            server.logged().contains(&taken_back).then_some(())
        });
        Oracle::wait_agree(&node, &mut server);
    }
    chain.mine(&node, []);
    Oracle::wait_agree(&node, &mut server);
    server.stop();
    server.verify();
}

#[test]
fn follows_another_node_when_told_to_and_returns() {
    let (mut first, second) = (Bitcoind::start(), Bitcoind::start());
    let mut chain = Branch::genesis();
    chain.mine(&first, []);
    second.copy_chain(&first);
    let settings = Settings::regtest().daemon("urls", &[first.url_with_password()]);
    let mut server = Electrode::configured(&settings);
    server.start();
    server.wait_ready();
    let mut operator = server.operator();
    let said = operator.call("daemon_url", &json!([second.url_with_password()]));
    assert_eq!(
        said,
        json!(format!("now using daemon at {}/", second.url()))
    );
    first.stop();
    chain.mine(&second, []);
    server.wait_caught_up(&second);
    assert_eq!(
        operator.call("getinfo", &json!([]))["daemon"],
        json!(format!("{}/", second.url()))
    );

    first.start_again();
    first.copy_chain(&second);
    let said = operator.call("daemon_url", &json!([]));
    assert_eq!(said, json!(format!("now using daemon at {}/", first.url())));
    chain.mine(&first, []);
    server.wait_caught_up(&first);
    assert!(
        !server.logged().contains("tests@"),
        "the password is in the log"
    );
}

#[test]
fn is_there_before_the_first_block() {
    let settings = Settings::regtest().daemon("urls", &["http://127.0.0.1:1"]);
    let mut server = Electrode::configured(&settings);
    server.start();
    wait_until("the admin RPC is open", PATIENCE, || {
        server
            .run(&["admin", "getinfo"])
            .status
            .success()
            .then_some(())
    });
    let mut operator = server.operator();
    let info = operator.call("getinfo", &json!([]));
    assert_eq!(info["stage"], "waiting for the node");
    assert_eq!(
        (&info["db height"], &info["tip"]),
        (&Value::Null, &Value::Null)
    );
    let error = refused(&mut operator, "reorg", &json!([]));
    assert_eq!(error, "still catching up with daemon");
    let error = refused(&mut operator, "query", &json!(["x"]));
    assert!(error.contains("no index to ask yet"), "{error}");
    assert_eq!(operator.call("stop", &json!([])), json!("stopping"));
    assert!(server.wait_exit(PATIENCE).success());
}

#[test]
fn prints_tables_and_json() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::serve(&node);
    let _wallet = server.client();
    let said = |args: &[&str]| {
        let output = server.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let table = said(&["admin", "sessions"]);
    let words: Vec<_> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(
        words[..5],
        ["ID", "Flags", "Client", "Proto", "Cost"],
        "{table}"
    );
    assert!(table.lines().nth(1).unwrap().contains("tests"), "{table}");
    let json: Value = serde_json::from_str(&said(&["admin", "sessions", "--json"])).unwrap();
    assert_eq!(json[0][3], "tests");
    let table = said(&["admin", "getinfo"]);
    assert!(table.contains("coin           Bitcoin regtest"), "{table}");
    assert!(said(&["admin", "peers"]).contains("none: this version"));
    assert!(said(&["admin", "groups"]).starts_with("Name"));

    server.stop();
    let output = server.run(&["admin", "getinfo"]);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(69), "{complaint}");
    assert!(
        complaint.contains("is it running") && complaint.lines().count() == 1,
        "{complaint}"
    );
}

/// Gives the row of the wallet in the table of sessions that the log shows.
fn logged_row(server: &Electrode) -> Option<String> {
    let log = server.logged();
    let is_head = |line: &str| line.contains("ID  Flags  ") && line.ends_with("  Peer");
    let mut table = log.lines().skip_while(|line| !is_head(line)).skip(1);
    table
        .find(|line| line.contains("  tests  "))
        .map(str::to_owned)
}

#[test]
fn lists_sessions_in_the_log() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::configured(&Settings::of(&node).set("log.sessions", "'100ms'"));
    server.start();
    server.wait_ready();
    let _wallet = server.client();
    let row = wait_until("the session is listed", PATIENCE, || logged_row(&server));
    let rows = server.operator().call("sessions", &json!([]));
    let peer = rows[0][2].as_str().unwrap();
    let words: Vec<_> = row.split_whitespace().collect();
    assert!(words.ends_with(&[peer]) && words.contains(&"T10"), "{row}");

    server.configure(&Settings::of(&node).set("log.sessions", "'0s'"));
    let told = server.operator().call("reload", &json!([]));
    assert_eq!(told, json!("reloaded: log.sessions"));
}

#[test]
fn names_no_address_in_the_log_where_that_is_wanted() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let anonymous = Settings::of(&node)
        .set("log.level", "'debug'")
        .set("log.sessions", "'100ms'")
        .set("log.anonymous", true);
    let mut server = Electrode::configured(&anonymous);
    server.start();
    server.wait_ready();
    let mut operator = server.operator();
    operator.call("log", &json!(["all"]));
    let mut wallet = server.client();
    let listed = wait_until("the session is listed", PATIENCE, || logged_row(&server));
    assert!(listed.ends_with("  xx.xx.xx.xx:xx"), "{listed}");
    let wait_logged = |said: &str| {
        wait_until(said, PATIENCE, || {
            server.logged().contains(said).then_some(())
        });
    };
    server.connect(Wire::Ssl).write_all(b"no TLS\n").unwrap();
    // Who is banned comes to no handshake.
    wait_logged("reason=\"handshake\"");
    assert_eq!(
        operator.call("ban", &json!(["127.0.0.1", "noise"])),
        json!("banned 127.0.0.1/32")
    );
    assert_eq!(wallet.receive(), None);
    assert_eq!(server.stranger().receive(), None);
    for said in [
        "request=server.version",
        "reason=\"banned\"",
        "session ended",
    ] {
        wait_logged(said);
    }
    let log = server.logged();
    let named = log.lines().find(|line| {
        ["peer=127.", "net=127.", "ip=127."]
            .iter()
            .any(|address| line.contains(address))
    });
    assert_eq!(named, None);
    assert!(log.contains("banned net=xx.xx.xx.xx:xx"), "{log}");
}
