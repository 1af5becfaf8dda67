//! What a client asks, typed.

use electrode_coin::{Height, ScriptHash, Txid};
use serde::{Deserialize, Serialize};

use crate::{Method, RequestedVersion, Spelling};

/// One request of any protocol version.
///
/// Heights and positions that a client gives beyond `u32` are `u32::MAX` here, which no chain has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `server.version`.
    ServerVersion {
        /// Name of the wallet, cut to 128 characters.
        client_name: String,
        /// What it speaks.
        requested: RequestedVersion,
    },
    /// `server.banner`.
    Banner,
    /// `server.donation_address`.
    DonationAddress,
    /// `server.features`.
    Features,
    /// `server.add_peer`.
    AddPeer {
        /// Hosts that the peer says it is reachable at, the first 8 of them.
        hosts: Vec<Host>,
    },
    /// `server.peers.subscribe`, which subscribes to nothing.
    PeersSubscribe,
    /// `server.ping`.
    Ping,
    /// `blockchain.block.header`.
    BlockHeader {
        /// Height of the block.
        height: Height,
        /// Checkpoint to prove the header against; 0 is for no proof.
        cp_height: Height,
    },
    /// `blockchain.block.headers`.
    BlockHeaders {
        /// Height of the first block.
        start: Height,
        /// How many headers, before the server's limit.
        count: u32,
        /// Checkpoint to prove the last header against; 0 is for no proof.
        cp_height: Height,
    },
    /// `blockchain.headers.subscribe`.
    HeadersSubscribe,
    /// `blockchain.scripthash.get_balance`.
    GetBalance(ScriptHash),
    /// `blockchain.scripthash.get_history`.
    GetHistory(ScriptHash),
    /// `blockchain.scripthash.get_mempool`.
    GetMempool(ScriptHash),
    /// `blockchain.scripthash.listunspent`.
    ListUnspent(ScriptHash),
    /// `blockchain.scripthash.subscribe`.
    Subscribe {
        /// Which script.
        script: ScriptHash,
        /// How notifications are to name it, if not as everybody does.
        spelling: Option<Spelling>,
    },
    /// `blockchain.scripthash.unsubscribe`.
    Unsubscribe(ScriptHash),
    /// `blockchain.transaction.get`.
    TransactionGet {
        /// Which transaction.
        txid: Txid,
        /// Whether the node's JSON is wanted instead of the raw transaction.
        verbose: bool,
    },
    /// `blockchain.transaction.get_merkle`.
    GetMerkle {
        /// Which transaction.
        txid: Txid,
        /// Height of its block.
        height: Height,
    },
    /// `blockchain.transaction.id_from_pos`.
    IdFromPos {
        /// Height of the block.
        height: Height,
        /// Position in the block.
        tx_pos: u32,
        /// Whether a proof is wanted too.
        merkle: bool,
    },
    /// `blockchain.transaction.broadcast`.
    Broadcast {
        /// The transaction in hex.
        raw: String,
    },
    /// `blockchain.transaction.broadcast_package`.
    BroadcastPackage {
        /// The transactions in hex, parents first, at most 25.
        raws: Vec<String>,
        /// Whether the node's JSON is wanted instead of a summary.
        verbose: bool,
    },
    /// `blockchain.estimatefee`.
    EstimateFee {
        /// In how many blocks the transaction is to confirm.
        blocks: u32,
        /// How to estimate; the node's default if unsaid.
        mode: Option<FeeMode>,
    },
    /// `blockchain.relayfee`.
    RelayFee,
    /// `mempool.get_fee_histogram`.
    FeeHistogram,
    /// `mempool.get_info`.
    MempoolInfo,
}

impl Call {
    /// Gives the method, for metrics and logs.
    #[must_use]
    pub fn method(&self) -> Method {
        match self {
            Self::ServerVersion { .. } => Method::ServerVersion,
            Self::Banner => Method::Banner,
            Self::DonationAddress => Method::DonationAddress,
            Self::Features => Method::Features,
            Self::AddPeer { .. } => Method::AddPeer,
            Self::PeersSubscribe => Method::PeersSubscribe,
            Self::Ping => Method::Ping,
            Self::BlockHeader { .. } => Method::BlockHeader,
            Self::BlockHeaders { .. } => Method::BlockHeaders,
            Self::HeadersSubscribe => Method::HeadersSubscribe,
            Self::GetBalance(_) => Method::GetBalance,
            Self::GetHistory(_) => Method::GetHistory,
            Self::GetMempool(_) => Method::GetMempool,
            Self::ListUnspent(_) => Method::ListUnspent,
            Self::Subscribe { .. } => Method::Subscribe,
            Self::Unsubscribe(_) => Method::Unsubscribe,
            Self::TransactionGet { .. } => Method::TransactionGet,
            Self::GetMerkle { .. } => Method::GetMerkle,
            Self::IdFromPos { .. } => Method::IdFromPos,
            Self::Broadcast { .. } => Method::Broadcast,
            Self::BroadcastPackage { .. } => Method::BroadcastPackage,
            Self::EstimateFee { .. } => Method::EstimateFee,
            Self::RelayFee => Method::RelayFee,
            Self::FeeHistogram => Method::FeeHistogram,
            Self::MempoolInfo => Method::MempoolInfo,
        }
    }
}

/// How the node is to estimate a fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeeMode {
    /// Looks at a longer history of fees.
    Conservative,
    /// Follows the market downwards sooner.
    Economical,
}

impl FeeMode {
    /// Gives the name that the node knows it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Conservative => "CONSERVATIVE",
            Self::Economical => "ECONOMICAL",
        }
    }
}

/// Where a server is reachable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Domain name or address.
    pub name: String,
    /// Its ports.
    pub ports: Ports,
}

/// The ports of a server by transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ports {
    /// Plain TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_port: Option<u16>,
    /// TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_port: Option<u16>,
    /// Websocket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ws_port: Option<u16>,
    /// Websocket over TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wss_port: Option<u16>,
}
