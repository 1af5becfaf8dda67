//! Script hashes as clients write them.

/// How a client writes a script hash, where that is not how everybody does: some digits are in
/// capitals. Notifications repeat it, as in `ElectrumX`: a client may know the script by no other
/// text.
///
/// Shape: 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling(Box<str>);

impl Spelling {
    /// Takes the text that a script hash was read from; `None` if it is the usual one.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let is_unusual = text.bytes().any(|digit| digit.is_ascii_uppercase());
        is_unusual.then(|| Self(text.into()))
    }

    /// Gives the digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
