//! What must hold between the keys of a descriptor.

use serde::{Deserialize, de::IgnoredAny};
use toml::Spanned;

use super::{Descriptor, DescriptorError, line_at};
use crate::{HeaderHash, Height};

/// Where the keys that may contradict others stand in the text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Places {
    header_hash: Option<Spanned<IgnoredAny>>,
    vectors: VectorPlaces,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VectorPlaces {
    headers: Vec<Spanned<IgnoredAny>>,
}

/// Compares the keys of a descriptor that was read from `text`.
pub(super) fn check(descriptor: &Descriptor, text: &str) -> Result<(), DescriptorError> {
    let Err((conflict, message)) = hash(descriptor).and_then(|()| genesis(descriptor)) else {
        return Ok(());
    };
    // The text was read before, so that it can be read again.
    let places: Places = toml::from_str(text).unwrap_or_default();
    let place = match conflict {
        Conflict::Hash => places.header_hash.as_ref(),
        Conflict::Header(position) => places.vectors.headers.get(position),
    };
    Err(DescriptorError::Malformed {
        line: line_at(text, place.map(Spanned::span)),
        message,
    })
}

/// Which key contradicts another.
enum Conflict {
    /// `header_hash`.
    Hash,
    /// The example of a header at this position.
    Header(usize),
}

/// The hash covers no more than each header has.
fn hash(descriptor: &Descriptor) -> Result<(), (Conflict, String)> {
    match (descriptor.header_hash, descriptor.header.shortest()) {
        (HeaderHash::Sha256d { len }, Some(shortest)) if len > shortest => Err((
            Conflict::Hash,
            format!(
                "expected at most sha256d:{shortest}, as the shortest header has {shortest} bytes, \
                 got sha256d:{len}: check header, which is {{ family = \"fixed\", len = 80 }} where \
                 nothing is said"
            ),
        )),
        _ => Ok(()),
    }
}

/// The example at height 0 is the genesis block.
fn genesis(descriptor: &Descriptor) -> Result<(), (Conflict, String)> {
    let expected = descriptor.genesis_hash;
    let headers = descriptor.vectors.headers.iter().enumerate();
    let mut wrong =
        headers.filter(|(_, vector)| vector.height == Height(0) && vector.hash != expected);
    match wrong.next() {
        Some((position, vector)) => Err((
            Conflict::Header(position),
            format!(
                "genesis mismatch: expected genesis_hash, {expected}, as hash of the header at \
                 height 0, got {}: one of the two is of another chain",
                vector.hash
            ),
        )),
        None => Ok(()),
    }
}
