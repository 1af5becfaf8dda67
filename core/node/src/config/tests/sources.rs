//! Where values come from, and which of several counts.

use std::{path::PathBuf, time::Duration};

use super::*;
use crate::config::{LogLevel, Size};

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
    assert!(!format!("{config:?}{}", config.print(None)).contains("donkey"));
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
fn tells_what_differs_from_another_configuration() {
    let [old, new] = ["[limits]\nmax_send = 400000\n", "[log]\nlevel = 'debug'\n"]
        .map(|text| load_file(text).unwrap().config);
    assert_eq!(old.differences(&new), ["limits.max_send", "log.level"]);
    assert_eq!(old.differences(&old), [""; 0]);
}
