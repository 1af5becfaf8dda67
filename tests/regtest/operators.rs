//! Who is let in to the admin RPC: operators, whoever else is there.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output},
    time::{Duration, Instant},
};

use electrode_tests::{
    Bitcoind, Branch, Electrode, LineClient, Settings, electrode_program, tcp_to, tls_over,
};
use serde_json::{Value, json};

fn refused(operator: &mut LineClient, method: &str, params: &Value) -> String {
    let error = operator.try_call(method, params).unwrap_err();
    let message = error.get("message").and_then(Value::as_str);
    message.unwrap().to_owned()
}

/// Gives what a command of the program says, and whether it went well.
fn said(output: &Output) -> (bool, String) {
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn asks_for_the_token_that_it_has_made() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::serve(&node);
    let token = fs::read_to_string(server.token_file()).unwrap();
    let mode = fs::metadata(server.token_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);
    let mut stranger = server.visitor();
    assert!(refused(&mut stranger, "stop", &json!([])).contains("expected the token first"));
    assert_eq!(stranger.receive(), None);
    let mut guesser = server.visitor();
    let error = refused(&mut guesser, "auth", &json!(["0123456789abcdef"]));
    assert_eq!(error, "that is not the token");
    assert_eq!(guesser.receive(), None);
    let mut operator = server.visitor();
    let welcome = operator.call("auth", &json!([token.trim()]));
    assert_eq!(welcome, json!("welcome"));
    assert_eq!(operator.call("getinfo", &json!([]))["coin"], "Bitcoin");

    // The commands find it by the configuration, or where they are told.
    assert!(said(&server.run(&["admin", "getinfo"])).0);
    let rpc = format!("127.0.0.1:{}", server.rpc_port());
    let file = server.token_file();
    let elsewhere = |args: &[&str]| {
        let mut program = Command::new(electrode_program());
        let output = program.args(["admin", "getinfo", "--rpc", &rpc]).args(args);
        said(&output.env_clear().output().unwrap())
    };
    assert!(elsewhere(&["--token-file", file.to_str().unwrap()]).0);
    let (went_well, told) = elsewhere(&[]);
    assert!(!went_well && told.contains("--token-file"), "{told}");
    let (went_well, told) = elsewhere(&["--token-file", "/nowhere"]);
    assert!(!went_well && told.contains("/nowhere"), "{told}");

    // It stays the same, until it is removed.
    server.stop();
    server.start();
    server.wait_ready();
    assert_eq!(fs::read_to_string(server.token_file()).unwrap(), token);
    let mut operator = server.operator();
    fs::remove_file(server.token_file()).unwrap();
    operator.call("reload", &json!([]));
    let renewed = fs::read_to_string(server.token_file()).unwrap();
    assert_ne!(renewed, token);
    refused(&mut server.visitor(), "auth", &json!([token.trim()]));
    server.operator().call("getinfo", &json!([]));
    let log = server.logged();
    let is_told = [token, renewed]
        .iter()
        .any(|token| log.contains(token.trim()));
    assert!(!is_told, "a token is in the log");
}

#[test]
fn refuses_a_token_of_its_own_that_others_can_read() {
    let node = Bitcoind::start();
    let mut server = Electrode::serve(&node);
    server.stop();
    let everybody = fs::Permissions::from_mode(0o644);
    fs::set_permissions(server.token_file(), everybody).unwrap();
    for args in [&["serve"][..], &["config", "check"], &["admin", "getinfo"]] {
        let (went_well, told) = said(&server.run(args));
        assert!(
            !went_well && told.contains("came mode 0644"),
            "{args:?}: {told}"
        );
    }
}

#[test]
fn takes_a_token_of_the_operator_s() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let exposed = Settings {
        rpc_host: "0.0.0.0",
        ..Settings::of(&node)
    };
    let mut server = Electrode::configured(&exposed);
    let path = server.home().join("token");
    let named = exposed.set("serve.rpc_token_file", format_args!("{path:?}"));
    server.configure(&named);
    let (went_well, told) = said(&server.run(&["config", "check"]));
    assert!(
        !went_well && told.contains("expected a file that can be read"),
        "{told}"
    );

    let token = "0123456789abcdef".repeat(4);
    fs::write(&path, format!("{token}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    server.start();
    server.wait_ready();
    assert!(!server.token_file().exists());
    let mut operator = server.visitor();
    assert_eq!(operator.call("auth", &json!([token])), json!("welcome"));
    assert!(said(&server.run(&["admin", "getinfo"])).0);
    let log = server.logged();
    assert!(!log.contains(&token), "the token is in the log");
    let mend = format!("mode 0644); to mend it: chmod o-rwx {}", path.display());
    assert_eq!(log.matches(&mend).count(), 1, "{log}");
}

/// As for `electrumx_rpc`, which sends one request a connection and knows of no token.
#[test]
fn serves_tools_of_electrumx_where_that_is_wanted() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let settings = Settings::of(&node).set("serve.rpc_without_token", true);
    let mut server = Electrode::configured(&settings);
    server.start();
    server.wait_ready();
    assert!(!server.token_file().exists());
    let mut tool = server.visitor();
    let request = json!({ "jsonrpc": "2.0", "method": "getinfo", "params": {}, "id": 0 });
    tool.send(format!("{request}\n"));
    assert_eq!(tool.receive().unwrap()["result"]["coin"], "Bitcoin");
    assert!(said(&server.run(&["admin", "getinfo"])).0);
    server.configure(&Settings {
        rpc_host: "0.0.0.0",
        ..settings
    });
    let (went_well, told) = said(&server.run(&["config", "check"]));
    assert!(
        !went_well && told.contains("unset serve.rpc_without_token"),
        "{told}"
    );
}

/// What a web page has a browser send to the port: nothing of it is carried out, whether there is a
/// token or not.
#[test]
fn carries_out_nothing_that_a_web_page_sends() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let body = "{\"id\":1,\"method\":\"ban\",\"params\":[\"203.0.113.0/24\"]}\n\
                {\"id\":2,\"method\":\"stop\"}\n";
    let post = format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\n\
         Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let upgrade = "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n".to_owned() + body;
    for without_token in [false, true] {
        let settings = Settings::of(&node).set("serve.rpc_without_token", without_token);
        let mut server = Electrode::configured(&settings);
        server.start();
        server.wait_ready();
        for sent in [&post, &upgrade, &format!("no JSON\n{body}")] {
            let mut page = server.visitor();
            page.offer(sent);
            let error = page.receive().unwrap();
            assert_eq!(error["error"]["code"], -32700, "{error}");
            assert_eq!(page.receive(), None, "{sent}");
        }
        // A browser that tries TLS first.
        tls_over(
            tcp_to(([127, 0, 0, 1], server.rpc_port())),
            rustls::ALL_VERSIONS,
        )
        .unwrap_err();
        server.assert_running();
        let mut operator = match without_token {
            true => server.visitor(),
            false => server.operator(),
        };
        assert_eq!(operator.call("banned", &json!([])), json!([]));
        let log = server.logged();
        for tongue in ["HTTP", "TLS"] {
            let told = format!("somebody speaks {tongue} to the admin RPC");
            assert!(log.contains(&told), "{log}");
        }
        // Once it is an operator's, what is no JSON ends the connection all the same.
        operator.send(format!("nonsense\n{body}"));
        assert_eq!(operator.receive().unwrap()["error"]["code"], -32700);
        assert_eq!(operator.receive(), None);
        server.assert_running();
    }
}

/// More connections than there are places, none of which says who it is.
#[test]
fn is_open_to_operators_whoever_else_is_there() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let server = Electrode::serve(&node);
    let mut first = server.operator();
    let mut silent: Vec<_> = (0..100).map(|_| server.visitor()).collect();
    let start = Instant::now();
    let (went_well, told) = said(&server.run(&["admin", "getinfo"]));
    assert!(went_well, "{told}");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    // Those that came first had to go; who has shown the token stays.
    for visitor in &mut silent[..50] {
        assert_eq!(visitor.receive(), None);
    }
    first.call("getinfo", &json!([]));
}

#[test]
fn gives_strangers_little_time_and_little_room() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let settings = Settings::of(&node).set("limits.handshake_timeout", "'1s'");
    let mut server = Electrode::configured(&settings);
    server.start();
    server.wait_ready();
    let start = Instant::now();
    let mut operator = server.operator();
    assert_eq!(server.visitor().receive(), None);
    assert!(
        start.elapsed() >= Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    let mut chatty = server.visitor();
    chatty.offer("\n".repeat(100_000));
    assert_eq!(chatty.receive(), None);
    // An operator may think about what to do next.
    operator.call("getinfo", &json!([]));
}
