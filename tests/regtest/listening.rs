//! Addresses and folders: taken at the start, or refused with a reason before anything else is done.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    fs,
    io::ErrorKind,
    net::{IpAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    time::Duration,
};

use electrode_tests::{
    Bitcoind, Branch, Electrode, LineClient, Settings, Wire, tcp_to, wait_until,
};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);

/// Where no node is.
fn without_node() -> Settings {
    Settings::regtest().daemon("urls", &["http://127.0.0.1:1"])
}

/// Rewrites the configuration of a server.
fn reconfigure(server: &Electrode, from: &str, to: &str) {
    let text = fs::read_to_string(server.config_file()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(server.config_file(), text.replace(from, to)).unwrap();
}

/// Checks that a server neither starts nor finds its configuration fine, and says these words; its
/// node cannot tell it anything.
fn assert_refused(server: &Electrode, words: &[&str]) {
    for args in [&["config", "check"][..], &["serve"]] {
        let output = server.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{args:?}: {said}");
        for word in words {
            assert!(
                said.contains(word),
                "{args:?}: expected {word:?} in: {said}"
            );
        }
    }
}

fn answers(server: &Electrode, ip: &str) -> bool {
    let ip: IpAddr = ip.parse().unwrap();
    match TcpStream::connect((ip, server.port())) {
        Ok(_reached) => {
            let stream = tcp_to((ip, server.port()));
            LineClient::over(Box::new(stream)).call("server.ping", &json!([]));
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            false
        }
    }
}

#[test]
fn serves_ipv4_and_ipv6() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::configured(&Settings::of(&node));
    let one = format!("\"tcp://127.0.0.1:{}\"", server.port());
    for (hosts, on_ipv4, on_ipv6) in [
        (&[""][..], true, true),
        (&["[::]"], false, true),
        (&["0.0.0.0"], true, false),
        (&["0.0.0.0", "[::]"], true, true),
    ] {
        let services = hosts.iter();
        let services = services.map(|host| format!("\"tcp://{host}:{}\"", server.port()));
        reconfigure(&server, &one, &services.collect::<Vec<_>>().join(", "));
        server.start();
        server.wait_ready();
        assert_eq!(answers(&server, "127.0.0.1"), on_ipv4, "{hosts:?}");
        assert_eq!(answers(&server, "::1"), on_ipv6, "{hosts:?}");
        server.stop();
        server.configure(&Settings::of(&node));
    }
}

#[test]
fn opens_its_ports_when_it_has_something_to_say() {
    let mut node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::configured(&Settings::of(&node));
    node.stop();
    server.start();
    let page = wait_until("the reason is told", PATIENCE, || server.page("/ready"));
    assert_eq!(page.status, 503);
    assert!(page.body.contains("waiting for the node"), "{}", page.body);
    for wire in Wire::ALL {
        let port = server.port_of(wire);
        let refused = TcpStream::connect(("127.0.0.1", port)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        // Nobody else gets them meanwhile, not even who may share an address (the library says so).
        for host in ["127.0.0.1", "0.0.0.0"] {
            let stolen = TcpListener::bind((host, port)).unwrap_err();
            assert_eq!(stolen.kind(), ErrorKind::AddrInUse, "{host}");
        }
    }
    node.start_again();
    server.wait_ready();
    for wire in Wire::ALL {
        server.client_over(wire).call("server.ping", &json!([]));
    }
}

#[test]
fn says_which_port_is_occupied_and_what_to_do() {
    let server = Electrode::configured(&without_node());
    let http = TcpListener::bind(("127.0.0.1", server.http_port())).unwrap();
    let wss = TcpListener::bind(("127.0.0.1", server.port_of(Wire::Wss))).unwrap();
    for occupied in [wss, http] {
        let address = occupied.local_addr().unwrap();
        let expected = format!("cannot listen on {address}: ");
        assert_refused(&server, &[&expected, "stop that, or choose another port"]);
        assert!(!server.data_dir().exists(), "nothing is written");
    }
    assert!(server.run(&["config", "check"]).status.success());
}

#[test]
fn says_which_addresses_it_cannot_have() {
    let server = Electrode::configured(&without_node());
    let one = format!("tcp://127.0.0.1:{}", server.port());
    let every = format!("tcp://:{}", server.port());
    let twice = format!("{every}\", \"ssl://127.0.0.1:{}", server.port());
    for (services, words) in [
        (twice, vec!["give it another port", &every]),
        (
            one.replace("127.0.0.1", "192.0.2.1"),
            vec![
                "cannot listen on 192.0.2.1:",
                "an address that this machine has",
            ],
        ),
        (
            one.replace("127.0.0.1", "no-such-host.invalid"),
            vec!["cannot listen on no-such-host.invalid:"],
        ),
    ] {
        server.configure(&without_node());
        reconfigure(&server, &one, &services);
        assert_refused(&server, &words);
    }
}

#[test]
fn says_why_its_data_directory_cannot_be_used() {
    let server = Electrode::configured(&without_node());
    let file = server.home().join("file");
    fs::write(&file, "").unwrap();
    let usual = format!("{:?}", server.data_dir());
    for (path, words) in [
        (file.clone(), vec!["file is none"]),
        (file.join("below"), vec!["expected a directory"]),
        (
            PathBuf::from("/proc/x"),
            vec!["data_dir /proc/x: expected a directory"],
        ),
        (
            PathBuf::from("~nobody/x"),
            vec!["~nobody/x begins with the home folder of a user"],
        ),
    ] {
        server.configure(&without_node());
        reconfigure(&server, &usual, &format!("{path:?}"));
        assert_refused(&server, &words);
    }
}

#[test]
fn finds_a_configuration_fine_while_its_server_runs() {
    let mut server = Electrode::configured(&without_node());
    server.start();
    wait_until("the server is there", PATIENCE, || server.page("/live"));
    let output = server.run(&["config", "check"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("its server is running"), "{said}");
    // Another one on the same folder is told at once.
    let other = Electrode::configured(&without_node());
    let (theirs, ours) = (other.data_dir(), server.data_dir());
    reconfigure(&other, &format!("{theirs:?}"), &format!("{ours:?}"));
    let output = other.run(&["serve"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(65), "{said}");
    assert!(said.contains("in use by another server"), "{said}");
    server.assert_running();
}

#[test]
fn keeps_its_folder_to_itself_and_warns_of_others() {
    let mut server = Electrode::configured(&without_node());
    server.start();
    wait_until("the server is there", PATIENCE, || server.page("/live"));
    let mode = fs::metadata(server.data_dir())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    server.operator().call("ban", &json!(["203.0.113.0/24"]));
    let bans = fs::metadata(server.data_dir().join("bans.json")).unwrap();
    assert_eq!(bans.permissions().mode() & 0o777, 0o600);
    assert!(
        !server.logged().contains("to mend it"),
        "{}",
        server.logged()
    );
    server.stop();

    fs::set_permissions(server.data_dir(), fs::Permissions::from_mode(0o777)).unwrap();
    let told = "can be read and changed by others (mode 0777); to mend it: chmod o-rwx,g-w";
    let output = server.run(&["config", "check"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains(told), "{said}");
    server.start();
    wait_until("the server is there", PATIENCE, || server.page("/live"));
    assert_eq!(server.logged().matches(told).count(), 1);
}
