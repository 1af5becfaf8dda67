//! The price list: what a request costs, and the other numbers of ElectrumX's cost model.

use electrode_protocol::Call;

/// Bytes of one entry in the text that a status is the hash of: `txid:height:`.
const STATUS_ENTRY_LEN: f64 = 74.0;
/// Transactions from which a block's branch is priced by the square root of their number.
const LARGE_BLOCK: f64 = 200.0;

/// Something that the cost model has a number for.
///
/// A method stands for its base price; what an answer holds is added by the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// `server.version`.
    ServerVersion,
    /// `server.banner`.
    Banner,
    /// `server.donation_address`.
    DonationAddress,
    /// `server.features`.
    Features,
    /// `server.add_peer`.
    AddPeer,
    /// `server.peers.subscribe`.
    PeersSubscribe,
    /// `server.ping`.
    Ping,
    /// `blockchain.block.header`.
    BlockHeader,
    /// `blockchain.block.headers`.
    BlockHeaders,
    /// `blockchain.headers.subscribe`.
    HeadersSubscribe,
    /// `blockchain.scripthash.get_balance`.
    GetBalance,
    /// `blockchain.scripthash.get_history`.
    GetHistory,
    /// `blockchain.scripthash.get_mempool`.
    GetMempool,
    /// `blockchain.scripthash.listunspent`.
    ListUnspent,
    /// `blockchain.scripthash.subscribe`, and each notification of a status.
    Subscribe,
    /// `blockchain.scripthash.unsubscribe`.
    Unsubscribe,
    /// `blockchain.transaction.get`.
    TransactionGet,
    /// `blockchain.transaction.get_merkle`.
    GetMerkle,
    /// `blockchain.transaction.id_from_pos`.
    IdFromPos,
    /// `blockchain.transaction.broadcast`.
    Broadcast,
    /// `blockchain.transaction.broadcast_package`.
    BroadcastPackage,
    /// `blockchain.estimatefee`.
    EstimateFee,
    /// `blockchain.relayfee`.
    RelayFee,
    /// `mempool.get_fee_histogram`.
    FeeHistogram,
    /// `mempool.get_info`.
    MempoolInfo,
    /// A new session.
    Session,
    /// A request that is answered with an error.
    Error,
    /// A message that is no JSON, on top of the error.
    Malformed,
    /// A history that was remembered.
    HistoryRemembered,
    /// A history that had to be read.
    HistoryRead,
    /// Each entry of a history that had to be read.
    HistoryEntry,
    /// Each byte of the text that a status is the hash of.
    StatusByte,
    /// Each unspent output, or transaction of the mempool, in an answer or behind it.
    Entry,
    /// Each header.
    Header,
    /// A proof of a header.
    HeaderProof,
    /// The txids of a block that were remembered.
    TxidsRemembered,
    /// The txids of a block that had to be read.
    TxidsRead,
    /// Each txid of a block that had to be read.
    TxidEntry,
    /// Each transaction of a block that a branch is made of.
    BranchEntry,
    /// Each character of a transaction that is broadcast.
    BroadcastByte,
    /// A fee estimate that the node had to be asked for.
    FeeAsked,
    /// No price: seconds in which the whole hard limit is forgiven.
    DecaySecs,
    /// No price: how many more they are for each subscription.
    DecaySecsPerSubscription,
    /// No price: seconds in which the hard limit is forgiven to a group for sessions that are gone.
    GroupDecaySecs,
    /// No price: how much of what the others of its group cost is held against a session.
    GroupWeight,
}

impl Item {
    /// Everything that has a number.
    pub const ALL: [Self; 45] = [
        Self::ServerVersion,
        Self::Banner,
        Self::DonationAddress,
        Self::Features,
        Self::AddPeer,
        Self::PeersSubscribe,
        Self::Ping,
        Self::BlockHeader,
        Self::BlockHeaders,
        Self::HeadersSubscribe,
        Self::GetBalance,
        Self::GetHistory,
        Self::GetMempool,
        Self::ListUnspent,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::TransactionGet,
        Self::GetMerkle,
        Self::IdFromPos,
        Self::Broadcast,
        Self::BroadcastPackage,
        Self::EstimateFee,
        Self::RelayFee,
        Self::FeeHistogram,
        Self::MempoolInfo,
        Self::Session,
        Self::Error,
        Self::Malformed,
        Self::HistoryRemembered,
        Self::HistoryRead,
        Self::HistoryEntry,
        Self::StatusByte,
        Self::Entry,
        Self::Header,
        Self::HeaderProof,
        Self::TxidsRemembered,
        Self::TxidsRead,
        Self::TxidEntry,
        Self::BranchEntry,
        Self::BroadcastByte,
        Self::FeeAsked,
        Self::DecaySecs,
        Self::DecaySecsPerSubscription,
        Self::GroupDecaySecs,
        Self::GroupWeight,
    ];

    /// Gives its name, for methods that of the protocol, and ElectrumX's number.
    ///
    /// Source: ElectrumX 1.20, `electrumx/server/session.py`.
    fn entry(self) -> (&'static str, f64) {
        match self {
            Self::ServerVersion => ("server.version", 0.5),
            Self::Banner => ("server.banner", 0.5),
            Self::DonationAddress => ("server.donation_address", 0.1),
            Self::Features => ("server.features", 0.2),
            Self::AddPeer => ("server.add_peer", 100.0),
            Self::PeersSubscribe => ("server.peers.subscribe", 1.0),
            Self::Ping => ("server.ping", 0.1),
            Self::BlockHeader => ("blockchain.block.header", 0.25),
            Self::BlockHeaders => ("blockchain.block.headers", 0.0),
            Self::HeadersSubscribe => ("blockchain.headers.subscribe", 0.25),
            Self::GetBalance => ("blockchain.scripthash.get_balance", 1.0),
            Self::GetHistory => ("blockchain.scripthash.get_history", 0.25),
            Self::GetMempool => ("blockchain.scripthash.get_mempool", 0.25),
            Self::ListUnspent => ("blockchain.scripthash.listunspent", 1.0),
            Self::Subscribe => ("blockchain.scripthash.subscribe", 0.1),
            Self::Unsubscribe => ("blockchain.scripthash.unsubscribe", 0.1),
            Self::TransactionGet => ("blockchain.transaction.get", 1.0),
            Self::GetMerkle => ("blockchain.transaction.get_merkle", 0.0),
            Self::IdFromPos => ("blockchain.transaction.id_from_pos", 0.0),
            Self::Broadcast => ("blockchain.transaction.broadcast", 0.25),
            Self::BroadcastPackage => ("blockchain.transaction.broadcast_package", 0.25),
            Self::EstimateFee => ("blockchain.estimatefee", 0.1),
            Self::RelayFee => ("blockchain.relayfee", 1.0),
            Self::FeeHistogram => ("mempool.get_fee_histogram", 1.0),
            Self::MempoolInfo => ("mempool.get_info", 1.0),
            Self::Session => ("session", 5.0),
            Self::Error => ("error", 100.0),
            Self::Malformed => ("malformed", 1000.0),
            Self::HistoryRemembered => ("history_remembered", 0.1),
            Self::HistoryRead => ("history_read", 0.2),
            Self::HistoryEntry => ("history_entry", 0.001),
            Self::StatusByte => ("status_byte", 0.000_02),
            Self::Entry => ("entry", 0.02),
            Self::Header => ("header", 0.02),
            Self::HeaderProof => ("header_proof", 1.0),
            Self::TxidsRemembered => ("txids_remembered", 0.1),
            Self::TxidsRead => ("txids_read", 0.25),
            Self::TxidEntry => ("txid_entry", 0.000_1),
            Self::BranchEntry => ("branch_entry", 0.000_4),
            Self::BroadcastByte => ("broadcast_byte", 0.000_2),
            Self::FeeAsked => ("fee_asked", 2.0),
            Self::DecaySecs => ("decay_secs", 10_000.0),
            Self::DecaySecsPerSubscription => ("decay_secs_per_subscription", 5.0),
            Self::GroupDecaySecs => ("group_decay_secs", 5000.0),
            Self::GroupWeight => ("group_weight", 1.0),
        }
    }

    /// Gives its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// Finds it by its name in the configuration.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|item| item.name() == name)
    }

    fn of(call: &Call) -> Self {
        match call {
            Call::ServerVersion { .. } => Self::ServerVersion,
            Call::Banner => Self::Banner,
            Call::DonationAddress => Self::DonationAddress,
            Call::Features => Self::Features,
            Call::AddPeer { .. } => Self::AddPeer,
            Call::PeersSubscribe => Self::PeersSubscribe,
            Call::Ping => Self::Ping,
            Call::BlockHeader { .. } => Self::BlockHeader,
            Call::BlockHeaders { .. } => Self::BlockHeaders,
            Call::HeadersSubscribe => Self::HeadersSubscribe,
            Call::GetBalance(_) => Self::GetBalance,
            Call::GetHistory(_) => Self::GetHistory,
            Call::GetMempool(_) => Self::GetMempool,
            Call::ListUnspent(_) => Self::ListUnspent,
            Call::Subscribe(_) => Self::Subscribe,
            Call::Unsubscribe(_) => Self::Unsubscribe,
            Call::TransactionGet { .. } => Self::TransactionGet,
            Call::GetMerkle { .. } => Self::GetMerkle,
            Call::IdFromPos { .. } => Self::IdFromPos,
            Call::Broadcast { .. } => Self::Broadcast,
            Call::BroadcastPackage { .. } => Self::BroadcastPackage,
            Call::EstimateFee { .. } => Self::EstimateFee,
            Call::RelayFee => Self::RelayFee,
            Call::FeeHistogram => Self::FeeHistogram,
            Call::MempoolInfo => Self::MempoolInfo,
        }
    }
}

/// Where what an answer is made of came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From a cache.
    Remembered,
    /// From the index.
    Read,
}

/// What everything costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices([f64; Item::ALL.len()]);

impl Default for Prices {
    fn default() -> Self {
        Self(Item::ALL.map(|item| item.entry().1))
    }
}

impl Prices {
    /// Replaces the number of an item.
    #[must_use]
    pub fn with(mut self, item: Item, price: f64) -> Self {
        // cast: the discriminant of a fieldless enum
        if let Some(known) = self.0.get_mut(item as usize) {
            *known = price;
        }
        self
    }

    /// Gives the number of an item.
    pub(crate) fn of(&self, item: Item) -> f64 {
        // cast: the discriminant of a fieldless enum
        self.0.get(item as usize).copied().unwrap_or_default()
    }

    /// Gives what a call costs whatever its answer is.
    pub(crate) fn call(&self, call: &Call) -> f64 {
        let bytes = match call {
            Call::Broadcast { raw } => raw.len(),
            Call::BroadcastPackage { raws, .. } => raws.iter().map(String::len).sum(),
            _ => 0,
        };
        self.of(Item::of(call)) + self.of(Item::BroadcastByte) * count(bytes)
    }

    /// Gives what it costs to look through a history.
    pub(crate) fn history(&self, entries: usize, origin: Origin) -> f64 {
        match origin {
            Origin::Remembered => self.of(Item::HistoryRemembered),
            Origin::Read => {
                self.of(Item::HistoryRead) + self.of(Item::HistoryEntry) * count(entries)
            }
        }
    }

    /// Gives what the status of a history costs.
    pub(crate) fn status(&self, entries: usize, origin: Origin) -> f64 {
        let bytes = count(entries) * STATUS_ENTRY_LEN;
        self.history(entries, origin) + self.of(Item::StatusByte) * bytes
    }

    /// Gives what unspent outputs or transactions of the mempool cost.
    pub(crate) fn entries(&self, entries: usize) -> f64 {
        self.of(Item::Entry) * count(entries)
    }

    /// Gives what headers cost.
    pub(crate) fn headers(&self, headers: usize) -> f64 {
        self.of(Item::Header) * count(headers)
    }

    /// Gives what it costs to look into a block of so many transactions.
    pub(crate) fn txids(&self, txs: usize, origin: Origin) -> f64 {
        match origin {
            Origin::Remembered => self.of(Item::TxidsRemembered),
            Origin::Read => self.of(Item::TxidsRead) + self.of(Item::TxidEntry) * count(txs),
        }
    }

    /// Gives what a branch costs in a block of so many transactions.
    pub(crate) fn branch(&self, txs: usize) -> f64 {
        let txs = count(txs);
        let hashed = if txs < LARGE_BLOCK {
            txs
        } else {
            10.0 * txs.sqrt()
        };
        self.of(Item::BranchEntry) * hashed
    }
}

/// A number of things as a factor; more than fit 32 bits are never counted.
fn count(things: usize) -> f64 {
    f64::from(u32::try_from(things).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use electrode_coin::{Height, ScriptHash, Txid};

    #[test]
    fn lists_each_item_at_its_place_and_under_its_own_name() {
        for (place, item) in Item::ALL.into_iter().enumerate() {
            assert_eq!(item as usize, place, "{item:?}");
            assert_eq!(Item::find(item.name()), Some(item));
        }
        assert_eq!(Item::find("server.pong"), None);
    }

    #[test]
    fn names_methods_as_the_protocol_does() {
        let script = ScriptHash([0; 32]);
        for call in [
            Call::Ping,
            Call::GetHistory(script),
            Call::Subscribe(script),
            Call::RelayFee,
            Call::FeeHistogram,
            Call::TransactionGet {
                txid: Txid([0; 32]),
                verbose: false,
            },
            Call::BlockHeader {
                height: Height(0),
                cp_height: Height(0),
            },
        ] {
            assert_eq!(Item::of(&call).name(), call.method().name());
        }
    }

    #[test]
    fn prices_as_electrumx_does() {
        let prices = Prices::default();
        let check = |cost: f64, expected: f64| {
            assert!((cost - expected).abs() < 1e-9, "{cost}, {expected}");
        };
        check(
            prices.call(&Call::Broadcast {
                raw: "00".repeat(2500),
            }),
            1.25,
        );
        check(prices.history(1000, Origin::Read), 1.2);
        check(prices.history(1000, Origin::Remembered), 0.1);
        check(prices.status(1000, Origin::Remembered), 0.1 + 1.48);
        check(prices.entries(50), 1.0);
        check(prices.headers(2000), 40.0);
        check(prices.txids(1000, Origin::Read), 0.35);
        check(prices.branch(100), 0.04);
        check(prices.branch(2500), 0.2);
        check(prices.with(Item::Entry, 0.0).entries(50), 0.0);
    }
}
