//! What is told of a configuration that cannot be used.

use super::*;

#[test]
fn tells_every_problem_at_once() {
    let file = file_of("[daemon]\nurl = 'x'\nrequest_timeout = 5\n[tls]\ncert = 'x'\n");
    let sources = Sources {
        file: Some(file.path().to_owned()),
        env: env(&[
            ("MAX_SUBS", "5"),
            ("MAX_SEND", "1000"),
            ("SERVICES", "ssl://:50002,tcp://x"),
            ("ELECTRODE_DAEMON__ZMK", "x"),
        ]),
        overrides: vec![("limits.max_sessions", "many".to_owned())],
    };
    assert_eq!(
        problems(Config::load(sources)),
        [
            "daemon.url (file) is not a setting: did you mean daemon.urls?",
            "environment MAX_SUBS is obsolete: use limits.max_subscriptions_total",
            "environment ELECTRODE_DAEMON__ZMK is not a setting: did you mean ELECTRODE_DAEMON__ZMQ?",
            "coin is missing: set it in the file or COIN in the environment",
            "data_dir is missing: set it in the file or DB_DIRECTORY in the environment",
            "daemon.urls is missing: set it in the file or DAEMON_URL in the environment",
            "daemon.request_timeout (file): expected a duration such as \"500ms\", \"30s\", \"5m\" or \"1h\", came \"5\"",
            "serve.services (environment SERVICES): expected a port, as in host:port, came \"tcp://x\"",
            "tls.cert (file): expected tls.key with it; set both, or none to have them made",
            "limits.max_sessions (command line): expected a whole number from 1 to 4294967295, came \"many\"",
            "limits.max_send (environment MAX_SEND): expected at least 350000 bytes, came 1000 bytes",
        ]
    );
}

/// Files, and what is told about each.
const REFUSED: &[(&str, &str)] = &[
    (
        "net = [5]",
        "net (file): expected one text or number, came a value of type array",
    ),
    (
        "data_dir = 5",
        "data_dir (file): expected a path, came a value of type integer",
    ),
    (
        "daemon.urls = 'x'",
        "daemon.urls (file): expected a list of texts, came a value of type string",
    ),
    (
        "daemon = 5",
        "daemon (file) is not a setting: remove it, or see `electrode config print` for those there are",
    ),
    (
        "urls = ['x']",
        "urls (file) is not a setting: did you mean daemon.urls?",
    ),
    (
        "[index]\ncache = 'big'",
        "index.cache (file): expected a size such as \"450MiB\", \"1GB\" or a number of bytes, came \"big\"",
    ),
    (
        "[serve]\nprotocol_min = '1.5'",
        "serve.protocol_min (file): expected one of 1.4, 1.4.1, 1.4.2, 1.4.3, 1.6, came \"1.5\"",
    ),
    (
        "[log]\nlevel = 'loud'",
        "log.level (file): expected one of error, warn, info, debug, trace, came \"loud\"",
    ),
    (
        "[log]\nformat = 'xml'",
        "log.format (file): expected one of full, compact, came \"xml\"",
    ),
    (
        "[limits]\ncost_soft_limit = 20000",
        "limits.cost_hard_limit (default): expected at least the soft limit of 20000, came 10000; 0 is no limit",
    ),
    (
        "[limits]\ngroup_ipv4_bits = 33",
        "limits.group_ipv4_bits (file): expected a whole number from 0 to 32, came \"33\"",
    ),
    (
        "[limits]\nexempt = ['home']",
        "limits.exempt (file): expected a network such as \"10.0.0.0/8\" or \"fd00::/8\", or an address, came \"home\"",
    ),
    (
        "[limits]\nmax_sessions_per_ip = 'x'",
        "limits.max_sessions_per_ip (file): expected a whole number from 1 to 4294967295, or 0 for none, came \"x\"",
    ),
    (
        "[limits.costs]\n'server.pin' = 1",
        "limits.costs (file): expected a method or another item of the cost model, such as server.ping, came \"server.pin=1\"",
    ),
    (
        "[limits]\ndrop_client = '('",
        "limits.drop_client (file): expected a regular expression (found open group without closing ')'), came \"(\"",
    ),
    (
        "[limits]\ndrop_client_unknown = 1",
        "limits.drop_client_unknown (file): expected true or false, came a value of type integer",
    ),
    (
        "[serve]\nservices = []",
        "serve.services (file): expected at least one service for wallets, such as \"ssl://:50002\"",
    ),
    (
        "[serve]\nservices = ['tcp://:1', 'ssl://:1']",
        "serve.services (file): ssl://:1 is on an address that tcp://:1 has already; give it another port",
    ),
    (
        "[serve]\nservices = ['tcp://:1']\nhttp = ':1'",
        "serve.services (file): tcp://:1 is on an address that serve.http has already; give it another port",
    ),
    (
        "[serve]\nservices = ['tcp://:1', 'ssl://127.0.0.1:1']",
        "serve.services (file): ssl://127.0.0.1:1 is on an address that tcp://:1 has already; give it another port",
    ),
    (
        "[serve]\nservices = ['tcp://:1', 'rpc://0.0.0.0:2']\nrpc_without_token = true",
        "serve.services (file): rpc://0.0.0.0:2 can be reached by others, who could stop the \
         server: listen on localhost, or unset serve.rpc_without_token",
    ),
    (
        "[serve]\nrpc_token_file = '/t'\nrpc_without_token = true",
        "serve.rpc_without_token (file): expected no serve.rpc_token_file beside it: unset one of \
         the two",
    ),
    (
        "[serve]\nhttp_hosts = ['http://a.example:9050']",
        "serve.http_hosts (file): expected the name of a host without a port, or * for any, came \"http://a.example:9050\"",
    ),
    (
        "[serve]\nservices = ['tcp://x.onion:1']",
        "serve.services (file): tcp://x.onion:1 cannot be listened on; listen on localhost and let Tor forward to it",
    ),
    (
        "[serve]\nreport_services = ['tcp://localhost:1']",
        "serve.report_services (file): tcp://localhost:1 cannot be reached from outside; name the public host, or leave it out",
    ),
    (
        "[serve]\nbanner_file = '~/x'",
        "serve.banner_file (file): ~/x needs the environment's HOME, which is not set; write the path in full",
    ),
    (
        "data_dir = '~alice/x'",
        "data_dir (file): ~alice/x begins with the home folder of a user, which is not looked up; write the path in full, or begin with ~/",
    ),
];

#[test]
fn refuses_what_no_setting_takes() {
    for (text, expected) in REFUSED {
        let told = load_file(text).unwrap_err().to_string();
        assert_eq!(told, *expected, "{text}");
    }
}

#[test]
fn says_where_a_file_is_not_toml() {
    let told = load_file("net = 'signet'\n[limits\n")
        .unwrap_err()
        .to_string();
    assert!(told.contains(", line 2: "), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn says_which_file_cannot_be_read() {
    let sources = Sources {
        file: Some("/nowhere/electrode.toml".into()),
        env: env(REQUIRED),
        ..Sources::default()
    };
    let told = problems(Config::load(sources));
    let expected = "configuration file /nowhere/electrode.toml: expected a readable text file: ";
    assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}");
}
