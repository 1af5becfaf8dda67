//! Sessions that are charged together.

use std::{collections::BTreeMap, time::Instant};

use electrode_protocol::GroupRow;
use ipnet::IpNet;

use crate::{Service, costs::Membership, session_info::SessionInfo};

/// Lists the groups that have members or debts, by their network.
pub(super) fn table(service: &Service) -> Vec<GroupRow> {
    let limits = service.limits();
    let costs = service.costs.groups(Instant::now(), &limits.costs);
    let rows = costs.into_iter().map(|(net, cost)| {
        let row = GroupRow {
            name: net.to_string(),
            cost: cost.cost,
            retained_cost: cost.retained,
            ..GroupRow::default()
        };
        (net, row)
    });
    let mut rows: BTreeMap<IpNet, GroupRow> = rows.collect();
    for info in service.registry.all() {
        if let Membership::Of(net) = info.account.membership()
            && let Some(row) = rows.get_mut(&net)
        {
            add(row, &info);
        }
    }
    rows.into_values().collect()
}

fn add(row: &mut GroupRow, info: &SessionInfo) {
    let traffic = info.traffic();
    row.sessions += 1;
    row.requests += traffic.requests;
    row.txs += traffic.broadcasts;
    row.subs += info.subscriptions();
    row.recv_count += traffic.received_messages;
    row.recv_bytes += traffic.received_bytes;
    row.sent_count += traffic.sent_messages;
    row.sent_bytes += traffic.sent_bytes;
}
