//! Walks through JSON arrays and objects without building them in memory: what a value takes is
//! for the visitor to decide, not for the sender.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Hands each element of the array `text` to `visit`.
///
/// # Errors
/// `text` is no array; elements before the fault were visited.
pub(crate) fn each_element<'a>(
    text: &'a str,
    visit: impl FnMut(&'a RawValue),
) -> serde_json::Result<()> {
    serde_json::Deserializer::from_str(text).deserialize_seq(Elements(visit))
}

/// Hands name and value of each member of the object `text` to `visit`.
///
/// # Errors
/// `text` is no object; members before the fault were visited.
pub(crate) fn each_member<'a>(
    text: &'a str,
    visit: impl FnMut(&str, &'a RawValue),
) -> serde_json::Result<()> {
    serde_json::Deserializer::from_str(text).deserialize_map(Members(visit))
}

struct Elements<F>(F);

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element()? {
            (self.0)(element);
        }
        Ok(())
    }
}

struct Members<F>(F);

impl<'de, F: FnMut(&str, &'de RawValue)> Visitor<'de> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            (self.0)(&name, value);
        }
        Ok(())
    }
}
