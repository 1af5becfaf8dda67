//! The price list: what a request costs, and the other numbers of ElectrumX's cost model.
//!
//! Source: ElectrumX 1.20, `electrumx/server/session.py`.

use electrode_protocol::{Call, Method};

/// Bytes of one entry in the text that a status is the hash of: `txid:height:`.
const STATUS_ENTRY_LEN: f64 = 74.0;
/// Transactions from which a block's branch is priced by the square root of their number.
const LARGE_BLOCK: f64 = 200.0;

/// Something that the cost model has a number for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The base price of a method; what an answer holds is added by the entry.
    Method(Method),
    /// Anything else.
    Extra(Extra),
}

/// What has a number beside the methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
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
    /// A frame of a `WebSocket` that is no request, such as a ping: somebody has to answer it.
    Frame,
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
    pub fn all() -> impl Iterator<Item = Self> {
        let methods = Method::ALL.into_iter().map(Self::Method);
        methods.chain(Extra::ALL.into_iter().map(Self::Extra))
    }

    /// Gives its name in the configuration, for methods that of the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Method(method) => method.name(),
            Self::Extra(extra) => extra.entry().0,
        }
    }

    /// Finds it by its name in the configuration.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|item| item.name() == name)
    }
}

impl Extra {
    const ALL: [Self; 21] = [
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
        Self::Frame,
        Self::DecaySecs,
        Self::DecaySecsPerSubscription,
        Self::GroupDecaySecs,
        Self::GroupWeight,
    ];

    /// Gives its name and ElectrumX's number; a frame, which it does not charge, costs as much as the
    /// method `server.ping`.
    fn entry(self) -> (&'static str, f64) {
        match self {
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
            Self::Frame => ("frame", 0.1),
            Self::DecaySecs => ("decay_secs", 10_000.0),
            Self::DecaySecsPerSubscription => ("decay_secs_per_subscription", 5.0),
            Self::GroupDecaySecs => ("group_decay_secs", 5000.0),
            Self::GroupWeight => ("group_weight", 1.0),
        }
    }
}

/// Gives ElectrumX's number for a method.
fn base_price(method: Method) -> f64 {
    match method {
        Method::BlockHeaders | Method::GetMerkle | Method::IdFromPos => 0.0,
        Method::DonationAddress
        | Method::Ping
        | Method::Subscribe
        | Method::Unsubscribe
        | Method::EstimateFee => 0.1,
        Method::Features => 0.2,
        Method::BlockHeader
        | Method::HeadersSubscribe
        | Method::GetHistory
        | Method::GetMempool
        | Method::Broadcast
        | Method::BroadcastPackage => 0.25,
        Method::ServerVersion | Method::Banner => 0.5,
        Method::PeersSubscribe
        | Method::GetBalance
        | Method::ListUnspent
        | Method::TransactionGet
        | Method::RelayFee
        | Method::FeeHistogram
        | Method::MempoolInfo => 1.0,
        Method::AddPeer => 100.0,
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
pub struct Prices {
    methods: [f64; Method::ALL.len()],
    extras: [f64; Extra::ALL.len()],
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            methods: Method::ALL.map(base_price),
            extras: Extra::ALL.map(|extra| extra.entry().1),
        }
    }
}

impl Prices {
    /// Replaces the number of an item.
    #[must_use]
    pub fn with(mut self, item: Item, price: f64) -> Self {
        let known = match item {
            Item::Method(method) => self.methods.get_mut(method.number()),
            // cast: the discriminant of a fieldless enum
            Item::Extra(extra) => self.extras.get_mut(extra as usize),
        };
        if let Some(known) = known {
            *known = price;
        }
        self
    }

    /// Gives the base price of a method.
    pub(crate) fn method(&self, method: Method) -> f64 {
        self.methods
            .get(method.number())
            .copied()
            .unwrap_or_default()
    }

    /// Gives the number of anything else.
    pub(crate) fn of(&self, extra: Extra) -> f64 {
        // cast: the discriminant of a fieldless enum
        self.extras.get(extra as usize).copied().unwrap_or_default()
    }

    /// Gives what some of anything else cost.
    pub(crate) fn each(&self, extra: Extra, things: u64) -> f64 {
        self.of(extra) * count(usize::try_from(things).unwrap_or(usize::MAX))
    }

    /// Gives what a call costs whatever its answer is.
    pub(crate) fn call(&self, call: &Call) -> f64 {
        let bytes = match call {
            Call::Broadcast { raw } => raw.len(),
            Call::BroadcastPackage { raws, .. } => raws.iter().map(String::len).sum(),
            _ => 0,
        };
        self.method(call.method()) + self.of(Extra::BroadcastByte) * count(bytes)
    }

    /// Gives what it costs to look through a history.
    pub(crate) fn history(&self, entries: usize, origin: Origin) -> f64 {
        match origin {
            Origin::Remembered => self.of(Extra::HistoryRemembered),
            Origin::Read => {
                self.of(Extra::HistoryRead) + self.of(Extra::HistoryEntry) * count(entries)
            }
        }
    }

    /// Gives what the status of a history costs.
    pub(crate) fn status(&self, entries: usize, origin: Origin) -> f64 {
        let bytes = count(entries) * STATUS_ENTRY_LEN;
        self.history(entries, origin) + self.of(Extra::StatusByte) * bytes
    }

    /// Gives what unspent outputs or transactions of the mempool cost.
    pub(crate) fn entries(&self, entries: usize) -> f64 {
        self.of(Extra::Entry) * count(entries)
    }

    /// Gives what headers cost.
    pub(crate) fn headers(&self, headers: usize) -> f64 {
        self.of(Extra::Header) * count(headers)
    }

    /// Gives what it costs to look into a block of so many transactions.
    pub(crate) fn txids(&self, txs: usize, origin: Origin) -> f64 {
        match origin {
            Origin::Remembered => self.of(Extra::TxidsRemembered),
            Origin::Read => self.of(Extra::TxidsRead) + self.of(Extra::TxidEntry) * count(txs),
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
        self.of(Extra::BranchEntry) * hashed
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
        for (place, extra) in Extra::ALL.into_iter().enumerate() {
            assert_eq!(extra as usize, place, "{extra:?}");
        }
        for item in Item::all() {
            assert_eq!(Item::find(item.name()), Some(item));
            let priced = Prices::default().with(item, 1234.5);
            let price = match item {
                Item::Method(method) => priced.method(method),
                Item::Extra(extra) => priced.of(extra),
            };
            assert!((price - 1234.5).abs() < 1e-9, "{item:?}");
        }
        assert_eq!(Item::find("server.pong"), None);
    }

    #[test]
    fn prices_methods_by_the_name_that_the_protocol_has_for_them() {
        let prices = Prices::default().with(Item::find("server.ping").unwrap(), 7.0);
        let calls = [
            (Call::Ping, 7.0),
            (Call::GetHistory(ScriptHash([0; 32])), 0.25),
            (
                Call::Subscribe {
                    script: ScriptHash([0; 32]),
                    spelling: None,
                },
                0.1,
            ),
            (Call::RelayFee, 1.0),
            (Call::FeeHistogram, 1.0),
            (
                Call::TransactionGet {
                    txid: Txid([0; 32]),
                    verbose: false,
                },
                1.0,
            ),
            (
                Call::BlockHeader {
                    height: Height(0),
                    cp_height: Height(0),
                },
                0.25,
            ),
        ];
        for (call, price) in calls {
            assert!((prices.call(&call) - price).abs() < 1e-9, "{call:?}");
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
        check(prices.with(Item::Extra(Extra::Entry), 0.0).entries(50), 0.0);
    }
}
