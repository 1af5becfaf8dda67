//! The methods of the protocol by name: what metrics and logs go by.

use std::fmt;

/// A method of any protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    missing_docs,
    reason = "each is named like the method, and `name` writes it out"
)]
pub enum Method {
    ServerVersion,
    Banner,
    DonationAddress,
    Features,
    AddPeer,
    PeersSubscribe,
    Ping,
    BlockHeader,
    BlockHeaders,
    HeadersSubscribe,
    GetBalance,
    GetHistory,
    GetMempool,
    ListUnspent,
    Subscribe,
    Unsubscribe,
    TransactionGet,
    GetMerkle,
    IdFromPos,
    Broadcast,
    BroadcastPackage,
    EstimateFee,
    RelayFee,
    FeeHistogram,
    MempoolInfo,
}

impl Method {
    /// Every method, each at its [`number`](Self::number).
    pub const ALL: [Self; 25] = [
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
    ];

    /// Gives its place in [`Self::ALL`].
    #[must_use]
    pub fn number(self) -> usize {
        // cast: the discriminant of a fieldless enum
        self as usize
    }

    /// Gives the name that requests carry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ServerVersion => "server.version",
            Self::Banner => "server.banner",
            Self::DonationAddress => "server.donation_address",
            Self::Features => "server.features",
            Self::AddPeer => "server.add_peer",
            Self::PeersSubscribe => "server.peers.subscribe",
            Self::Ping => "server.ping",
            Self::BlockHeader => "blockchain.block.header",
            Self::BlockHeaders => "blockchain.block.headers",
            Self::HeadersSubscribe => "blockchain.headers.subscribe",
            Self::GetBalance => "blockchain.scripthash.get_balance",
            Self::GetHistory => "blockchain.scripthash.get_history",
            Self::GetMempool => "blockchain.scripthash.get_mempool",
            Self::ListUnspent => "blockchain.scripthash.listunspent",
            Self::Subscribe => "blockchain.scripthash.subscribe",
            Self::Unsubscribe => "blockchain.scripthash.unsubscribe",
            Self::TransactionGet => "blockchain.transaction.get",
            Self::GetMerkle => "blockchain.transaction.get_merkle",
            Self::IdFromPos => "blockchain.transaction.id_from_pos",
            Self::Broadcast => "blockchain.transaction.broadcast",
            Self::BroadcastPackage => "blockchain.transaction.broadcast_package",
            Self::EstimateFee => "blockchain.estimatefee",
            Self::RelayFee => "blockchain.relayfee",
            Self::FeeHistogram => "mempool.get_fee_histogram",
            Self::MempoolInfo => "mempool.get_info",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_at_its_number() {
        for (number, method) in Method::ALL.into_iter().enumerate() {
            assert_eq!(method.number(), number, "{method}");
        }
    }
}
