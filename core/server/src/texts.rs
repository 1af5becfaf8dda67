//! What the operator tells wallets; it can change while the server runs.

use std::path::PathBuf;

/// Texts for wallets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Text file behind `server.banner`, read for each request.
    pub banner_file: Option<PathBuf>,
    /// The same for wallets that come from this machine, as Tor forwards them; unset: as for the
    /// others.
    pub tor_banner_file: Option<PathBuf>,
    /// What `server.donation_address` answers.
    pub donation_address: String,
}
