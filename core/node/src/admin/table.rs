//! Answers of the admin RPC for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use electrode_protocol::{
    AdminAnswer, AdminCall, BanRow, GroupRow, Queried, ServerInfo, SessionRow, formatted_time,
};

/// Where a column's texts stand.
#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}
use Align::{Left, Right};

/// The columns of `sessions`, named as in ElectrumX.
const SESSIONS: &[(&str, Align)] = &[
    ("ID", Left),
    ("Flags", Left),
    ("Client", Right),
    ("Proto", Right),
    ("Cost", Right),
    ("XCost", Right),
    ("Reqs", Right),
    ("Txs", Right),
    ("Subs", Right),
    ("Recv #", Right),
    ("Recv KB", Right),
    ("Sent #", Right),
    ("Sent KB", Right),
    ("Time", Right),
    ("Peer", Left),
];

/// The columns of `groups`.
const GROUPS: &[(&str, Align)] = &[
    ("Name", Left),
    ("Sessns", Right),
    ("Cost", Right),
    ("Retained Cost", Right),
    ("Reqs", Right),
    ("Txs", Right),
    ("Subs", Right),
    ("Recv #", Right),
    ("Recv KB", Right),
    ("Sent #", Right),
    ("Sent KB", Right),
];

/// The columns of `peers`.
const PEERS: &[(&str, Align)] = &[
    ("Host", Left),
    ("Status", Left),
    ("TCP", Right),
    ("SSL", Right),
    ("Server", Left),
    ("Min", Right),
    ("Max", Right),
    ("Pruning", Right),
    ("Last Good", Right),
    ("Last Try", Right),
    ("Tries", Right),
    ("Source", Left),
    ("IP Address", Left),
];

const BANS: &[(&str, Align)] = &[
    ("Network", Left),
    ("Banned", Right),
    ("Until", Right),
    ("Reason", Left),
];

/// Writes an answer in lines.
pub(super) fn lines(call: &AdminCall, answer: &AdminAnswer) -> Vec<String> {
    match answer {
        AdminAnswer::Info(info) => summary(info),
        AdminAnswer::Sessions(rows) => sessions(rows),
        AdminAnswer::Groups(rows) => table(GROUPS, rows.iter().map(group)),
        AdminAnswer::Bans(rows) => {
            let now = unix_secs();
            table(BANS, rows.iter().map(|row| ban(row, now)))
        }
        AdminAnswer::Queried(queried) => queried.iter().flat_map(Queried::lines).collect(),
        AdminAnswer::Lines(rows) if *call == AdminCall::Peers && rows.is_empty() => {
            let mut lines = table(PEERS, std::iter::empty());
            lines.push("none: this version does not look for other servers yet".to_owned());
            lines
        }
        AdminAnswer::Lines(lines) => lines.clone(),
        AdminAnswer::Text(text) => vec![text.clone()],
    }
}

/// Writes the table of sessions.
pub(crate) fn sessions(rows: &[SessionRow]) -> Vec<String> {
    table(SESSIONS, rows.iter().map(session))
}

fn table(columns: &[(&str, Align)], rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let head = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        let texts = rows.iter().filter_map(|row| row.get(column));
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(columns).zip(&widths);
        let cells = cells.map(|((text, (_, align)), width)| match align {
            Left => format!("{text:<width$}"),
            Right => format!("{text:>width$}"),
        });
        let cells: Vec<_> = cells.collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn session(row: &SessionRow) -> Vec<String> {
    vec![
        row.id.to_string(),
        row.flags.clone(),
        shown(&row.client),
        row.proto.clone(),
        format!("{:.0}", row.cost),
        format!("{:.0}", row.extra_cost),
        grouped(row.requests),
        grouped(row.txs),
        grouped(row.subs),
        grouped(row.recv_count),
        grouped(row.recv_bytes / 1024),
        grouped(row.sent_count),
        grouped(row.sent_bytes / 1024),
        formatted_time(whole(row.age), ""),
        row.peer.clone(),
    ]
}

fn group(row: &GroupRow) -> Vec<String> {
    vec![
        row.name.clone(),
        grouped(row.sessions),
        format!("{:.0}", row.cost),
        format!("{:.0}", row.retained_cost),
        grouped(row.requests),
        grouped(row.txs),
        grouped(row.subs),
        grouped(row.recv_count),
        grouped(row.recv_bytes / 1024),
        grouped(row.sent_count),
        grouped(row.sent_bytes / 1024),
    ]
}

/// Tells times as they are from now, which is what people want to know of them.
fn ban(row: &BanRow, now: u64) -> Vec<String> {
    let between = |from: u64, to: u64| formatted_time(to.saturating_sub(from), " ");
    let until = row.until.map(|until| format!("in {}", between(now, until)));
    vec![
        row.network.clone(),
        format!("{} ago", between(row.since, now)),
        until.unwrap_or_else(|| "for ever".to_owned()),
        shown(&row.reason),
    ]
}

fn summary(info: &ServerInfo) -> Vec<String> {
    let height = |height: Option<u32>| height.map_or_else(|| "none".to_owned(), |h| h.to_string());
    let daemon = match info.daemon_answers {
        true => info.daemon.clone(),
        false => format!("{} (does not answer)", info.daemon),
    };
    let sessions = &info.sessions;
    let mut rows = vec![
        ("version", info.version.clone()),
        ("coin", format!("{} {}", info.coin, info.net)),
        ("stage", info.stage.clone()),
        ("daemon", daemon),
        ("daemon height", height(info.daemon_height)),
        ("db height", height(info.db_height)),
        ("tip", info.tip.clone().unwrap_or_else(|| "none".to_owned())),
        ("transactions", grouped(info.tx_count)),
        ("mempool", grouped(info.mempool_txs)),
        (
            "sessions",
            format!(
                "{} ({} with subscriptions, {} logged)",
                sessions.count, sessions.count_with_subs, sessions.logged
            ),
        ),
        ("groups", grouped(info.groups)),
        ("subscriptions", grouped(sessions.subs)),
        (
            "requests",
            format!(
                "{} ({} errors, {} pending)",
                grouped(info.request_total),
                grouped(sessions.errors),
                grouped(sessions.pending_requests)
            ),
        ),
        ("txs sent", grouped(info.txs_sent)),
        ("peers", grouped(info.peers)),
        ("uptime", info.uptime.clone()),
        ("pid", info.pid.to_string()),
        ("memory", format!("{} KB", grouped(info.rss / 1024))),
    ];
    let caches = info.caches.iter().map(|(name, cache)| {
        let text = format!(
            "{name}: {} entries, {} KB, {} of {} lookups known",
            grouped(cache.entries),
            grouped(cache.bytes / 1024),
            grouped(cache.hits),
            grouped(cache.lookups)
        );
        ("cache", text)
    });
    rows.extend(caches);
    let counts = info.request_counts.iter();
    rows.extend(
        counts.map(|(method, count)| ("asked for", format!("{method}: {}", grouped(*count)))),
    );
    rows.into_iter()
        .map(|(name, text)| format!("{name:<14} {text}"))
        .collect()
}

/// Writes a foreign text so that it cannot move the terminal's cursor.
fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

/// Writes a number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && position % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn unix_secs() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn whole(secs: f64) -> u64 {
    Duration::try_from_secs_f64(secs).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_up_columns() {
        let rows = [("a", "1"), ("long", "1,000")];
        let rows = rows.map(|(name, count)| vec![name.to_owned(), count.to_owned()]);
        assert_eq!(
            table(&[("Name", Left), ("Reqs", Right)], rows.into_iter()),
            ["Name   Reqs", "a         1", "long  1,000"]
        );
    }

    #[test]
    fn groups_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn tells_how_long_a_ban_holds() {
        let mut row = BanRow {
            network: "192.0.2.0/24".to_owned(),
            reason: "noise".to_owned(),
            since: 1_000_000,
            until: Some(1_003_700),
        };
        let told = ban(&row, 1_000_100);
        assert_eq!(
            told,
            ["192.0.2.0/24", "01m 40s ago", "in 01h 00m 00s", "noise"]
        );
        row.until = None;
        assert_eq!(ban(&row, 1_000_100)[2], "for ever");
    }

    #[test]
    fn says_that_there_are_no_peers() {
        let lines = lines(&AdminCall::Peers, &AdminAnswer::Lines(Vec::new()));
        assert!(lines[0].starts_with("Host"), "{lines:?}");
        assert!(lines[1].starts_with("none: "), "{lines:?}");
    }

    #[test]
    fn never_prints_what_a_client_could_move_the_cursor_with() {
        assert_eq!(shown("Elec\u{1b}[2Jtrum"), "Elec\\u{1b}[2Jtrum");
    }
}
