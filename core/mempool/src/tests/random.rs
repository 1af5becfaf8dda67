//! Random histories of a node, followed by the mempool and by the oracle.

use proptest::{collection::vec, prelude::*};

use super::{
    chain::SCRIPTS,
    world::{Event, Listing, World},
};

/// Extra bytes that transactions differ by, so that some fill bins of the histogram.
const PADDINGS: [u32; 4] = [0, 150, 12_000, 70_000];

fn event() -> impl Strategy<Value = Event> {
    let spend = (
        vec(any::<u16>(), 1..4),
        vec(output(), 0..4),
        prop::sample::select(&PADDINGS[..]),
    )
        .prop_map(|(inputs, outputs, padding)| Event::Spend {
            inputs,
            outputs,
            padding,
        });
    let replace =
        (any::<u16>(), value()).prop_map(|(victim, value)| Event::Replace { victim, value });
    let listing = prop_oneof![
        6 => Just(Listing::Fresh),
        1 => Just(Listing::Stale),
        1 => Just(Listing::Interrupted),
    ];
    let fetched = prop_oneof![2 => Just(u32::MAX), 1 => any::<u32>()];
    let sync =
        (fetched, any::<u16>(), listing).prop_map(|(fetched, rotation, listing)| Event::Sync {
            fetched,
            rotation,
            listing,
        });
    prop_oneof![
        8 => spend,
        2 => replace,
        1 => any::<u16>().prop_map(|victim| Event::Evict { victim }),
        1 => any::<u32>().prop_map(|chosen| Event::Mine { chosen }),
        1 => any::<u32>().prop_map(|chosen| Event::MineRival { chosen }),
        1 => Just(Event::Unmine),
        6 => sync,
    ]
}

fn output() -> impl Strategy<Value = (usize, u64)> {
    (0..SCRIPTS.len(), value())
}

fn value() -> impl Strategy<Value = u64> {
    0..600_000u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn agrees_with_the_oracle_whatever_happens(events in vec(event(), 1..60)) {
        let mut world = World::new();
        for event in &events {
            world.apply(event);
        }
        // Whatever came before, a fresh listing that is fetched in full is held in full.
        world.apply(&Event::Sync { fetched: u32::MAX, rotation: 0, listing: Listing::Fresh });
        prop_assert!(world.holds_the_pool());
    }
}
