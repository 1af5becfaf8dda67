//! The open sessions: listed, logged, ended.

use std::sync::Arc;

use electrode_protocol::SessionRow;

use crate::{
    Limits, Service, Transport,
    session_info::{Client, Ending, SessionInfo},
    tally::Ended,
};

/// Lists the open sessions, oldest first.
pub(crate) fn table(service: &Service) -> Vec<SessionRow> {
    let limits = service.limits();
    let sessions = service.registry.all();
    sessions.iter().map(|info| row(info, &limits)).collect()
}

/// Ends sessions; tells of each whether there was one.
pub(super) fn disconnect(service: &Service, session_ids: &[String]) -> Vec<String> {
    let end = |info: &SessionInfo| info.end(Ending::AtOnce(Ended::Operator));
    let mut done = Vec::new();
    for id in session_ids {
        if id == "all" {
            // Operators stay: they would end themselves before they hear of it.
            let sessions = service.registry.all();
            let wallets = sessions.iter().filter(|info| !info.is_operator());
            wallets.for_each(|info| end(info));
            done.push("disconnected all sessions".to_owned());
        } else if let Some(info) = find(service, id) {
            end(&info);
            done.push(format!("disconnected {id}"));
        } else {
            done.push(unknown(id));
        }
    }
    done
}

/// Turns the logging of requests on or off; tells the new state of each.
pub(super) fn toggle_log(service: &Service, session_ids: &[String]) -> Vec<String> {
    let mut done = Vec::new();
    for id in session_ids {
        match id.as_str() {
            "all" | "none" => {
                let logged = id == "all";
                let sessions = service.registry.all();
                sessions.iter().for_each(|info| info.set_logged(logged));
                service.registry.log_new(logged);
                done.push(state(logged, "all sessions"));
            }
            "new" => {
                let logged = !service.registry.logs_new();
                service.registry.log_new(logged);
                done.push(state(logged, "new sessions"));
            }
            _ => match find(service, id) {
                Some(info) => {
                    info.set_logged(!info.is_logged());
                    done.push(state(info.is_logged(), &format!("session {id}")));
                }
                None => done.push(unknown(id)),
            },
        }
    }
    done
}

fn row(info: &SessionInfo, limits: &Limits) -> SessionRow {
    let (cost, extra_cost) = info.account.owes(info.terms(&limits.costs));
    let concurrent = info
        .account
        .standing()
        .concurrency(limits.concurrent_requests);
    let traffic = info.traffic();
    let (client, proto) = match info.client() {
        Some(Client { name, version }) => (name.to_string(), version.to_string()),
        None => (String::new(), String::new()),
    };
    SessionRow {
        id: info.id,
        flags: flags(info, concurrent),
        peer: info.connection.peer.to_string(),
        client,
        proto,
        cost,
        extra_cost,
        requests: traffic.requests,
        txs: traffic.broadcasts,
        subs: info.subscriptions(),
        recv_count: traffic.received_messages,
        recv_bytes: traffic.received_bytes,
        sent_count: traffic.sent_messages,
        sent_bytes: traffic.sent_bytes,
        age: info.since.elapsed().as_secs_f64(),
    }
}

fn flags(info: &SessionInfo, concurrent: usize) -> String {
    let transport = match info.connection.transport {
        Transport::Tcp => 'T',
        Transport::Ssl => 'S',
        Transport::Ws | Transport::Wss => 'W',
        Transport::Rpc => 'R',
    };
    let mut flags = String::from(transport);
    if info.ending().is_some() {
        flags.push('C');
    }
    if info.is_logged() {
        flags.push('L');
    }
    flags + &concurrent.to_string()
}

fn find(service: &Service, id: &str) -> Option<Arc<SessionInfo>> {
    service.registry.get(id.parse().ok()?)
}

fn state(logged: bool, whom: &str) -> String {
    match logged {
        true => format!("logging {whom}"),
        false => format!("not logging {whom}"),
    }
}

fn unknown(id: &str) -> String {
    format!("unknown: {id}")
}
