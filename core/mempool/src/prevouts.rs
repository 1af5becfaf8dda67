//! The question that the mempool asks the index.

use electrode_coin::OutPoint;

use crate::Prevout;

/// Knows the unspent outputs of the confirmed chain.
pub trait Prevouts {
    /// Why it could not answer.
    type Error;

    /// Gives, in the order asked, each output that is confirmed and unspent; `None` for others.
    ///
    /// # Errors
    /// The chain moved while reading, or the store failed; nothing was answered then.
    fn prevouts(&self, outpoints: &[OutPoint]) -> Result<Vec<Option<Prevout>>, Self::Error>;
}
