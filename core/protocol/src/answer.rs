//! What the server answers, typed.

use std::sync::Arc;

use electrode_coin::{BlockHash, Height, Sats, Txid};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use crate::{
    Host, ProtocolVersion, Status, hex,
    merkle::{Hash, Proof},
};

/// The result of one call.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Nothing to say.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A text: banner, donation address, raw transaction that is in hex already.
    Text(String),
    /// A fee rate in coins per kvB, or −1 for none.
    Number(f64),
    /// Who the server is and what is spoken from now on.
    Version {
        /// Name and version of the server.
        server: String,
        /// Version negotiated.
        version: ProtocolVersion,
    },
    /// What the server offers.
    Features(Features),
    /// Other servers.
    Peers(Vec<Peer>),
    /// A block header.
    Header {
        /// Its bytes.
        header: Vec<u8>,
    },
    /// A block header proven against a checkpoint.
    HeaderProof {
        /// Its bytes.
        header: Vec<u8>,
        /// Its place below the checkpoint.
        proof: Proof,
    },
    /// Consecutive block headers.
    Headers {
        /// Their bytes.
        headers: Vec<Vec<u8>>,
        /// How many the server gives at most.
        max: u32,
        /// The place of the last one below the checkpoint, if that was asked and there is one.
        proof: Option<Proof>,
    },
    /// The tip of the chain.
    Tip {
        /// Its header.
        header: Vec<u8>,
        /// Its height.
        height: Height,
    },
    /// What a script owns.
    Balance {
        /// In blocks.
        confirmed: Sats,
        /// What the mempool adds or takes, in the smallest unit.
        unconfirmed: i64,
    },
    /// The transactions of a script.
    History {
        /// In blocks, in chain order.
        confirmed: Arc<[(Txid, Height)]>,
        /// In the mempool, in the order of [`sort_mempool`](crate::sort_mempool).
        mempool: Vec<MempoolEntry>,
    },
    /// The mempool transactions of a script, in the order of
    /// [`sort_mempool`](crate::sort_mempool).
    Mempool(Vec<MempoolEntry>),
    /// The unspent outputs of a script.
    Unspent(Vec<Unspent>),
    /// The status of a script; `None` without history.
    Status(Option<Status>),
    /// A raw transaction.
    TransactionHex(Arc<[u8]>),
    /// What the node said, as it said it.
    DaemonJson(Box<RawValue>),
    /// The place of a transaction in its block.
    Merkle {
        /// Height of the block.
        height: Height,
        /// The hashes it is paired with, deepest first.
        branch: Vec<Hash>,
        /// Its position in the block.
        pos: u32,
    },
    /// A txid.
    Txid(Txid),
    /// A txid and its place in its block.
    TxidProof {
        /// The txid.
        txid: Txid,
        /// The hashes it is paired with, deepest first.
        branch: Vec<Hash>,
    },
    /// What became of a package.
    PackageResult(PackageResult),
    /// Fee rates in sat/vB, strictly descending, with the virtual size that pays at least it and
    /// less than the one before.
    FeeHistogram(Vec<(f64, u64)>),
    /// The fee limits of the node's mempool.
    MempoolInfo(MempoolInfo),
}

impl Answer {
    /// Estimates how long it is when it is written, to tell long ones from others. Units: bytes.
    #[must_use]
    pub fn rough_len(&self) -> usize {
        match self {
            Self::History { confirmed, mempool } => 99 * (confirmed.len() + mempool.len()),
            Self::Mempool(entries) => 110 * entries.len(),
            Self::Unspent(unspent) => 130 * unspent.len(),
            Self::Headers { headers, .. } => headers.iter().map(|header| 2 * header.len()).sum(),
            Self::TransactionHex(raw) => 2 * raw.len(),
            Self::DaemonJson(json) => json.get().len(),
            Self::Text(text) => text.len(),
            _ => 256,
        }
    }

    /// Passes on a value of the node.
    #[must_use]
    pub fn daemon_value(value: &Value) -> Self {
        to_raw_value(value).map_or(Self::Null, Self::DaemonJson)
    }

    /// Adds to a transaction that the node has decoded what it says of one that it finds itself.
    ///
    /// Shape: as the node's `getrawtransaction` has it.
    #[must_use]
    pub fn explained_transaction(mut decoded: Value, raw: &[u8], block: &BlockOfTx) -> Self {
        if let Some(fields) = decoded.as_object_mut() {
            fields.insert("hex".to_owned(), hex::encode(raw).into());
            fields.insert("blockhash".to_owned(), block.hash.to_string().into());
            fields.insert("confirmations".to_owned(), block.confirmations.into());
            if let Some(time) = block.time {
                fields.insert("time".to_owned(), time.into());
                fields.insert("blocktime".to_owned(), time.into());
            }
        }
        Self::daemon_value(&decoded)
    }

    /// Sums up what the node's `submitpackage` returned.
    ///
    /// Shape: `{"package_msg": "success", "tx-results": {wtxid: {"txid", "error"?}}}`; before
    /// Bitcoin Core 27 there is no `package_msg`, and a result at all means success.
    #[must_use]
    pub fn package_result(value: &Value) -> Self {
        let errors: Vec<_> = value
            .get("tx-results")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|results| results.values())
            .filter_map(package_error)
            .collect();
        let message = value.get("package_msg").and_then(Value::as_str);
        let success = message.map_or(errors.is_empty(), |message| message == "success");
        Self::PackageResult(PackageResult { success, errors })
    }
}

fn package_error(result: &Value) -> Option<PackageError> {
    let error = result.get("error")?.as_str()?.to_owned();
    let txid = result.get("txid").and_then(Value::as_str)?.parse().ok()?;
    Some(PackageError { txid, error })
}

/// The block that a transaction is in, as far as it is told with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockOfTx {
    /// Its hash.
    pub hash: BlockHash,
    /// When it was made, by its header. Units: seconds since 1970.
    pub time: Option<u32>,
    /// How many blocks there are from it to the tip.
    pub confirmations: u32,
}

/// What a server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    /// Where it is reachable.
    pub hosts: Vec<Host>,
    /// Name and version of the server.
    pub server_version: String,
    /// Lowest protocol version.
    pub protocol_min: ProtocolVersion,
    /// Highest protocol version.
    pub protocol_max: ProtocolVersion,
    /// Which chain it serves.
    pub genesis_hash: BlockHash,
    /// Its listeners as it announces them, such as `tcp://example.org:50001`.
    pub services: Vec<String>,
}

/// Another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub ip: String,
    /// Its name.
    pub host: String,
    /// What it offers, such as `v1.6` or `s50002`.
    pub details: Vec<String>,
}

/// An unconfirmed transaction of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolEntry {
    /// Its name.
    pub txid: Txid,
    /// What it builds on.
    pub height: MempoolHeight,
    /// What it pays.
    pub fee: Sats,
}

/// The height that stands for a place in the mempool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MempoolHeight {
    /// 0: every input spends a confirmed output.
    AllConfirmed,
    /// −1: some input spends an output of the mempool.
    UnconfirmedInputs,
}

impl MempoolHeight {
    /// Gives the number as text.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::AllConfirmed => "0",
            Self::UnconfirmedInputs => "-1",
        }
    }
}

/// An unspent output of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unspent {
    /// Its transaction.
    pub txid: Txid,
    /// Its position there.
    pub vout: u32,
    /// Height of its block, 0 in the mempool.
    pub height: Height,
    /// Its amount.
    pub value: Sats,
}

/// What became of a package of transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageResult {
    /// Whether the mempool has all of it now.
    pub success: bool,
    /// What kept single transactions out.
    pub errors: Vec<PackageError>,
}

/// Why the node kept a transaction of a package out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageError {
    /// Which transaction.
    pub txid: Txid,
    /// What the node said.
    pub error: String,
}

/// The fee limits of the node's mempool, in coins per kvB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MempoolInfo {
    /// What a transaction must pay to get in now.
    pub mempoolminfee: f64,
    /// What a transaction must pay to be relayed at all.
    pub minrelaytxfee: f64,
    /// What a replacement must pay on top.
    pub incrementalrelayfee: f64,
}
