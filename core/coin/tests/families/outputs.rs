//! What outputs are filed under.

use electrode_coin::{Coin, Descriptor, FamilyCoin, ScriptHash, ScriptKey, Unspendable, owner_key};

/// A coin that files every output under its script and under one more.
struct Named(Descriptor);

impl Coin for Named {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn index_scripts(&self, script: &[u8], out: &mut dyn FnMut(&[u8])) {
        out(script);
        out(b"name");
    }
}

fn keys(coin: &dyn Coin, script: &[u8]) -> (Option<ScriptKey>, Vec<ScriptKey>) {
    let mut further = Vec::new();
    let owner = owner_key(coin, script, &mut |key| further.push(key));
    (owner, further)
}

#[test]
fn files_outputs_by_the_rule_of_the_descriptor() {
    let key = |script| Some(ScriptHash::of(script).key());
    for (unspendable, script, expected) in [
        (Unspendable::OpReturn, &[0x51][..], key(&[0x51])),
        (Unspendable::OpReturn, &[0x6a, 1], None),
        (Unspendable::OpFalseOpReturn, &[0x6a, 1], key(&[0x6a, 1])),
        (Unspendable::OpFalseOpReturn, &[0, 0x6a], None),
        (Unspendable::Nothing, &[0, 0x6a], key(&[0, 0x6a])),
    ] {
        let coin = FamilyCoin::new(Descriptor {
            unspendable,
            ..Descriptor::default()
        });
        assert_eq!(
            keys(&coin, script),
            (expected, Vec::new()),
            "{unspendable:?}"
        );
    }
}

#[test]
fn hands_out_further_scripts_beside_the_owner() {
    let named = Named(Descriptor::default());
    let expected = (
        Some(ScriptHash::of(&[0x51]).key()),
        vec![ScriptHash::of(b"name").key()],
    );
    assert_eq!(keys(&named, &[0x51]), expected);
}
