//! Sessions that cost something, on an invented clock.

use std::time::{Duration, Instant};

use super::*;

/// Sessions from one network, and the time.
struct World {
    model: CostModel,
    costs: Costs,
    now: Instant,
    subscriptions: u64,
}

impl World {
    fn new() -> Self {
        Self {
            model: CostModel::default(),
            costs: Costs::default(),
            now: Instant::now(),
            subscriptions: 0,
        }
    }

    fn terms(&self, session: SessionId) -> Terms<'_> {
        Terms {
            model: &self.model,
            now: self.now,
            session,
            subscriptions: self.subscriptions,
        }
    }

    fn open(&self, session: SessionId, ip: &str) -> Account {
        let membership = Grouping::default().membership(ip.parse().unwrap());
        let account = Account::new(membership, &self.model, self.now);
        self.costs.review(&account, self.terms(session));
        account
    }

    fn charge(&self, session: SessionId, account: &Account, cost: f64) -> Standing {
        if account.charge(cost, &self.model) {
            self.costs.review(account, self.terms(session));
        }
        account.standing()
    }

    fn pass(&mut self, secs: u64) {
        self.now += Duration::from_secs(secs);
    }
}

#[test]
fn slows_a_session_down_above_the_soft_limit_and_ends_it_at_the_hard_one() {
    let world = World::new();
    let account = world.open(1, "203.0.113.1");
    assert_eq!(world.charge(1, &account, 995.0), Standing::Free);
    assert!(matches!(
        world.charge(1, &account, 101.0),
        Standing::Slowed(_)
    ));
    assert_eq!(world.charge(1, &account, 9000.0), Standing::Exhausted);
}

#[test]
fn forgives_the_hard_limit_in_ten_thousand_seconds_and_subscribers_more_slowly() {
    let mut world = World::new();
    let account = world.open(1, "203.0.113.1");
    world.charge(1, &account, 5995.0);
    world.pass(1000);
    assert_eq!(account.owes(world.terms(1)).0, 5000.0);
    world.costs.review(&account, world.terms(1));
    world.subscriptions = 2000;
    world.pass(1000);
    assert_eq!(account.owes(world.terms(1)).0, 4500.0);
}

#[test]
fn lets_a_session_go_on_when_it_was_forgiven() {
    let mut world = World::new();
    let account = world.open(1, "203.0.113.1");
    world.charge(1, &account, 1995.0);
    assert!(matches!(account.standing(), Standing::Slowed(_)));
    world.pass(1000);
    assert_eq!(world.costs.review(&account, world.terms(1)), Standing::Free);
}

#[test]
fn cannot_be_shed_by_connecting_again_from_the_same_network() {
    let world = World::new();
    let greedy = world.open(1, "203.0.113.1");
    world.charge(1, &greedy, 20_000.0);
    world.costs.close(&greedy, world.terms(1));
    assert_eq!(
        world.open(2, "203.0.113.99").standing(),
        Standing::Exhausted
    );
    assert_eq!(world.open(3, "198.51.100.1").standing(), Standing::Free);
}

#[test]
fn is_a_session_s_own_behind_a_private_address() {
    let world = World::new();
    let greedy = world.open(1, "127.0.0.1");
    assert_eq!(world.charge(1, &greedy, 20_000.0), Standing::Exhausted);
    assert_eq!(world.open(2, "127.0.0.1").standing(), Standing::Free);
    world.costs.close(&greedy, world.terms(1));
    assert_eq!(world.open(3, "127.0.0.1").standing(), Standing::Free);
    assert!(world.costs.groups(world.now, &world.model).is_empty());
}

#[test]
fn is_not_minded_without_a_hard_limit() {
    let mut world = World::new();
    world.model.hard_limit = 0;
    let account = world.open(1, "203.0.113.1");
    assert_eq!(world.charge(1, &account, 1e9), Standing::Free);
}

#[test]
fn is_judged_often_enough_under_low_limits() {
    let mut world = World::new();
    (world.model.soft_limit, world.model.hard_limit) = (10, 20);
    let account = world.open(1, "127.0.0.1");
    assert!(matches!(
        world.charge(1, &account, 6.0),
        Standing::Slowed(_)
    ));
    assert_eq!(world.charge(1, &account, 9.0), Standing::Exhausted);
}

#[test]
fn charges_bytes_by_the_unit() {
    let mut model = CostModel::default();
    assert_eq!(model.bytes(2500), 0.5);
    model.bandwidth_unit = 0;
    assert_eq!(model.bytes(2500), 0.0);
}
