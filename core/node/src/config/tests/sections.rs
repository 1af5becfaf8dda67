//! Sections whose values are more than texts and numbers.

use std::{path::PathBuf, time::Duration};

use electrode_protocol::Method;
use electrode_server::{Extra, HttpHost, Item};

use super::*;
use crate::config::{
    AdminTarget,
    value::{Bits, OrNone},
};

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
    let again = load_file(&config.print(None)).unwrap().config;
    for limits in [config.limits, again.limits] {
        let exempt: Vec<_> = limits.exempt.iter().map(ToString::to_string).collect();
        assert_eq!(exempt, ["10.0.0.0/8", "2001:db8::5/128"]);
        assert_eq!(limits.ban_excessive, Some(Duration::from_secs(3600)));
        let mut costs = limits.costs;
        costs.sort_by_key(|(item, _)| item.name());
        assert_eq!(
            costs,
            [
                (Item::Extra(Extra::Error), 7.0),
                (Item::Method(Method::Ping), 0.5),
            ]
        );
        assert!(limits.clients.drop_unknown);
    }
}

#[test]
fn reads_plugins_and_their_pins() {
    let pin = "5f".repeat(32);
    let plugins =
        format!("[plugins]\ndir = \"/lib/e\"\n[plugins.sha256]\n\"libx.so\" = \"{pin}\"\n");
    let config = load_file(&plugins).unwrap().config;
    assert_eq!(config.coins.plugins.dir, Some(PathBuf::from("/lib/e")));
    assert_eq!(
        config.coins.plugins.sha256,
        [("libx.so".to_owned(), pin.parse().unwrap())]
    );
    let printed = format!("sha256 = {{ \"libx.so\" = \"{pin}\" }}");
    assert!(
        config.print(None).contains(&printed),
        "{}",
        config.print(None)
    );
    let again = load_file(&config.print(None)).unwrap().config;
    assert_eq!(again.coins.plugins.sha256, config.coins.plugins.sha256);

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
    assert_eq!(config.coins.plugins.options.0, options);
    assert_eq!(config.coins.plugins.call_limit, Duration::from_millis(500));
    let again = load_file(&config.print(None)).unwrap().config;
    assert_eq!(again.coins.plugins.options, config.coins.plugins.options);

    let load = |text| {
        let variables = [("ELECTRODE_PLUGINS__OPTIONS", text)];
        load_env(&[REQUIRED, &variables].concat())
    };
    let config = load("depth = 7").unwrap().config;
    assert_eq!(config.coins.plugins.options.0, "depth = 7");
    assert_eq!(
        problems(load("depth")),
        [
            "plugins.options (environment ELECTRODE_PLUGINS__OPTIONS): expected TOML, such as \
             \"depth = 5\", came \"depth\""
        ]
    );
}

#[test]
fn finds_the_admin_rpc_where_it_usually_is() {
    let target = |variables: &[(&str, &str)]| {
        let target = AdminTarget::load(Sources {
            env: env(variables),
            ..Sources::default()
        });
        target.unwrap().rpc.map(|address| address.to_string())
    };
    assert_eq!(target(&[]).as_deref(), Some("localhost:8000"));
    let elsewhere = target(&[("SERVICES", "tcp://:1,rpc://:8001")]);
    assert_eq!(elsewhere.as_deref(), Some("localhost:8001"));
    assert_eq!(target(&[("SERVICES", "tcp://:1")]), None);
}

#[test]
fn finds_the_token_of_the_admin_rpc() {
    let token_file = |variables: &[(&str, &str)]| {
        let target = AdminTarget::load(Sources {
            env: env(variables),
            ..Sources::default()
        });
        let file = target.unwrap().token_file;
        file.map(|file| file.path().to_owned())
    };
    let made = ("DB_DIRECTORY", "/data");
    let named = ("ELECTRODE_SERVE__RPC_TOKEN_FILE", "/t");
    let needs_none = ("ELECTRODE_SERVE__RPC_WITHOUT_TOKEN", "true");
    assert_eq!(token_file(&[]), None);
    assert_eq!(token_file(&[made]), Some("/data/admin-token".into()));
    assert_eq!(token_file(&[made, named]), Some("/t".into()));
    assert_eq!(token_file(&[made, needs_none]), None);
}

#[test]
fn lets_others_reach_an_rpc_service_that_has_a_token() {
    for (token, expected) in [("", None), ("rpc_token_file = '/t'", Some("/t"))] {
        let text = format!("[serve]\nservices = ['tcp://:1', 'rpc://0.0.0.0:2']\n{token}\n");
        let config = load_file(&text).unwrap().config;
        assert_eq!(config.serve.rpc[0].to_string(), "rpc://0.0.0.0:2");
        assert_eq!(config.serve.rpc_token_file, expected.map(PathBuf::from));
        assert!(!config.serve.rpc_without_token);
    }
}

#[test]
fn reads_names_that_pages_are_asked_for_by() {
    let text = "[serve]\nhttp_hosts = ['Node.example.org', '*']\n";
    let config = load_file(text).unwrap().config;
    let expected = [HttpHost::Name("node.example.org".to_owned()), HttpHost::Any];
    assert_eq!(config.serve.http_hosts, expected);
    assert_eq!(load_file("").unwrap().config.serve.http_hosts, []);
}
