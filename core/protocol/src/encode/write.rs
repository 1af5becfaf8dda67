//! Pieces of JSON, appended to an output.

use serde::Serialize;

use crate::hex as digits;

/// Appends text as it is.
pub(super) fn raw(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends a number, a string or a structure of them.
pub(super) fn json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("a Vec takes all, and all keys are strings");
}

/// Appends a decimal number without exponent: 0.00001, 12, -1.
pub(super) fn decimal(out: &mut Vec<u8>, value: f64) {
    match value.is_finite() {
        true => raw(out, &value.to_string()),
        false => raw(out, "null"),
    }
}

/// Appends bytes as a string of hex.
pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    raw(out, "\"");
    digits::push(out, bytes);
    raw(out, "\"");
}

/// Appends a hash as a string of hex in display order.
pub(super) fn reversed_hex(out: &mut Vec<u8>, hash: &[u8; 32]) {
    raw(out, "\"");
    out.extend_from_slice(&digits::reversed(hash));
    raw(out, "\"");
}

/// Appends an array, whose elements `element` appends.
pub(super) fn array<T>(
    out: &mut Vec<u8>,
    elements: impl IntoIterator<Item = T>,
    mut element: impl FnMut(&mut Vec<u8>, T),
) {
    raw(out, "[");
    for (position, value) in elements.into_iter().enumerate() {
        if position > 0 {
            raw(out, ",");
        }
        element(out, value);
    }
    raw(out, "]");
}
