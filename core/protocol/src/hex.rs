//! Hexadecimal text, written straight to where it goes.

/// Appends the digits of `bytes` in their order.
pub(crate) fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(2 * bytes.len());
    for byte in bytes {
        out.extend_from_slice(&digits(*byte));
    }
}

/// Gives the digits of `bytes` in their order.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    push(&mut out, bytes);
    String::from_utf8(out).expect("digits are ASCII")
}

/// Reads an even number of digits; `None` if that is not what the text is.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let value = |digit: u8| char::from(digit).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(value(*high)? << 4 | value(*low)?).ok();
    pairs.iter().map(byte).collect()
}

/// Gives the digits of a hash in display order, which is the reverse of its bytes.
pub(crate) fn reversed(hash: &[u8; 32]) -> [u8; 64] {
    let mut text = [0; 64];
    let (pairs, _) = text.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(hash.iter().rev()) {
        *pair = digits(*byte);
    }
    text
}

fn digits(byte: u8) -> [u8; 2] {
    [digit(byte >> 4), digit(byte & 0xf)]
}

fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_digits_and_nothing_else() {
        assert_eq!(decode("00fFa1"), Some(vec![0, 0xff, 0xa1]));
        assert_eq!(decode(""), Some(Vec::new()));
        for text in ["0", "0x", "+1", "é", " 11"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
