//! Output scripts that can never be spent.

const OP_RETURN: u8 = 0x6a;
const OP_FALSE: u8 = 0x00;

/// Tells whether a script carries data instead of coins: it starts with `OP_RETURN`, or with
/// `OP_FALSE OP_RETURN`.
pub(crate) fn is_data_carrier(script: &[u8]) -> bool {
    matches!(script, [OP_RETURN, ..] | [OP_FALSE, OP_RETURN, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_data_carriers() {
        for (script, expected) in [
            (&[0x6a, 1][..], true),
            (&[0, 0x6a], true),
            (&[0, 0x14], false),
            (&[], false),
        ] {
            assert_eq!(is_data_carrier(script), expected, "{script:02x?}");
        }
    }
}
