//! Every limit on sessions: hit over a real socket, and answered as documented.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::{sync::mpsc, thread, time::Duration};

use electrode_tests::{Bitcoind, Branch, Electrode, LineClient, Settings, wait_until};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

/// A server with limits, before which this machine stands as a proxy: clients say who they are.
struct Limited {
    _node: Bitcoind,
    server: Electrode,
}

impl Limited {
    fn start(limits: &[(&str, &str)]) -> Self {
        let node = Bitcoind::start();
        Branch::genesis().mine(&node, []);
        let server = Electrode::behind_proxy(&node, limits);
        Self {
            _node: node,
            server,
        }
    }

    /// Connects from an address.
    fn client(&self, ip: &str) -> LineClient {
        let mut client = LineClient::connect(self.server.port());
        client.send(format!("PROXY TCP4 {ip} 127.0.0.1 40000 50001\r\n"));
        client
    }

    fn sessions(&self) -> u64 {
        self.server.status().unwrap()["sessions"].as_u64().unwrap()
    }
}

fn ping(client: &mut LineClient) -> Result<Value, Value> {
    client.try_call("server.ping", &json!([]))
}

/// Makes a mistake, which costs 100.
fn blunder(client: &mut LineClient) {
    let error = client.try_call("no.such.method", &json!([])).unwrap_err();
    assert_eq!(error["code"], -32601, "{error}");
}

fn assert_excessive(error: &Value) {
    let expected = json!({ "code": -101, "message": "excessive resource usage" });
    assert_eq!(error, &expected);
}

/// Waits until an address gets an answer; refused connections are tried again.
fn wait_served(limited: &Limited, ip: &str) -> LineClient {
    wait_until("the address is served", PATIENCE, || {
        let mut client = limited.client(ip);
        let is_sent = client.offer("{\"id\":0,\"method\":\"server.ping\"}\n");
        (is_sent && client.receive().is_some()).then_some(client)
    })
}

/// Checks that an address is hung up on without a word.
fn assert_refused(limited: &Limited, ip: &str) {
    let mut client = limited.client(ip);
    client.offer("{\"id\":0,\"method\":\"server.ping\"}\n");
    assert_eq!(client.receive(), None, "{ip}");
}

#[test]
fn ends_a_session_at_the_hard_limit_and_remembers_its_network() {
    let limited = Limited::start(&[("cost_soft_limit", "80"), ("cost_hard_limit", "80")]);
    let mut greedy = limited.client("203.0.113.5");
    blunder(&mut greedy);
    assert_excessive(&ping(&mut greedy).unwrap_err());
    assert_eq!(greedy.receive(), None);
    drop(greedy);

    // Connecting again sheds nothing, from the same network; others are not concerned.
    let mut again = limited.client("203.0.113.99");
    assert_excessive(&ping(&mut again).unwrap_err());
    assert_eq!(again.receive(), None);
    ping(&mut limited.client("198.51.100.5")).unwrap();

    // A private address may stand for many people: each session answers for itself.
    let mut local = limited.client("127.0.0.1");
    blunder(&mut local);
    assert_excessive(&ping(&mut local).unwrap_err());
    ping(&mut limited.client("127.0.0.1")).unwrap();

    let groups = limited.server.operator().call("groups", &json!([]));
    let groups = groups.as_array().unwrap();
    let greedy = groups
        .iter()
        .find(|row| row.get(0) == Some(&json!("203.0.113.0/24")));
    let retained = greedy.and_then(|row| row.get(3)).and_then(Value::as_f64);
    assert!(retained.unwrap() > 100.0, "{groups:?}");
}

#[test]
fn ends_a_batch_where_the_limit_is() {
    let limited = Limited::start(&[("cost_soft_limit", "150"), ("cost_hard_limit", "150")]);
    let mut client = limited.client("203.0.113.5");
    let bad = |id| json!({ "id": id, "method": "no.such.method" });
    client.send(format!("{}\n", json!([bad(1), bad(2), bad(3), bad(4)])));
    let answers = client.receive().unwrap();
    let answers = answers.as_array().unwrap().iter();
    let codes: Vec<_> = answers
        .map(|answer| answer["error"]["code"].as_i64().unwrap())
        .collect();
    assert_eq!(codes, [-32601, -32601, -101, -101]);
    assert_eq!(client.receive(), None);
}

#[test]
fn answers_more_slowly_above_the_soft_limit() {
    let limited = Limited::start(&[
        ("cost_soft_limit", "80"),
        ("cost_hard_limit", "180"),
        ("request_sleep", "\"5s\""),
    ]);
    let mut slow = limited.client("203.0.113.5");
    blunder(&mut slow);
    let mut polite = limited.client("198.51.100.5");
    ping(&mut polite).unwrap();
    slow.send("{\"id\":0,\"method\":\"server.ping\"}\n");

    // Who asks later and has cost less is answered earlier.
    let (answers, order) = mpsc::channel();
    let answered = answers.clone();
    let waiting = thread::spawn(move || {
        let answer = slow.receive().unwrap();
        answered.send("slow").unwrap();
        answer
    });
    ping(&mut polite).unwrap();
    answers.send("polite").unwrap();
    assert_eq!(
        [order.recv().unwrap(), order.recv().unwrap()],
        ["polite", "slow"]
    );
    assert_eq!(waiting.join().unwrap()["result"], Value::Null);
}

#[test]
fn charges_what_operators_set_and_nothing_to_exempt_networks() {
    let limited = Limited::start(&[
        ("cost_soft_limit", "80"),
        ("cost_hard_limit", "80"),
        ("exempt", "[\"203.0.113.0/24\"]"),
        ("max_sessions_per_ip", "1"),
        ("costs", "{ \"server.ping\" = 200, error = 0 }"),
    ]);
    let mut exempt = limited.client("203.0.113.5");
    let mut beside = limited.client("203.0.113.5");
    for client in [&mut exempt, &mut beside] {
        ping(client).unwrap();
        ping(client).unwrap();
    }
    let mut charged = limited.client("198.51.100.5");
    blunder(&mut charged);
    blunder(&mut charged);
    ping(&mut charged).unwrap();
    assert_excessive(&ping(&mut charged).unwrap_err());
}

#[test]
fn bans_an_address_that_costs_too_much_if_told_to() {
    let limited = Limited::start(&[
        ("cost_soft_limit", "80"),
        ("cost_hard_limit", "80"),
        ("ban_excessive", "\"1h\""),
    ]);
    let mut greedy = limited.client("203.0.113.5");
    blunder(&mut greedy);
    assert_excessive(&ping(&mut greedy).unwrap_err());
    let banned = wait_until("the address is banned", PATIENCE, || {
        let banned = limited.server.operator().call("banned", &json!([]));
        banned.get(0).cloned()
    });
    assert_eq!(banned["network"], "203.0.113.5/32");
    assert_eq!(banned["reason"], "excessive resource usage");
    let time = banned["until"].as_u64().unwrap() - banned["since"].as_u64().unwrap();
    assert_eq!(time, 3600);
    assert_refused(&limited, "203.0.113.5");
}

#[test]
fn remembers_bans_and_ends_the_sessions_of_banned_networks() {
    let mut limited = Limited::start(&[]);
    let mut session = limited.client("203.0.113.5");
    ping(&mut session).unwrap();
    let mut operator = limited.server.operator();
    operator.call("ban", &json!(["203.0.113.0/24", "spam"]));
    assert_eq!(session.receive(), None);
    assert_refused(&limited, "203.0.113.7");
    ping(&mut limited.client("198.51.100.5")).unwrap();

    limited.server.stop();
    limited.server.start();
    limited.server.wait_ready();
    assert_refused(&limited, "203.0.113.7");
    let mut operator = limited.server.operator();
    let banned = operator.call("banned", &json!([]));
    assert_eq!(banned[0]["reason"], "spam", "{banned}");
    operator
        .try_call("unban", &json!(["203.0.113.7"]))
        .unwrap_err();
    operator.try_call("ban", &json!(["everybody"])).unwrap_err();
    operator.call("unban", &json!(["203.0.113.0/24"]));
    ping(&mut limited.client("203.0.113.7")).unwrap();
}

#[test]
fn takes_only_so_many_sessions_of_one_address() {
    let limited = Limited::start(&[("max_sessions_per_ip", "2")]);
    let mut first = limited.client("203.0.113.5");
    let mut second = limited.client("203.0.113.5");
    ping(&mut first).unwrap();
    ping(&mut second).unwrap();
    assert_refused(&limited, "203.0.113.5");
    ping(&mut limited.client("203.0.113.6")).unwrap();
    for _ in 0..3 {
        ping(&mut limited.client("127.0.0.1")).unwrap();
    }
    drop(first);
    wait_served(&limited, "203.0.113.5");
    ping(&mut second).unwrap();
}

#[test]
fn lets_new_sessions_wait_until_there_are_clearly_fewer() {
    let limited = Limited::start(&[("max_sessions", "40")]);
    let mut sessions: Vec<_> = (0..40).map(|_| limited.client("127.0.0.1")).collect();
    for session in &mut sessions {
        ping(session).unwrap();
    }
    let mut waiting = limited.client("127.0.0.1");
    wait_until("new sessions wait", PATIENCE, || {
        let logged = limited.server.logged();
        logged
            .contains("as many sessions as are allowed")
            .then_some(())
    });
    sessions.truncate(39);
    wait_until("a session is gone", PATIENCE, || {
        (limited.sessions() == 39).then_some(())
    });
    sessions.truncate(38);
    ping(&mut waiting).unwrap();
    let logged = limited.server.logged();
    assert!(logged.contains("new sessions are taken again"), "{logged}");
    // 95 % of 40: one fewer was not enough.
    assert!(logged.contains("sessions=38"), "{logged}");
}

#[test]
fn subscribes_to_only_so_many_scripts() {
    let limited = Limited::start(&[("max_subscriptions", "2"), ("max_subscriptions_total", "3")]);
    let subscribe = |client: &mut LineClient, script: usize| {
        let params = json!([format!("{script:064x}")]);
        let answered = client.try_call("blockchain.scripthash.subscribe", &params);
        answered.map_err(|error| error["message"].as_str().unwrap().to_owned())
    };
    let mut first = limited.client("203.0.113.5");
    let mut second = limited.client("203.0.113.5");
    first.call("server.version", &json!(["tests", "1.6"]));
    subscribe(&mut first, 1).unwrap();
    subscribe(&mut first, 2).unwrap();
    subscribe(&mut first, 2).unwrap();
    let refused = subscribe(&mut first, 3).unwrap_err();
    assert_eq!(refused, "your subscription limit 2 reached");
    subscribe(&mut second, 1).unwrap();
    let refused = subscribe(&mut second, 3).unwrap_err();
    assert_eq!(refused, "server subscription limit 3 reached");
    let unsubscribed = first.call(
        "blockchain.scripthash.unsubscribe",
        &json!([format!("{:064x}", 1)]),
    );
    assert_eq!(unsubscribed, true);
    subscribe(&mut second, 3).unwrap();
}

#[test]
fn drops_clients_by_name() {
    let limited = Limited::start(&[
        ("drop_client", "'3\\.[0-2]'"),
        ("drop_client_unknown", "true"),
    ]);
    let mut old = limited.client("203.0.113.5");
    let refused = old.try_call("server.version", &json!(["3.2.3", "1.4"]));
    assert_eq!(
        refused.unwrap_err(),
        json!({ "code": 1, "message": "unsupported client: 3.2.3" })
    );
    assert_eq!(old.receive(), None);

    let mut nameless = limited.client("203.0.113.5");
    assert_eq!(
        ping(&mut nameless).unwrap_err(),
        json!({ "code": 1, "message": "use server.version to identify client" })
    );
    assert_eq!(nameless.receive(), None);

    let mut new = limited.client("203.0.113.5");
    new.call("server.version", &json!(["4.8.4", "1.4"]));
    ping(&mut new).unwrap();
}

#[test]
fn takes_new_limits_while_it_runs() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let settings = Settings::of(&node);
    let mut server = Electrode::configured(&settings);
    server.start();
    server.wait_ready();
    let mut client = server.stranger();
    blunder(&mut client);
    ping(&mut client).unwrap();
    let strict = settings
        .set("limits.cost_soft_limit", 80)
        .set("limits.cost_hard_limit", 80);
    server.configure(&strict);
    server.operator().call("reload", &json!([]));
    blunder(&mut client);
    assert_excessive(&ping(&mut client).unwrap_err());
}
