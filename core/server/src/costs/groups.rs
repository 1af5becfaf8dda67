//! Sessions of one network share what they cost.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Instant,
};

use ipnet::IpNet;

use super::{CostModel, Debt, Terms};
use crate::subscriptions::SessionId;

/// Groups from which on those that owe nothing any more are looked for.
const SWEEP_FROM: usize = 1024;

/// Which addresses are taken together, and whose costs nobody minds.
#[derive(Clone, Debug)]
pub struct Grouping {
    /// Leading bits of an IPv4 address that name its group. Default 24.
    pub ipv4_bits: u8,
    /// Leading bits of an IPv6 address that name its group. Default 48.
    pub ipv6_bits: u8,
    /// Networks whose sessions may cost anything, and be as many as they like.
    pub exempt: Vec<IpNet>,
}

impl Default for Grouping {
    fn default() -> Self {
        Self {
            ipv4_bits: 24,
            ipv6_bits: 48,
            exempt: Vec::new(),
        }
    }
}

/// Whom a session shares its cost with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    /// Its cost is nobody's business.
    Exempt,
    /// Nobody: it comes from a private network, where one address may stand for many people, as
    /// that of a Tor daemon does.
    Alone,
    /// The sessions of a network.
    Of(IpNet),
}

impl Grouping {
    /// Tells whom a session from an address shares its cost with.
    pub(crate) fn membership(&self, ip: IpAddr) -> Membership {
        if self.exempt.iter().any(|net| net.contains(&ip)) {
            return Membership::Exempt;
        }
        if is_private(ip) {
            return Membership::Alone;
        }
        let bits = match ip {
            IpAddr::V4(_) => self.ipv4_bits.min(32),
            IpAddr::V6(_) => self.ipv6_bits.min(128),
        };
        let net = IpNet::new(ip, bits).map(|net| net.trunc());
        net.map_or(Membership::Alone, Membership::Of)
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
        }
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_unspecified()
        }
    }
}

/// What one session owes, and how fast it is forgiven.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) debt: Debt,
    pub(crate) decay: f64,
}

/// The groups that have members or debts.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: HashMap<IpNet, Group>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Group {
    members: BTreeMap<SessionId, Share>,
    /// What sessions owed that are gone.
    retained: Debt,
}

/// A group as the operator sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GroupCost {
    pub(crate) sessions: usize,
    /// What its sessions owe.
    pub(crate) cost: f64,
    /// What is left of what sessions owed that are gone.
    pub(crate) retained: f64,
}

impl Group {
    fn new(now: Instant) -> Self {
        Self {
            members: BTreeMap::new(),
            retained: Debt::new(0.0, now),
        }
    }

    fn cost(&self, now: Instant, decay: f64) -> GroupCost {
        let left = |share: &Share| share.debt.left(now, share.decay);
        GroupCost {
            sessions: self.members.len(),
            cost: self.members.values().map(left).sum(),
            retained: self.retained.left(now, decay),
        }
    }
}

impl Groups {
    /// Remembers what a session owes, and gives what all others of its group do.
    pub(crate) fn update(&mut self, net: IpNet, share: Share, terms: Terms<'_>) -> f64 {
        let Terms {
            now,
            model,
            session,
            ..
        } = terms;
        self.sweep(now, model);
        let group = self.groups.entry(net).or_insert_with(|| Group::new(now));
        // Its own share is left out of the sum rather than subtracted from it.
        group.members.remove(&session);
        let others = group.cost(now, model.group_decay());
        group.members.insert(session, share);
        others.cost + others.retained
    }

    /// Keeps what a session owes that is gone.
    pub(crate) fn leave(&mut self, net: IpNet, share: Share, terms: Terms<'_>) {
        let Terms {
            now,
            model,
            session,
            ..
        } = terms;
        let group = self.groups.entry(net).or_insert_with(|| Group::new(now));
        group.members.remove(&session);
        let owed = share.debt.left(now, share.decay);
        group.retained.add(owed, now, model.group_decay());
    }

    /// Gives every group, by its network.
    pub(crate) fn costs(&self, now: Instant, model: &CostModel) -> BTreeMap<IpNet, GroupCost> {
        let decay = model.group_decay();
        let costs = self.groups.iter();
        costs
            .map(|(net, group)| (*net, group.cost(now, decay)))
            .collect()
    }

    /// Forgets groups that have neither members nor debts, now and then.
    fn sweep(&mut self, now: Instant, model: &CostModel) {
        if self.groups.len() < self.sweep_at.max(SWEEP_FROM) {
            return;
        }
        let decay = model.group_decay();
        self.groups
            .retain(|_, group| !group.members.is_empty() || group.retained.left(now, decay) > 0.0);
        self.sweep_at = self.groups.len().saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn share(cost: f64, now: Instant) -> Share {
        Share {
            debt: Debt::new(cost, now),
            decay: 1.0,
        }
    }

    fn terms(session: SessionId, now: Instant, model: &CostModel) -> Terms<'_> {
        Terms {
            model,
            now,
            session,
            subscriptions: 0,
        }
    }

    #[test]
    fn takes_networks_together_and_leaves_private_addresses_alone() {
        let grouping = Grouping {
            exempt: vec![net("198.51.100.0/25"), net("2001:db8:5::/48")],
            ..Grouping::default()
        };
        for (ip, expected) in [
            ("203.0.113.7", Membership::Of(net("203.0.113.0/24"))),
            ("203.0.113.250", Membership::Of(net("203.0.113.0/24"))),
            ("2001:db8:1:2::3", Membership::Of(net("2001:db8:1::/48"))),
            ("198.51.100.1", Membership::Exempt),
            ("198.51.100.200", Membership::Of(net("198.51.100.0/24"))),
            ("2001:db8:5::1", Membership::Exempt),
            ("127.0.0.1", Membership::Alone),
            ("10.1.2.3", Membership::Alone),
            ("192.168.0.9", Membership::Alone),
            ("::1", Membership::Alone),
            ("fd00::1", Membership::Alone),
            ("fe80::1", Membership::Alone),
        ] {
            assert_eq!(grouping.membership(ip.parse().unwrap()), expected, "{ip}");
        }
        let whole = Grouping {
            ipv4_bits: 0,
            ..Grouping::default()
        };
        assert_eq!(
            whole.membership("1.2.3.4".parse().unwrap()),
            Membership::Of(net("0.0.0.0/0"))
        );
    }

    #[test]
    fn holds_against_a_session_what_others_of_its_group_cost() {
        let (now, model) = (Instant::now(), CostModel::default());
        let mut groups = Groups::default();
        let (here, there) = (net("203.0.113.0/24"), net("198.51.100.0/24"));
        assert_eq!(
            groups.update(here, share(10.0, now), terms(1, now, &model)),
            0.0
        );
        assert_eq!(
            groups.update(here, share(20.0, now), terms(2, now, &model)),
            10.0
        );
        assert_eq!(
            groups.update(here, share(11.0, now), terms(1, now, &model)),
            20.0
        );
        assert_eq!(
            groups.update(there, share(5.0, now), terms(3, now, &model)),
            0.0
        );
        let later = now + Duration::from_secs(15);
        assert_eq!(
            groups.update(here, share(0.0, later), terms(1, later, &model)),
            5.0
        );
    }

    #[test]
    fn keeps_what_sessions_cost_that_are_gone() {
        let (now, model) = (Instant::now(), CostModel::default());
        let mut groups = Groups::default();
        let here = net("203.0.113.0/24");
        groups.update(here, share(100.0, now), terms(1, now, &model));
        groups.leave(here, share(150.0, now), terms(1, now, &model));
        let gone = groups.costs(now, &model);
        assert_eq!(
            gone[&here],
            GroupCost {
                sessions: 0,
                cost: 0.0,
                retained: 150.0
            }
        );
        // 10,000 in 5,000 s are forgiven by default.
        let later = now + Duration::from_secs(50);
        assert_eq!(
            groups.update(here, share(5.0, later), terms(2, later, &model)),
            50.0
        );
    }

    #[test]
    fn forgets_groups_that_owe_nothing() {
        let (now, model) = (Instant::now(), CostModel::default());
        let mut groups = Groups::default();
        let addresses =
            (0..10_000u32).map(|number| IpAddr::from((0x0100_0000 + (number << 8)).to_be_bytes()));
        for (session, ip) in (0..).zip(addresses) {
            let Membership::Of(net) = Grouping::default().membership(ip) else {
                panic!("{ip}")
            };
            let at = now + Duration::from_secs(session * 10);
            groups.update(net, share(5.0, at), terms(session, at, &model));
            groups.leave(net, share(5.0, at), terms(session, at, &model));
        }
        assert!(groups.groups.len() <= SWEEP_FROM, "{}", groups.groups.len());
    }
}
