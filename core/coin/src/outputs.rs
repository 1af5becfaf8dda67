//! What outputs are filed under, and which nobody can ever spend.

use serde::{Deserialize, Serialize};

use crate::{Coin, ScriptHash, ScriptKey};

const OP_RETURN: u8 = 0x6a;
const OP_FALSE: u8 = 0x00;

/// Which outputs of a chain can never be spent and so are not indexed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unspendable {
    /// Scripts that start with `OP_RETURN` or with `OP_FALSE OP_RETURN`.
    #[default]
    OpReturn,
    /// Scripts that start with `OP_FALSE OP_RETURN`, as on Bitcoin SV since its genesis upgrade.
    OpFalseOpReturn,
    /// None is known from its script.
    Nothing,
    /// A plugin's `index_scripts` decides.
    Custom,
}

impl Unspendable {
    /// Tells whether an output with this script is one.
    #[must_use]
    pub fn matches(self, script: &[u8]) -> bool {
        match self {
            Self::OpReturn => matches!(script, [OP_RETURN, ..] | [OP_FALSE, OP_RETURN, ..]),
            Self::OpFalseOpReturn => matches!(script, [OP_FALSE, OP_RETURN, ..]),
            Self::Nothing | Self::Custom => false,
        }
    }
}

/// Gives the key of the script that owns an output, `None` where nobody can spend it, and hands
/// out the keys of the further scripts that get it into their history only.
pub fn owner_key(
    coin: &dyn Coin,
    script: &[u8],
    further: &mut dyn FnMut(ScriptKey),
) -> Option<ScriptKey> {
    let mut owner = None;
    coin.index_scripts(script, &mut |script| {
        let key = ScriptHash::of(script).key();
        match owner {
            None => owner = Some(key),
            Some(_) => further(key),
        }
    });
    owner
}

#[cfg(test)]
mod tests {
    use super::Unspendable;

    #[test]
    fn knows_data_carriers_by_rule() {
        for (script, op_return, op_false) in [
            (&[0x6a, 1][..], true, false),
            (&[0, 0x6a], true, true),
            (&[0, 0x14], false, false),
            (&[], false, false),
        ] {
            assert_eq!(
                Unspendable::OpReturn.matches(script),
                op_return,
                "{script:02x?}"
            );
            assert_eq!(
                Unspendable::OpFalseOpReturn.matches(script),
                op_false,
                "{script:02x?}"
            );
            assert!(!Unspendable::Nothing.matches(script), "{script:02x?}");
        }
    }
}
