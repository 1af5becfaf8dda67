//! Hexadecimal digits to bytes, fast enough for whole blocks.

/// What [`digit`] gives for anything that is no digit.
const INVALID: u8 = 0xff;

/// Decodes an even number of hexadecimal digits; `None` if they are not that.
///
/// Cost: one pass, one allocation; validity is summed up and looked at once, which keeps the loop
/// free of branches.
pub(crate) fn decode(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let mut seen = 0;
    let bytes = pairs
        .iter()
        .map(|[high, low]| {
            let (high, low) = (digit(*high), digit(*low));
            seen |= high | low;
            (high << 4) | low
        })
        .collect();
    (seen < 16).then_some(bytes)
}

/// Gives the digits of `bytes`.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    let digits = nibbles.map(|nibble| char::from_digit(nibble.into(), 16));
    digits.map(|digit| digit.unwrap_or('0')).collect()
}

fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => INVALID,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_digits_only() {
        let all: String = (0..=255).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(decode(&all), Some((0..=255).collect()));
        assert_eq!(encode(&decode(&all).unwrap()), all);
        assert_eq!(decode("fF0A"), Some(vec![0xff, 0x0a]));
        assert_eq!(decode(""), Some(vec![]));
        for text in ["0", "0g", "g0", "000", "é", " 00 ", "0x00"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
