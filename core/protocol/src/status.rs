//! The status of a script: what a wallet compares to see whether its history changed.

use std::{fmt, io::Write as _};

use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};
use electrode_coin::{Height, Txid};

use crate::{MempoolEntry, hex};

/// The hash of a script's history.
///
/// Shape: a plain SHA-256 digest, which is written as hex in its own order.
/// Source: Electrum protocol basics, "Status".
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub [u8; 32]);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hashes a history as it grows.
///
/// Kept after the confirmed part, it gives the status for any mempool at the cost of the mempool
/// part alone.
#[derive(Clone, Default)]
pub struct StatusHasher {
    engine: sha256::HashEngine,
}

impl StatusHasher {
    /// Starts with an empty history.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a confirmed transaction; they come in chain order.
    pub fn push_confirmed(&mut self, txid: &Txid, height: Height) {
        self.push(txid, height);
    }

    /// Gives the status with this mempool part, which [`sort_mempool`] has put in order; `None`
    /// for an empty history.
    #[must_use]
    pub fn finish(&self, mempool: &[MempoolEntry]) -> Option<Status> {
        let mut hasher = self.clone();
        for entry in mempool {
            hasher.push(&entry.txid, entry.height.text());
        }
        if hasher.engine.n_bytes_hashed() == 0 {
            return None;
        }
        Some(Status(
            sha256::Hash::from_engine(hasher.engine).to_byte_array(),
        ))
    }

    fn push(&mut self, txid: &Txid, height: impl fmt::Display) {
        self.engine.input(&hex::reversed(&txid.0));
        write!(self.engine, ":{height}:").expect("a hash takes all that is written");
    }
}

impl fmt::Debug for StatusHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusHasher").finish_non_exhaustive()
    }
}

/// Puts mempool transactions in the order that protocol 1.6 prescribes: without unconfirmed
/// inputs first, then by txid as displayed. Older versions leave the order open.
pub fn sort_mempool(entries: &mut [MempoolEntry]) {
    entries.sort_unstable_by_key(|entry| (entry.height, entry.txid.display_bytes()));
}

#[cfg(test)]
mod tests {
    use electrode_coin::Sats;

    use super::*;
    use crate::MempoolHeight::{self, AllConfirmed, UnconfirmedInputs};

    fn entry(txid: &str, height: MempoolHeight) -> MempoolEntry {
        MempoolEntry {
            txid: txid.parse().unwrap(),
            height,
            fee: Sats(1),
        }
    }

    fn status(confirmed: &[(&str, u32)], mempool: &mut [MempoolEntry]) -> Option<String> {
        let mut hasher = StatusHasher::new();
        for (txid, height) in confirmed {
            hasher.push_confirmed(&txid.parse().unwrap(), Height(*height));
        }
        sort_mempool(mempool);
        hasher.finish(mempool).map(|status| status.to_string())
    }

    #[test]
    fn is_none_without_history() {
        assert_eq!(status(&[], &mut []), None);
    }

    /// The example of the protocol's documentation, its mempool part shuffled.
    #[test]
    fn matches_the_documented_example() {
        let confirmed = [
            (
                "a6c9c361bd0bc536d6a22648efbf8f9b200e425ef6c3a7a9669dc444c532a347",
                2472,
            ),
            (
                "9c42f84b2fcdaff676ba25d9d4941741cc0d1a01cce0c23fdc4c0b2afa38431c",
                2473,
            ),
            (
                "770f2d4371b3fabb902dd9a103e2dd005fcd3971181078fca4a2a1d6ff127b30",
                2473,
            ),
        ];
        let mut mempool = [
            entry(
                "bb4c8ab438c13b89ca80d1d5bee25b0b6b7f55673f4d801998ba97db161d9e85",
                UnconfirmedInputs,
            ),
            entry(
                "e02a1dadfa83b996b24175df807b271ea5d02937ef5b35c195fac1e1bdc3198f",
                AllConfirmed,
            ),
            entry(
                "80b19848aed792565ab7c5a79b7c2a00fbf985741579396ebe0ab6098e607311",
                AllConfirmed,
            ),
        ];
        let expected = "78e96c6562cafa71c115503b9411fdfdc595a45031e2ab76ff75162fe1b0590d";
        assert_eq!(status(&confirmed, &mut mempool).as_deref(), Some(expected));
    }

    /// Two txids whose display order is not their internal order; Python's hashlib gave the hash
    /// of `000…001:7:` `000…0ff:0:` `110…000:0:` `100…000:-1:`.
    #[test]
    fn orders_the_mempool_by_displayed_txid() {
        let first = format!("{}ff", "00".repeat(31));
        let second = format!("11{}", "00".repeat(31));
        let unconfirmed_parent = format!("10{}", "00".repeat(31));
        let confirmed = format!("{}01", "00".repeat(31));
        let mut mempool = [
            entry(&unconfirmed_parent, UnconfirmedInputs),
            entry(&second, AllConfirmed),
            entry(&first, AllConfirmed),
        ];
        assert!(
            mempool[2].txid > mempool[1].txid,
            "the internal order is the other one"
        );
        let expected = "46516f70f3da557e0e08933ee4dce709cbb9f6d3df8c5ce703370d841b7ca6ab";
        assert_eq!(
            status(&[(&confirmed, 7)], &mut mempool).as_deref(),
            Some(expected)
        );
        assert_eq!(
            mempool.map(|entry| entry.txid.to_string()),
            [first, second, unconfirmed_parent]
        );
    }

    #[test]
    fn hashes_a_mempool_without_confirmed_part() {
        let expected = "324cf5539171022bbef77239aeefd954a21824b891553f3b7d614d43cf36adcb";
        let mut mempool = [entry(&"ab".repeat(32), AllConfirmed)];
        assert_eq!(status(&[], &mut mempool).as_deref(), Some(expected));
    }
}
