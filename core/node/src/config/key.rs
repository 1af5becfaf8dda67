//! The table of settings.

/// One setting.
#[derive(Debug)]
pub(super) struct Key {
    /// Section and name, as in `daemon.zmq`; top-level settings have no section.
    pub(super) path: &'static str,
    /// What ElectrumX calls it, if it has it.
    pub(super) electrumx: Option<Variable>,
    /// The form of its value.
    pub(super) form: Form,
    /// Its value when nothing is said.
    pub(super) default: Option<&'static str>,
}

/// A variable of ElectrumX's environment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    /// The unit of its bare number, as this configuration writes it.
    pub(super) unit: &'static str,
}

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One text or number.
    Text,
    /// A path of the file system, in which a leading `~` is the home folder.
    Path,
    /// Several texts; separated by commas where they come as one.
    List,
    /// A list of URLs that may hold credentials.
    Urls,
    /// Texts by name; `name=text`, separated by commas, where they come as one.
    Table,
    /// TOML that is not looked into; as it stands where it comes as text.
    Toml,
    /// Yes or no; in ElectrumX's environment anything is yes.
    Flag,
}

/// Every setting, in the order in which they are printed.
pub(super) const KEYS: &[Key] = &[
    text("coin").electrumx("COIN", ""),
    text("net").electrumx("NET", "").or("mainnet"),
    path("data_dir").electrumx("DB_DIRECTORY", ""),
    path("coins_dir"),
    urls("daemon.urls").electrumx("DAEMON_URL", ""),
    path("daemon.cookie_file"),
    path("daemon.blocks_dir"),
    text("daemon.zmq"),
    text("daemon.poll_interval_blocks")
        .electrumx("DAEMON_POLL_INTERVAL_BLOCKS", "ms")
        .or("5s"),
    text("daemon.poll_interval_mempool")
        .electrumx("DAEMON_POLL_INTERVAL_MEMPOOL", "ms")
        .or("5s"),
    text("daemon.request_timeout").or("60s"),
    text("daemon.connections").or("8"),
    text("daemon.client_patience").or("5s"),
    flag("daemon.wait_for_download").or("true"),
    list("serve.services")
        .electrumx("SERVICES", "")
        .or("tcp://127.0.0.1:50001"),
    list("serve.report_services").electrumx("REPORT_SERVICES", ""),
    path("serve.rpc_token_file"),
    flag("serve.rpc_without_token").or("false"),
    list("serve.proxy_protocol_from"),
    text("serve.http"),
    text("serve.ready_lag").or("10s"),
    list("serve.http_hosts"),
    text("serve.name").or("Electrode"),
    path("serve.banner_file").electrumx("BANNER_FILE", ""),
    path("serve.tor_banner_file").electrumx("TOR_BANNER_FILE", ""),
    text("serve.donation_address").electrumx("DONATION_ADDRESS", ""),
    text("serve.protocol_min").or("1.4"),
    path("tls.cert").electrumx("SSL_CERTFILE", ""),
    path("tls.key").electrumx("SSL_KEYFILE", ""),
    text("index.cache").electrumx("CACHE_MB", "MB").or("450MiB"),
    text("index.reorg_limit").electrumx("REORG_LIMIT", ""),
    text("limits.max_sessions")
        .electrumx("MAX_SESSIONS", "")
        .or("1000"),
    text("limits.max_sessions_per_ip").or("12"),
    text("limits.cost_soft_limit")
        .electrumx("COST_SOFT_LIMIT", "")
        .or("1000"),
    text("limits.cost_hard_limit")
        .electrumx("COST_HARD_LIMIT", "")
        .or("10000"),
    text("limits.bandwidth_unit_cost")
        .electrumx("BANDWIDTH_UNIT_COST", "")
        .or("5000"),
    text("limits.request_sleep")
        .electrumx("REQUEST_SLEEP", "ms")
        .or("2500ms"),
    Key {
        form: Form::Table,
        ..text("limits.costs")
    },
    text("limits.group_ipv4_bits")
        .electrumx("SESSION_GROUP_BY_SUBNET_IPV4", "")
        .or("24"),
    text("limits.group_ipv6_bits")
        .electrumx("SESSION_GROUP_BY_SUBNET_IPV6", "")
        .or("48"),
    list("limits.exempt"),
    text("limits.ban_excessive"),
    text("limits.drop_client").electrumx("DROP_CLIENT", ""),
    flag("limits.drop_client_unknown")
        .electrumx("DROP_CLIENT_UNKNOWN", "")
        .or("false"),
    text("limits.max_recv")
        .electrumx("MAX_RECV", "")
        .or("1000000"),
    text("limits.max_send")
        .electrumx("MAX_SEND", "")
        .or("8100000"),
    text("limits.max_batch").or("1000"),
    text("limits.initial_concurrent")
        .electrumx("INITIAL_CONCURRENT", "")
        .or("10"),
    text("limits.request_timeout")
        .electrumx("REQUEST_TIMEOUT", "s")
        .or("30s"),
    text("limits.handshake_timeout").or("10s"),
    text("limits.session_timeout")
        .electrumx("SESSION_TIMEOUT", "s")
        .or("600s"),
    text("limits.send_timeout").or("20s"),
    text("limits.max_subscriptions").or("50000"),
    text("limits.max_subscriptions_total").or("1000000"),
    text("limits.max_queued_notices").or("4096"),
    text("limits.concurrent_scans").or("4"),
    text("limits.concurrent_scans_per_session").or("1"),
    text("limits.answer_cache").or("100MiB"),
    path("plugins.dir"),
    Key {
        form: Form::Table,
        ..text("plugins.sha256")
    },
    Key {
        form: Form::Toml,
        ..text("plugins.options")
    },
    text("plugins.call_limit").or("10s"),
    text("log.level").electrumx("LOG_LEVEL", "").or("info"),
    text("log.format").or("full"),
    text("log.sessions")
        .electrumx("LOG_SESSIONS", "s")
        .or("3600s"),
    flag("log.anonymous").electrumx("ANON_LOGS", "").or("false"),
];

/// Finds a setting by its path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// Tells whether any setting is in the section of that name.
pub(super) fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.section() == Some(name))
}

/// Finds the setting that a path which is none was most likely meant for.
pub(super) fn nearest(path: &str) -> Option<&'static Key> {
    let distance = |key: &Key| {
        let whole = strsim::damerau_levenshtein(path, key.path);
        let name = strsim::damerau_levenshtein(leaf(path), key.name());
        // The right name in the wrong section is a guess, but a worse one than a slip of the pen.
        whole.min(name + 1)
    };
    let (distance, key) = KEYS
        .iter()
        .map(|key| (distance(key), key))
        .min_by_key(|(d, _)| *d)?;
    (distance <= 1 + key.name().len() / 4).then_some(key)
}

impl Key {
    /// Gives its section, `None` at the top level.
    pub(super) fn section(&self) -> Option<&'static str> {
        self.path.rsplit_once('.').map(|(section, _name)| section)
    }

    /// Gives its name within the section.
    pub(super) fn name(&self) -> &'static str {
        leaf(self.path)
    }

    /// Gives its own name in the environment: `ELECTRODE_DAEMON__ZMQ`.
    pub(super) fn variable(&self) -> String {
        format!(
            "ELECTRODE_{}",
            self.path.to_ascii_uppercase().replace('.', "__")
        )
    }

    const fn electrumx(mut self, name: &'static str, unit: &'static str) -> Self {
        self.electrumx = Some(Variable { name, unit });
        self
    }

    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }
}

const fn text(path: &'static str) -> Key {
    Key {
        path,
        electrumx: None,
        form: Form::Text,
        default: None,
    }
}

const fn path(path: &'static str) -> Key {
    Key {
        form: Form::Path,
        ..text(path)
    }
}

const fn flag(path: &'static str) -> Key {
    Key {
        form: Form::Flag,
        ..text(path)
    }
}

const fn urls(path: &'static str) -> Key {
    Key {
        form: Form::Urls,
        ..text(path)
    }
}

const fn list(path: &'static str) -> Key {
    Key {
        form: Form::List,
        ..text(path)
    }
}

fn leaf(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_section, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_what_was_meant() {
        for (path, expected) in [
            ("daemon.url", Some("daemon.urls")),
            ("limits.max_sesions", Some("limits.max_sessions")),
            ("urls", Some("daemon.urls")),
            ("server.services", Some("serve.services")),
            ("dta_dir", Some("data_dir")),
            ("tls.crt", Some("tls.cert")),
            ("tls.certificate", None),
            ("x", None),
        ] {
            assert_eq!(nearest(path).map(|key| key.path), expected, "{path}");
        }
    }

    #[test]
    fn names_no_setting_and_no_variable_twice() {
        for (index, key) in KEYS.iter().enumerate() {
            for other in &KEYS[index + 1..] {
                assert_ne!(key.path, other.path);
                let names = [key, other].map(|key| key.electrumx.map(|variable| variable.name));
                assert!(names[0].is_none() || names[0] != names[1], "{names:?}");
            }
        }
    }
}
