//! Tests of whole configurations.

use std::{fs, path::PathBuf, time::Duration};

use electrode_coin::Coin as _;
use tempfile::NamedTempFile;

use electrode_server::Item;

use super::{
    Config, ConfigProblems, Loaded, LogLevel, Size, Sources,
    value::{Bits, OrNone},
};

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

/// What a configuration cannot do without.
const REQUIRED: &[(&str, &str)] = &[
    ("COIN", "Bitcoin"),
    ("DB_DIRECTORY", "/var/lib/electrode"),
    ("DAEMON_URL", "http://127.0.0.1:8332"),
];

fn load_env(pairs: &[(&str, &str)]) -> Result<Loaded, ConfigProblems> {
    Config::load(Sources {
        env: env(pairs),
        ..Sources::default()
    })
}

fn file_of(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    file
}

fn load_file(text: &str) -> Result<Loaded, ConfigProblems> {
    let file = file_of(text);
    let path = file.path().to_owned();
    Config::load(Sources {
        file: Some(path),
        env: env(REQUIRED),
        ..Sources::default()
    })
}

fn problems(loaded: Result<Loaded, ConfigProblems>) -> Vec<String> {
    loaded
        .unwrap_err()
        .to_string()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn loads_the_environment_of_electrumx() {
    let Loaded { config, warnings } = load_env(&[
        ("COIN", "Bitcoin"),
        ("NET", "regtest"),
        ("SERVICES", "tcp://:51001,rpc://"),
        ("DAEMON_URL", "http://doggman:donkey@127.0.0.1:18554"),
        ("DB_DIRECTORY", "/home/doggman/electrumx"),
        ("COST_SOFT_LIMIT", "0"),
        ("COST_HARD_LIMIT", "0"),
        ("DAEMON_POLL_INTERVAL_BLOCKS", "100"),
        ("DAEMON_POLL_INTERVAL_MEMPOOL", "100"),
        ("CACHE_MB", "1200"),
        ("SESSION_TIMEOUT", "60"),
        ("LOG_LEVEL", "warning"),
        ("BANNER_FILE", ""),
        ("PATH", "/usr/bin"),
    ])
    .unwrap();
    assert_eq!(
        (config.coin.as_str(), config.net.as_str()),
        ("Bitcoin", "regtest")
    );
    assert_eq!(
        config.daemon.urls[0].expose(),
        "http://doggman:donkey@127.0.0.1:18554"
    );
    assert_eq!(config.data_dir, PathBuf::from("/home/doggman/electrumx"));
    assert_eq!(
        config.daemon.poll_interval_blocks,
        Duration::from_millis(100)
    );
    assert_eq!(config.index.cache, Size(1_200_000_000));
    assert_eq!(config.limits.session_timeout, Duration::from_secs(60));
    assert_eq!(config.log.level, LogLevel::Warn);
    assert_eq!(config.serve.banner_file, None);
    let services: Vec<_> = config
        .serve
        .services
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(services, ["tcp://:51001"]);
    assert_eq!(warnings, [""; 0]);
    assert_eq!(config.serve.rpc[0].to_string(), "rpc://localhost:8000");
    assert!(!format!("{config:?}{}", config.print()).contains("donkey"));
}

#[test]
fn prints_every_setting_with_its_source() {
    let file = file_of("net = 'signet'\n[limits]\nmax_sessions = 5\n[index]\nreorg_limit = 300\n");
    let loaded = Config::load(Sources {
        file: Some(file.path().to_owned()),
        env: env(&[
            ("COIN", "Bitcoin"),
            ("HOME", "/home/op"),
            ("DB_DIRECTORY", "~/index"),
            ("DAEMON_URL", "http://op:secret@node:8332,other"),
            ("ELECTRODE_DAEMON__ZMQ", "tcp://127.0.0.1:28332"),
        ]),
        overrides: vec![("serve.services", "tcp://:50001".to_owned())],
    });
    let expected = r#"coin = "Bitcoin"                             # environment COIN
net = "signet"                               # file
data_dir = "/home/op/index"                  # environment DB_DIRECTORY
# coins_dir is not set

[daemon]
urls = ["http://***@node:8332", "other"]     # environment DAEMON_URL
# cookie_file is not set
# blocks_dir is not set
zmq = "tcp://127.0.0.1:28332"                # environment ELECTRODE_DAEMON__ZMQ
poll_interval_blocks = "5s"                  # default
poll_interval_mempool = "5s"                 # default
request_timeout = "60s"                      # default
connections = 8                              # default

[serve]
services = ["tcp://:50001"]                  # command line
# report_services is not set
# rpc_token_file is not set
# proxy_protocol_from is not set
# http is not set
name = "Electrode"                           # default
# banner_file is not set
# tor_banner_file is not set
# donation_address is not set
protocol_min = "1.4"                         # default

[tls]
# cert is not set
# key is not set

[index]
cache = "450MiB"                             # default
reorg_limit = 300                            # file

[limits]
max_sessions = 5                             # file
max_sessions_per_ip = 12                     # default
cost_soft_limit = 1000                       # default
cost_hard_limit = 10000                      # default
bandwidth_unit_cost = 5000                   # default
request_sleep = "2500ms"                     # default
# costs is not set
group_ipv4_bits = 24                         # default
group_ipv6_bits = 48                         # default
# exempt is not set
# ban_excessive is not set
# drop_client is not set
drop_client_unknown = false                  # default
max_recv = 1000000                           # default
max_send = 8100000                           # default
max_batch = 1000                             # default
initial_concurrent = 10                      # default
request_timeout = "30s"                      # default
handshake_timeout = "10s"                    # default
session_timeout = "600s"                     # default
max_subscriptions = 50000                    # default
max_subscriptions_total = 1000000            # default
max_queued_notices = 4096                    # default
concurrent_scans = 4                         # default
concurrent_scans_per_session = 1             # default
answer_cache = "100MiB"                      # default

[plugins]
# dir is not set
# sha256 is not set
# options is not set
call_limit = "10s"                           # default

[log]
level = "info"                               # default
format = "full"                              # default
"#;
    assert_eq!(loaded.unwrap().config.print(), expected);
}

#[test]
fn loads_what_it_prints() {
    let printed = load_env(REQUIRED).unwrap().config.print().to_owned();
    let again = load_file(&printed).unwrap().config.print().to_owned();
    let values = |text: &str| {
        let lines = text
            .lines()
            .map(|line| line.split(" # ").next().unwrap().trim().to_owned());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(values(&again), values(&printed));
}

#[test]
fn lets_the_stronger_source_win() {
    let file = file_of("net = 'testnet'\n[limits]\nmax_batch = 1\n");
    let load = |variables: &[(&str, &str)], overrides: &[&str]| {
        let overrides = overrides
            .iter()
            .map(|net| ("net", (*net).to_owned()))
            .collect();
        let env = env(&[REQUIRED, variables].concat());
        let sources = Sources {
            file: Some(file.path().to_owned()),
            env,
            overrides,
        };
        Config::load(sources).unwrap().config
    };
    assert_eq!(load(&[], &[]).net, "testnet");
    assert_eq!(load(&[("NET", "signet")], &[]).net, "signet");
    assert_eq!(
        load(&[("ELECTRODE_NET", "testnet4"), ("NET", "signet")], &[]).net,
        "testnet4"
    );
    assert_eq!(load(&[("NET", "signet")], &["regtest"]).net, "regtest");
    assert_eq!(load(&[], &[]).limits.max_batch, 1);
    assert_eq!(
        load(&[("ELECTRODE_LIMITS__MAX_BATCH", "2")], &[])
            .limits
            .max_batch,
        2
    );
}

#[test]
fn continues_a_list_of_the_command_line() {
    let overrides = ["a,b", "c"]
        .map(|url| ("daemon.urls", url.to_owned()))
        .to_vec();
    let sources = Sources {
        env: env(REQUIRED),
        overrides,
        ..Sources::default()
    };
    let urls = Config::load(sources).unwrap().config.daemon.urls;
    assert_eq!(
        urls.iter().map(|url| url.expose()).collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
}

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
        "serve.protocol_min (file): expected one of 1.4, 1.4.1, 1.4.2, 1.6, came \"1.5\"",
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
        "serve.services (file): ssl://:1 is on an address that is already taken; give it another port",
    ),
    (
        "[serve]\nservices = ['tcp://:1']\nhttp = ':1'",
        "serve.services (file): tcp://:1 is on an address that is already taken; give it another port",
    ),
    (
        "[serve]\nservices = ['tcp://:1', 'rpc://0.0.0.0:2']",
        "serve.services (file): rpc://0.0.0.0:2 can be reached by others, who could stop the \
         server: listen on localhost, or set serve.rpc_token_file",
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

#[test]
fn takes_credentials_from_electrumx_s_variable_only() {
    let told = problems(load_env(
        &[
            REQUIRED,
            &[("ELECTRODE_DAEMON__URLS", "http://op:secret@node")],
        ]
        .concat(),
    ));
    assert_eq!(
        told,
        [
            "environment ELECTRODE_DAEMON__URLS: expected URLs without user and password; put those \
          into daemon.cookie_file, the file's daemon.urls, or DAEMON_URL"
        ]
    );
}

#[test]
fn warns_of_own_variables_that_name_no_section() {
    let loaded = load_env(&[REQUIRED, &[("ELECTRODE_HOME", "/opt")]].concat()).unwrap();
    assert_eq!(
        loaded.warnings,
        ["ELECTRODE_HOME is not a setting and does nothing"]
    );
}

#[test]
fn delivers_a_file_for_every_coin_and_net_compiled_in() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    for known in electrode_coins::KnownCoins::built_in().list() {
        if known.source != electrode_coins::Source::BuiltIn {
            continue;
        }
        let descriptor = known.coin.descriptor();
        let (coin, net) = (descriptor.coin.to_string(), descriptor.net.to_string());
        // The same chain under another name needs no file of its own.
        if net == "testnet-segwit" {
            continue;
        }
        let name = format!("{}-{net}", coin.to_ascii_lowercase());
        let Loaded { config, warnings } = Config::load(Sources {
            file: Some(folder.join(format!("{name}.toml"))),
            env: env(&[("HOME", "/home/op")]),
            overrides: Vec::new(),
        })
        .unwrap();
        assert_eq!(warnings, [""; 0], "{name}");
        assert_eq!((config.coin, config.net), (coin, net));
        assert_eq!(
            config.data_dir,
            PathBuf::from("/home/op/.electrode").join(name)
        );
        assert_eq!(config.serve.rpc.len(), 1);
    }
}

/// Reads an env file as systemd and docker do.
fn env_file(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

#[test]
fn takes_the_env_file_that_is_delivered() {
    let text = include_str!("../../../../configs/electrode.env");
    let load = |text: &str| {
        Config::load(Sources {
            env: env_file(text),
            ..Sources::default()
        })
    };
    let Loaded { config, warnings } = load(text).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(
        (config.coin.as_str(), config.net.as_str()),
        ("Bitcoin", "mainnet")
    );
    // With every line that is commented out as well.
    let all = text.replace("\n#", "\n");
    let Loaded { config, warnings } = load(&all).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(
        config.serve.donation_address.as_deref(),
        Some("bc1qexample")
    );
}

#[test]
fn reads_limits_by_their_name_and_by_electrumx_s() {
    let limits = |variables: &[(&str, &str)]| {
        let loaded = load_env(&[REQUIRED, variables].concat()).unwrap();
        assert_eq!(loaded.warnings, [""; 0]);
        loaded.config.limits
    };
    let of_electrumx = limits(&[
        ("COST_SOFT_LIMIT", "0"),
        ("COST_HARD_LIMIT", "500"),
        ("BANDWIDTH_UNIT_COST", "1000"),
        ("REQUEST_SLEEP", "100"),
        ("SESSION_GROUP_BY_SUBNET_IPV4", "16"),
        ("SESSION_GROUP_BY_SUBNET_IPV6", "0"),
        ("DROP_CLIENT", "3\\.[0-2]"),
        ("DROP_CLIENT_UNKNOWN", "1"),
    ]);
    assert_eq!(of_electrumx.cost_soft_limit, OrNone(None));
    assert_eq!(of_electrumx.cost_hard_limit, OrNone(Some(500)));
    assert_eq!(of_electrumx.bandwidth_unit_cost, OrNone(Some(1000)));
    let sleep = OrNone(Some(Duration::from_millis(100)));
    assert_eq!(of_electrumx.request_sleep, sleep);
    assert_eq!(
        (of_electrumx.group_ipv4_bits, of_electrumx.group_ipv6_bits),
        (Bits(16), Bits(0))
    );
    assert!(of_electrumx.clients.drop_unknown);
    assert_eq!(
        limits(&[("REQUEST_SLEEP", "0")]).request_sleep,
        OrNone(None)
    );

    let text = "[limits]\nexempt = ['10.0.0.0/8', '2001:db8::5']\nban_excessive = '1h'\n\
                costs = { 'server.ping' = 0.5, error = 7 }\ndrop_client_unknown = true\n";
    let config = load_file(text).unwrap().config;
    let again = load_file(config.print()).unwrap().config;
    for limits in [config.limits, again.limits] {
        let exempt: Vec<_> = limits.exempt.iter().map(ToString::to_string).collect();
        assert_eq!(exempt, ["10.0.0.0/8", "2001:db8::5/128"]);
        assert_eq!(limits.ban_excessive, Some(Duration::from_secs(3600)));
        let mut costs = limits.costs;
        costs.sort_by_key(|(item, _)| item.name());
        assert_eq!(costs, [(Item::Error, 7.0), (Item::Ping, 0.5)]);
        assert!(limits.clients.drop_unknown);
    }
}

#[test]
fn reads_plugins_and_their_pins() {
    let pin = "5f".repeat(32);
    let plugins =
        format!("[plugins]\ndir = \"/lib/e\"\n[plugins.sha256]\n\"libx.so\" = \"{pin}\"\n");
    let config = load_file(&plugins).unwrap().config;
    assert_eq!(config.plugins.dir, Some(PathBuf::from("/lib/e")));
    assert_eq!(
        config.plugins.sha256,
        [("libx.so".to_owned(), pin.parse().unwrap())]
    );
    let printed = format!("sha256 = {{ \"libx.so\" = \"{pin}\" }}");
    assert!(config.print().contains(&printed), "{}", config.print());
    let again = load_file(config.print()).unwrap().config;
    assert_eq!(again.plugins.sha256, config.plugins.sha256);

    let short = load_file("[plugins.sha256]\n\"libx.so\" = \"5f\"\n");
    assert_eq!(
        problems(short),
        [
            "plugins.sha256 (file): expected the name of a plugin's file and its SHA-256 in hex, \
          came \"libx.so=5f\""
        ]
    );
}

#[test]
fn hands_options_to_the_plugin_as_they_stand() {
    let file = "[plugins]\ncall_limit = '500ms'\n[plugins.options]\ndepth = 5\nnames = ['a']\n";
    let config = load_file(file).unwrap().config;
    let options = "depth = 5\nnames = [\"a\"]\n";
    assert_eq!(config.plugins.options.0, options);
    assert_eq!(config.plugins.call_limit, Duration::from_millis(500));
    let again = load_file(config.print()).unwrap().config;
    assert_eq!(again.plugins.options, config.plugins.options);

    let load = |text| {
        let variables = [("ELECTRODE_PLUGINS__OPTIONS", text)];
        load_env(&[REQUIRED, &variables].concat())
    };
    let config = load("depth = 7").unwrap().config;
    assert_eq!(config.plugins.options.0, "depth = 7");
    assert_eq!(
        problems(load("depth")),
        [
            "plugins.options (environment ELECTRODE_PLUGINS__OPTIONS): expected TOML, such as \
             \"depth = 5\", came \"depth\""
        ]
    );
}

#[test]
fn tells_what_differs_from_another_configuration() {
    let [old, new] = ["[limits]\nmax_send = 400000\n", "[log]\nlevel = 'debug'\n"]
        .map(|text| load_file(text).unwrap().config);
    assert_eq!(old.differences(&new), ["limits.max_send", "log.level"]);
    assert_eq!(old.differences(&old), [""; 0]);
}

#[test]
fn lets_others_reach_an_rpc_service_that_has_a_token() {
    let text = "[serve]\nservices = ['tcp://:1', 'rpc://0.0.0.0:2']\nrpc_token_file = '/t'\n";
    let config = load_file(text).unwrap().config;
    assert_eq!(config.serve.rpc[0].to_string(), "rpc://0.0.0.0:2");
    assert_eq!(config.serve.rpc_token_file, Some(PathBuf::from("/t")));
}
