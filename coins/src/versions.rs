//! Versions of addresses as constants.

use electrode_coin::AddressVersion;

/// Makes versions of one byte each.
pub(crate) fn versions(bytes: &[u8]) -> Vec<AddressVersion> {
    bytes.iter().copied().map(AddressVersion::from).collect()
}
