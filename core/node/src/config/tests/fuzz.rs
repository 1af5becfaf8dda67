//! Files and environments that chance has changed: read, or refused with reasons, never a panic.

use std::fs;

use electrode_tests::Dice;
use tempfile::NamedTempFile;

use super::*;

const CASES: u32 = 25_000;

/// A setting of each kind.
const FILE: &str = r#"coin = "Bitcoin"
net = "regtest"
data_dir = "/tmp/x"
[daemon]
urls = ["http://u:p@[::1]:18443", "127.0.0.1"]
zmq = "tcp://127.0.0.1:28332"
poll_interval_blocks = "5s"
[serve]
services = ["tcp://:50001", "ssl://[::]:50002", "rpc://localhost:8000"]
proxy_protocol_from = ["10.0.0.0/8", "::1"]
[index]
cache = "450MiB"
reorg_limit = 200
[limits]
max_sessions = 1000
cost_hard_limit = 10000
request_sleep = "2500ms"
costs = { "server.ping" = 0.5, error = 50 }
drop_client = "1\\..*"
[log]
level = "info"
"#;

const VARIABLES: &[&str] = &[
    "COIN",
    "NET",
    "DB_DIRECTORY",
    "DAEMON_URL",
    "SERVICES",
    "REPORT_SERVICES",
    "CACHE_MB",
    "MAX_SESSIONS",
    "COST_HARD_LIMIT",
    "REQUEST_TIMEOUT",
    "DROP_CLIENT",
    "LOG_LEVEL",
    "ELECTRODE_LIMITS__MAX_SEND",
    "ELECTRODE_DAEMON__ZMQ",
    "ELECTRODE_NO__SUCH",
    "HOST",
];

/// What is put in somewhere.
const PIECES: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "=",
    ",",
    ".",
    "#",
    "\n",
    "\\",
    "\0",
    "-",
    "1e400",
    "nan",
    "99999999999999999999",
    "0",
    "\u{e9}",
    "\u{202e}",
    "://",
    ":",
    "/",
    "[[",
    "\"\"\"",
    "%",
    "MiB",
    "true",
    "[limits]",
    "2024-01-01",
];

/// Checks that what is wrong is told; gives whether nothing was.
fn is_taken(loaded: Result<Loaded, ConfigProblems>) -> bool {
    match loaded {
        Ok(loaded) => {
            assert!(!loaded.config.print(None).is_empty());
            true
        }
        Err(problems) => {
            assert!(!problems.to_string().is_empty());
            false
        }
    }
}

#[test]
fn files_are_read_or_refused() {
    let mut dice = Dice::from_env();
    let file = NamedTempFile::new().unwrap();
    let mut taken = 0;
    for _ in 0..CASES {
        let mut bytes = dice.damaged(FILE, PIECES).into_bytes();
        if dice.pick(0..8) == 0 {
            let at = dice.index(bytes.len());
            bytes[at] = u8::try_from(dice.pick(0..256)).unwrap();
        }
        fs::write(file.path(), &bytes).unwrap();
        let sources = Sources {
            file: Some(file.path().to_owned()),
            ..Sources::default()
        };
        taken += u32::from(is_taken(Config::load(sources)));
    }
    assert!(taken > CASES / 100 && taken < CASES / 2, "{taken}");
}

#[test]
fn environments_are_read_or_refused() {
    let mut dice = Dice::from_env();
    let values = [
        "Bitcoin",
        "regtest",
        "/tmp/x",
        "u:p@127.0.0.1:8332",
        "tcp://:50001,rpc://",
        "100",
        "0.5",
        "1.4",
        "info",
        "30",
    ];
    let mut taken = 0;
    for _ in 0..CASES {
        let mut env = env(REQUIRED);
        for _ in 0..dice.pick(0..4) {
            let name = VARIABLES[dice.index(VARIABLES.len())];
            let value = values[dice.index(values.len())];
            let value = dice.damaged(value, PIECES);
            env.push((name.to_owned(), value));
        }
        let sources = Sources {
            env,
            ..Sources::default()
        };
        taken += u32::from(is_taken(Config::load(sources)));
    }
    assert!(taken > CASES / 100 && taken < CASES, "{taken}");
}
