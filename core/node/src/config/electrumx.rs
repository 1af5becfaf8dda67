//! Variables of ElectrumX's environment that are not settings here.
//!
//! Source: ElectrumX 0.11.4 and 1.20, `electrumx/server/env.py` and `docs/environment.rst`.

/// Variables that current ElectrumX honours and this version does not: they are told at start,
/// because an operator who set a limit must know that it does not hold.
const UNUSED: &[&str] = &[
    "ALLOW_ROOT",
    "BLACKLIST_URL",
    "DB_ENGINE",
    "EVENT_LOOP_POLICY",
    "FORCE_PROXY",
    "IRC",
    "IRC_NICK",
    "LOG_FORMAT",
    "PEER_ANNOUNCE",
    "PEER_DISCOVERY",
    "TOR_PROXY_HOST",
    "TOR_PROXY_PORT",
];

/// Variables that ElectrumX itself gave up, and what replaces them.
const OBSOLETE: &[(&str, &str)] = &[
    ("BANDWIDTH_LIMIT", "MAX_SEND and MAX_RECV"),
    ("HIST_MB", "CACHE_MB"),
    ("HOST", "SERVICES, such as tcp://HOST:PORT"),
    ("MAX_SESSION_SUBS", "limits.max_subscriptions"),
    ("MAX_SUBS", "limits.max_subscriptions_total"),
    ("MAX_SUBSCRIPTIONS", "limits.max_subscriptions_total"),
    ("NETWORK", "NET"),
    ("REPORT_HOST", "REPORT_SERVICES, such as tcp://HOST:PORT"),
    (
        "REPORT_HOST_TOR",
        "REPORT_SERVICES, such as tcp://HOST.onion:PORT",
    ),
    (
        "REPORT_SSL_PORT",
        "REPORT_SERVICES, such as ssl://HOST:PORT",
    ),
    (
        "REPORT_SSL_PORT_TOR",
        "REPORT_SERVICES, such as ssl://HOST.onion:PORT",
    ),
    (
        "REPORT_TCP_PORT",
        "REPORT_SERVICES, such as tcp://HOST:PORT",
    ),
    (
        "REPORT_TCP_PORT_TOR",
        "REPORT_SERVICES, such as tcp://HOST.onion:PORT",
    ),
    ("RPC_HOST", "SERVICES, such as rpc://HOST:PORT"),
    ("RPC_PORT", "SERVICES, such as rpc://:PORT"),
    ("SSL_PORT", "SERVICES, such as ssl://:PORT"),
    ("TCP_PORT", "SERVICES, such as tcp://:PORT"),
    ("UTXO_MB", "CACHE_MB"),
];

/// Tells whether ElectrumX has a variable that has no effect here.
pub(super) fn is_unused(name: &str) -> bool {
    UNUSED.contains(&name)
}

/// Gives what replaces an obsolete variable.
pub(super) fn replacement(name: &str) -> Option<&'static str> {
    OBSOLETE
        .iter()
        .find(|(obsolete, _)| *obsolete == name)
        .map(|(_, replacement)| *replacement)
}
