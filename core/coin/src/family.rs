//! A coin put together from families by its descriptor alone.

use crate::{Coin, Descriptor};

/// A coin that is data only: its descriptor says which family reads its bytes.
#[derive(Clone, Debug)]
pub struct FamilyCoin {
    descriptor: Descriptor,
}

impl FamilyCoin {
    /// Makes the coin that `descriptor` describes.
    #[must_use]
    pub fn new(descriptor: Descriptor) -> Self {
        Self { descriptor }
    }
}

impl Coin for FamilyCoin {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
}
