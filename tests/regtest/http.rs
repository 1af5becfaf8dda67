//! The HTTP port: metrics, the status page, and its bounds.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use electrode_tests::{Bitcoind, Branch, Electrode, Lock, wait_until};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
const FEE: u64 = 10_000;

#[test]
fn tells_prometheus_what_happens() {
    let node = Bitcoind::start();
    let (mut chain, coins) = Branch::funded(&node, 1);
    let mut server = Electrode::serve(&node);
    let before = server.metrics();
    let mut wallet = server.client();
    let _other = server.stranger();
    for _ in 0..3 {
        let script = json!([Lock::Segwit(1).script_hash()]);
        wallet.call("blockchain.scripthash.get_history", &script);
    }
    wallet.try_call("no.such.method", &json!([])).unwrap_err();
    node.send(&coins[0].forward(Lock::Segwit(1), FEE));
    chain.mine(&node, []);
    server.wait_caught_up(&node);
    wait_until(
        "both sessions and the transaction are counted",
        PATIENCE,
        || {
            let now = server.metrics();
            let sessions = now["electrode_sessions{transport=\"tcp\"}"];
            ((sessions, now["electrode_mempool_transactions"]) == (2.0, 1.0)).then_some(())
        },
    );

    let after = server.metrics();
    let height = f64::from(u32::try_from(node.height()).unwrap());
    let history = "method=\"blockchain.scripthash.get_history\"";
    for (name, expected) in [
        ("electrode_height", height),
        ("electrode_daemon_height", height),
        ("electrode_daemon_up", 1.0),
        ("electrode_stage{stage=\"serving\"}", 1.0),
        ("electrode_stage{stage=\"stuck\"}", 0.0),
        ("electrode_requests_total", 5.0),
        ("electrode_request_errors_total", 1.0),
        ("electrode_unreadable_requests_total", 1.0),
        ("electrode_subscriptions", 0.0),
        ("electrode_pending_requests", 0.0),
    ] {
        assert_eq!(after.get(name), Some(&expected), "{name}");
    }
    assert_eq!(
        after[&format!("electrode_request_seconds_count{{{history}}}")],
        3.0
    );
    assert_eq!(
        after[&format!("electrode_request_seconds_bucket{{le=\"+Inf\",{history}}}")],
        3.0
    );
    assert!(after[&format!("electrode_request_seconds_sum{{{history}}}")] > 0.0);
    assert_eq!(after["electrode_cache_hits_total{cache=\"history\"}"], 2.0);
    assert_eq!(
        after["electrode_cache_misses_total{cache=\"history\"}"],
        1.0
    );
    assert!(after["process_resident_memory_bytes"] > 1e6);
    assert!(after["electrode_received_bytes_total"] > before["electrode_received_bytes_total"]);
}

#[test]
fn serves_a_page_that_needs_nothing_from_outside() {
    let node = Bitcoind::start();
    let (_chain, coins) = Branch::funded(&node, 1);
    let server = Electrode::serve(&node);
    node.send(&coins[0].forward(Lock::Segwit(1), FEE));
    let page = server.page("/status").unwrap();
    assert_eq!(page.status, 200);
    for outside in ["//", "src=", "@import", "url("] {
        let found: Vec<_> = page
            .body
            .lines()
            .filter(|line| line.contains(outside))
            .collect();
        let is_namespace = |line: &&str| line.contains("http://www.w3.org/2000/svg");
        assert!(found.iter().all(is_namespace), "{outside}: {found:?}");
    }
    let status = wait_until("the transaction is on the page", PATIENCE, || {
        server
            .status()
            .filter(|status| status["mempool_transactions"] == 1)
    });
    assert_eq!(status["tip_hash"], node.best_block());
    assert_eq!(status["serving"], true);
    assert_eq!(status["sessions_by_transport"]["tcp"], 0);
    assert_eq!(status["daemon_answers"], true);
    // Every value that the page reads is there.
    let fields = page.body.split("s.").skip(1).map(|rest| {
        rest.chars()
            .take_while(|c| c.is_ascii_lowercase() || *c == '_')
            .collect::<String>()
    });
    let shown = page.body.find("function show").unwrap();
    let plot = page.body.find("function plot").unwrap();
    let read: BTreeSet<String> = fields.collect();
    for (key, _) in status.as_object().unwrap() {
        let shown = page.body.get(shown..plot).unwrap();
        let is_read = shown.contains(&format!("s.{key}"));
        assert!(is_read, "{key} of status.json is on no page");
        assert!(read.contains(key));
    }
    let samples: Value = serde_json::from_str(&server.page("/history.json").unwrap().body).unwrap();
    let newest = samples.as_array().unwrap().last().unwrap();
    assert!(
        newest["height"].is_u64() && newest["requests"].is_u64(),
        "{newest}"
    );
}

#[test]
fn tells_balancers_whether_it_is_ready() {
    let mut node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::configured(&electrode_tests::Settings::of(&node));
    node.stop();
    server.start();
    wait_until("the port is open", PATIENCE, || server.page("/live"));
    let page = server.page("/ready").unwrap();
    assert_eq!(
        (page.status, page.body.as_str()),
        (503, "waiting for the node\n")
    );
    node.start_again();
    server.wait_ready();
    assert_eq!(server.page("/nowhere").unwrap().status, 404);
}

#[test]
fn answers_while_others_hold_connections_open() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    let mut idle: Vec<_> = (0..80)
        .map(|_| TcpStream::connect(("127.0.0.1", server.http_port())).unwrap())
        .collect();
    let (silent, talkers) = idle.split_at_mut(40);
    for stream in talkers {
        stream
            .write_all(b"GET /ready HTTP/1.1\r\nX-Slow: ")
            .unwrap();
    }
    // More than there are places: those that came first have to go.
    let start = Instant::now();
    assert_eq!(server.page("/ready").unwrap().status, 200);
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    let mut end = Vec::new();
    silent[0].read_to_end(&mut end).unwrap();
    assert!(!String::from_utf8_lossy(&end).contains("200 OK"));

    let mut long = TcpStream::connect(("127.0.0.1", server.http_port())).unwrap();
    let refused = long
        .write_all(format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20)).as_bytes())
        .and_then(|()| long.read_to_end(&mut end));
    assert!(refused.is_err() || !String::from_utf8_lossy(&end).contains("200 OK"));
}

/// A web page whose name leads to this machine is told nothing; balancers that name nothing, and who
/// asks by an address, are.
#[test]
fn answers_who_asks_by_an_address_or_a_listed_name() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::serve(&node);
    let status = |server: &Electrode, head: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.http_port())).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer.split(' ').nth(1).unwrap().to_owned(), answer)
    };
    let ask = |server: &Electrode, host: &str| {
        status(
            server,
            &format!("GET /status.json HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        )
    };
    for host in ["127.0.0.1", "localhost:9050", "[::1]", "192.0.2.1:80"] {
        assert_eq!(ask(&server, host).0, "200", "{host}");
    }
    assert_eq!(status(&server, "GET /ready HTTP/1.0\r\n\r\n").0, "200");
    for host in [
        "evil.example",
        "evil.example:9050",
        "127.0.0.1.evil.example",
    ] {
        let (code, answer) = ask(&server, host);
        assert_eq!(code, "421", "{answer}");
        assert!(answer.contains("serve.http_hosts"), "{answer}");
        assert!(!answer.contains("genesis_hash"), "{answer}");
    }
    let absolute = "GET http://evil.example/status.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    assert_eq!(status(&server, absolute).0, "421");
    assert!(
        server
            .logged()
            .contains("serve.http_hosts does not list the name")
    );

    let listed = |hosts: &str| electrode_tests::Settings::of(&node).set("serve.http_hosts", hosts);
    server.configure(&listed("['Node.example.org']"));
    let told = server.operator().call("reload", &json!([]));
    assert_eq!(told, json!("reloaded: serve.http_hosts"));
    assert_eq!(ask(&server, "node.example.org:9050").0, "200");
    assert_eq!(ask(&server, "evil.example").0, "421");
    server.configure(&listed("['*']"));
    server.operator().call("reload", &json!([]));
    assert_eq!(ask(&server, "evil.example").0, "200");
    server.assert_running();
}

/// Names of metrics that a query of the dashboard uses.
fn names(query: &str) -> impl Iterator<Item = &str> {
    query
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("electrode_") || word.starts_with("process_"))
}

#[test]
fn has_every_metric_that_the_dashboard_shows() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../configs/grafana/electrode.json"
    );
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    server.client().call("server.ping", &json!([]));
    let metrics = server.metrics();
    let known: BTreeSet<&str> = metrics
        .keys()
        .map(|name| name.split('{').next().unwrap())
        .collect();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries: Vec<_> = targets
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(queries.len() > 10, "{queries:?}");
    for query in queries {
        assert!(names(query).next().is_some(), "no metric in {query}");
        for name in names(query) {
            assert!(
                known.contains(name),
                "{name} of the dashboard is no metric: {known:?}"
            );
        }
    }
}
