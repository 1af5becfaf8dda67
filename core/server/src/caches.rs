//! The caches by name: what they hold and how they do.

use std::collections::BTreeMap;

use electrode_protocol::CacheInfo;

use crate::Service;

impl Service {
    /// Gives every cache by the name it has in `getinfo` and metrics.
    pub(crate) fn caches(&self) -> BTreeMap<String, CacheInfo> {
        let caches = [
            ("status", self.statuses.info()),
            ("history", self.histories.info()),
            ("unspent", self.unspent.info()),
            ("merkle", self.proofs.info()),
            ("transaction", self.transactions.info()),
        ];
        let named = caches.map(|(name, info)| (name.to_owned(), info));
        named.into_iter().collect()
    }
}
