//! What sessions cost, and what that means for them: ElectrumX's cost model.
//!
//! Everything that a session does adds to its cost, which is forgiven over time. Above the soft
//! limit it is slowed down, at the hard one it ends. What the others of its group cost is held
//! against it too, also when they are gone: connecting again sheds nothing. Pure: whoever calls
//! knows the time.

mod debt;
mod groups;
mod price;
mod standing;

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ipnet::IpNet;

use crate::subscriptions::SessionId;
use debt::Debt;
use groups::{GroupCost, Groups, Share};

pub use groups::Grouping;
pub(crate) use groups::Membership;
pub(crate) use price::Origin;
pub use price::{Extra, Item, Prices};
pub(crate) use standing::Standing;

/// Cost that may pass before a session is judged anew, at most.
const REVIEW_COST: f64 = 100.0;

/// What is cheap, what is dear, and how much is too much.
#[derive(Clone, Debug)]
pub struct CostModel {
    /// Cost above which a session is slowed down. Default 1000.
    pub soft_limit: u32,
    /// Cost at which a session ends; 0: never, and none is slowed down. Default 10,000.
    pub hard_limit: u32,
    /// Bytes received or sent that cost 1; 0: they cost nothing. Default 5000.
    pub bandwidth_unit: u32,
    /// How long a request waits just below the hard limit. Default 2.5 s.
    pub request_sleep: Duration,
    /// What everything costs.
    pub prices: Prices,
}

impl Default for CostModel {
    fn default() -> Self {
        Self {
            soft_limit: 1000,
            hard_limit: 10_000,
            bandwidth_unit: 5000,
            request_sleep: Duration::from_millis(2500),
            prices: Prices::default(),
        }
    }
}

impl CostModel {
    /// Gives what bytes cost that were received or sent.
    pub(crate) fn bytes(&self, count: u64) -> f64 {
        let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        match self.bandwidth_unit {
            0 => 0.0,
            unit => count / f64::from(unit),
        }
    }

    fn standing(&self, cost: f64) -> Standing {
        Standing::of(cost, f64::from(self.soft_limit), f64::from(self.hard_limit))
    }

    /// Gives what is forgiven to a session in a second.
    fn decay(&self, subscriptions: u64) -> f64 {
        let subscriptions = f64::from(u32::try_from(subscriptions).unwrap_or(u32::MAX));
        let more = self.prices.of(Extra::DecaySecsPerSubscription) * subscriptions;
        self.forgiven_in(self.prices.of(Extra::DecaySecs) + more)
    }

    /// Gives what is forgiven to a group in a second, for sessions that are gone.
    fn group_decay(&self) -> f64 {
        self.forgiven_in(self.prices.of(Extra::GroupDecaySecs))
    }

    fn forgiven_in(&self, secs: f64) -> f64 {
        f64::from(self.hard_limit) / secs.max(1.0)
    }

    /// Gives the cost that may pass before a session is judged anew.
    pub(crate) fn review_cost(&self) -> f64 {
        match self.hard_limit {
            0 => REVIEW_COST,
            hard => REVIEW_COST.min(f64::from(hard) / 100.0),
        }
    }
}

/// What one session has cost.
#[derive(Debug)]
pub(crate) struct Account {
    membership: Membership,
    tab: Mutex<Tab>,
}

#[derive(Debug)]
struct Tab {
    debt: Debt,
    /// Cost since the session was last judged.
    unreviewed: f64,
    /// What the rest of its group cost then.
    extra: f64,
    standing: Standing,
}

impl Account {
    /// Opens the account of a new session.
    pub(crate) fn new(membership: Membership, model: &CostModel, now: Instant) -> Self {
        Self {
            membership,
            tab: Mutex::new(Tab {
                debt: Debt::new(model.prices.of(Extra::Session), now),
                unreviewed: 0.0,
                extra: 0.0,
                standing: Standing::Free,
            }),
        }
    }

    /// Opens an account that nobody minds.
    pub(crate) fn exempt() -> Self {
        Self::new(Membership::Exempt, &CostModel::default(), Instant::now())
    }

    /// Adds a cost, and tells whether the session is to be judged anew.
    ///
    /// Cost: a lock that nobody else wants.
    pub(crate) fn charge(&self, cost: f64, model: &CostModel) -> bool {
        let mut tab = self.lock();
        tab.unreviewed += cost;
        tab.unreviewed >= model.review_cost()
    }

    /// Tells whom the session shares its cost with.
    pub(crate) fn membership(&self) -> Membership {
        self.membership
    }

    /// Tells how the session stood when it was last judged.
    pub(crate) fn standing(&self) -> Standing {
        self.lock().standing
    }

    /// Gives what the session owes, and what its group costs it on top.
    pub(crate) fn owes(&self, terms: Terms<'_>) -> (f64, f64) {
        let tab = self.lock();
        let own = tab.debt.left(terms.now, terms.decay());
        (own + tab.unreviewed, tab.extra)
    }

    fn lock(&self) -> MutexGuard<'_, Tab> {
        // Nothing in here panics half-way through a change.
        self.tab.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is needed to judge a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) model: &'a CostModel,
    pub(crate) now: Instant,
    pub(crate) session: SessionId,
    /// Scripts that it is subscribed to.
    pub(crate) subscriptions: u64,
}

impl Terms<'_> {
    /// Gives what is forgiven to the session in a second.
    fn decay(&self) -> f64 {
        self.model.decay(self.subscriptions)
    }
}

/// What the sessions of each group cost together.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    groups: Mutex<Groups>,
}

impl Costs {
    /// Judges a session by all that it and its group have cost.
    pub(crate) fn review(&self, account: &Account, terms: Terms<'_>) -> Standing {
        let mut tab = account.lock();
        let share = tab.settle(terms);
        let others = match account.membership {
            Membership::Exempt => return Standing::Free,
            Membership::Alone => 0.0,
            Membership::Of(net) => self.lock().update(net, share, terms),
        };
        tab.extra = terms.model.prices.of(Extra::GroupWeight) * others;
        let own = tab.debt.left(terms.now, share.decay);
        tab.standing = terms.model.standing(own + tab.extra);
        tab.standing
    }

    /// Closes the account of a session that is gone; its group keeps what it owes.
    pub(crate) fn close(&self, account: &Account, terms: Terms<'_>) {
        let share = account.lock().settle(terms);
        if let Membership::Of(net) = account.membership {
            self.lock().leave(net, share, terms);
        }
    }

    /// Gives every group, by its network.
    pub(crate) fn groups(&self, now: Instant, model: &CostModel) -> BTreeMap<IpNet, GroupCost> {
        self.lock().costs(now, model)
    }

    fn lock(&self) -> MutexGuard<'_, Groups> {
        // Nothing in here panics half-way through a change.
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tab {
    /// Adds to the debt what was not yet.
    fn settle(&mut self, terms: Terms<'_>) -> Share {
        let decay = terms.decay();
        let cost = mem::take(&mut self.unreviewed);
        self.debt.add(cost, terms.now, decay);
        Share {
            debt: self.debt,
            decay,
        }
    }
}

#[cfg(test)]
mod tests;
