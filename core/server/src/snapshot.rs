//! One state of the world: what every answer is taken from.

use electrode_index::{IndexError, IndexView, Tip};
use electrode_mempool::MempoolView;

/// Index and mempool at one tip.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The confirmed part.
    pub index: IndexView,
    /// The unconfirmed part, reconciled with the same tip.
    pub mempool: MempoolView,
    tip: Tip,
    tip_header: Vec<u8>,
}

impl Snapshot {
    /// Puts the two parts together.
    ///
    /// # Errors
    /// The index is empty or cannot be read.
    pub fn new(index: IndexView, mempool: MempoolView) -> Result<Self, IndexError> {
        let tip = index.tip().ok_or(IndexError::Empty)?;
        let tip_header = index.headers(tip.height, 1)?.bytes;
        Ok(Self {
            index,
            mempool,
            tip,
            tip_header,
        })
    }

    /// Gives the last block.
    #[must_use]
    pub fn tip(&self) -> Tip {
        self.tip
    }

    /// Gives the header of the last block.
    #[must_use]
    pub fn tip_header(&self) -> &[u8] {
        &self.tip_header
    }
}
