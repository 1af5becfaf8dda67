//! Hexadecimal text, written straight to where it goes.

/// Appends the digits of `bytes` in their order.
pub(crate) fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(2 * bytes.len());
    for byte in bytes {
        out.extend_from_slice(&digits(*byte));
    }
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
