//! The method table: which methods each protocol version has, and what they take.

use crate::{
    Call, Params, ProtocolVersion, RpcError,
    arguments::{Arguments, Extra, Parameter},
};

/// One method, over a range of protocol versions.
struct Method {
    name: &'static str,
    /// First version that has it.
    since: ProtocolVersion,
    /// First version that lacks it again.
    until: Option<ProtocolVersion>,
    /// What it takes, in order.
    parameters: &'static [Parameter],
    extra: Extra,
    decode: fn(&Arguments<'_>) -> Result<Call, RpcError>,
}

impl Method {
    const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        decode: fn(&Arguments<'_>) -> Result<Call, RpcError>,
    ) -> Self {
        let since = ProtocolVersion::V1_4;
        Self {
            name,
            since,
            until: None,
            parameters,
            extra: Extra::Refused,
            decode,
        }
    }

    const fn since(self, since: ProtocolVersion) -> Self {
        Self { since, ..self }
    }

    const fn until(self, until: ProtocolVersion) -> Self {
        Self {
            until: Some(until),
            ..self
        }
    }

    const fn ignoring_extra_arguments(self) -> Self {
        Self {
            extra: Extra::Ignored,
            ..self
        }
    }

    fn is_in(&self, version: ProtocolVersion) -> bool {
        self.since <= version && self.until.is_none_or(|until| version < until)
    }
}

const NONE: &[Parameter] = &[];
const SCRIPT_HASH: &[Parameter] = &[Parameter::required("scripthash")];
const CP_HEIGHT: Parameter = Parameter::optional("cp_height", "0");

/// Every method. Source: the Electrum protocol's "Protocol Methods" and "Removed Methods".
static METHODS: &[Method] = &[
    Method::new(
        "server.version",
        &[
            Parameter::optional("client_name", "\"\""),
            Parameter::optional("protocol_version", "null"),
        ],
        |args| {
            let client_name = args.get(0).client_name();
            Ok(Call::ServerVersion {
                client_name,
                requested: args.get(1).requested_version(),
            })
        },
    )
    .ignoring_extra_arguments(),
    Method::new("server.banner", NONE, |_| Ok(Call::Banner)),
    Method::new("server.donation_address", NONE, |_| {
        Ok(Call::DonationAddress)
    }),
    Method::new("server.features", NONE, |_| Ok(Call::Features)),
    Method::new(
        "server.add_peer",
        &[Parameter::required("features")],
        |args| {
            Ok(Call::AddPeer {
                hosts: args.get(0).hosts(),
            })
        },
    ),
    Method::new("server.peers.subscribe", NONE, |_| Ok(Call::PeersSubscribe)),
    Method::new("server.ping", NONE, |_| Ok(Call::Ping)),
    Method::new(
        "blockchain.block.header",
        &[Parameter::required("height"), CP_HEIGHT],
        |args| {
            let (height, cp_height) = (args.get(0).height()?, args.get(1).height()?);
            Ok(Call::BlockHeader { height, cp_height })
        },
    ),
    Method::new(
        "blockchain.block.headers",
        &[
            Parameter::required("start_height"),
            Parameter::required("count"),
            CP_HEIGHT,
        ],
        |args| {
            let (start, count) = (args.get(0).height()?, args.get(1).number()?);
            Ok(Call::BlockHeaders {
                start,
                count,
                cp_height: args.get(2).height()?,
            })
        },
    ),
    Method::new("blockchain.headers.subscribe", NONE, |_| {
        Ok(Call::HeadersSubscribe)
    }),
    Method::new("blockchain.scripthash.get_balance", SCRIPT_HASH, |args| {
        args.get(0).script_hash().map(Call::GetBalance)
    }),
    Method::new("blockchain.scripthash.get_history", SCRIPT_HASH, |args| {
        args.get(0).script_hash().map(Call::GetHistory)
    }),
    Method::new("blockchain.scripthash.get_mempool", SCRIPT_HASH, |args| {
        args.get(0).script_hash().map(Call::GetMempool)
    }),
    Method::new("blockchain.scripthash.listunspent", SCRIPT_HASH, |args| {
        args.get(0).script_hash().map(Call::ListUnspent)
    }),
    Method::new("blockchain.scripthash.subscribe", SCRIPT_HASH, |args| {
        let (script, spelling) = args.get(0).spelled_script_hash()?;
        Ok(Call::Subscribe { script, spelling })
    }),
    Method::new("blockchain.scripthash.unsubscribe", SCRIPT_HASH, |args| {
        args.get(0).script_hash().map(Call::Unsubscribe)
    })
    .since(ProtocolVersion::V1_4_2),
    Method::new(
        "blockchain.transaction.get",
        &[
            Parameter::required("tx_hash"),
            Parameter::optional("verbose", "false"),
        ],
        |args| {
            let (txid, verbose) = (args.get(0).txid()?, args.get(1).boolean()?);
            Ok(Call::TransactionGet { txid, verbose })
        },
    ),
    Method::new(
        "blockchain.transaction.get_merkle",
        &[
            Parameter::required("tx_hash"),
            Parameter::required("height"),
        ],
        |args| {
            Ok(Call::GetMerkle {
                txid: args.get(0).txid()?,
                height: args.get(1).height()?,
            })
        },
    ),
    Method::new(
        "blockchain.transaction.id_from_pos",
        &[
            Parameter::required("height"),
            Parameter::required("tx_pos"),
            Parameter::optional("merkle", "false"),
        ],
        |args| {
            let (height, tx_pos) = (args.get(0).height()?, args.get(1).number()?);
            Ok(Call::IdFromPos {
                height,
                tx_pos,
                merkle: args.get(2).boolean()?,
            })
        },
    ),
    Method::new(
        "blockchain.transaction.broadcast",
        &[Parameter::required("raw_tx")],
        |args| {
            Ok(Call::Broadcast {
                raw: args.get(0).hex()?,
            })
        },
    ),
    Method::new(
        "blockchain.transaction.broadcast_package",
        &[
            Parameter::required("raw_txs"),
            Parameter::optional("verbose", "false"),
        ],
        |args| {
            let (raws, verbose) = (args.get(0).package()?, args.get(1).boolean()?);
            Ok(Call::BroadcastPackage { raws, verbose })
        },
    )
    .since(ProtocolVersion::V1_6),
    Method::new(
        "blockchain.estimatefee",
        &[
            Parameter::required("number"),
            Parameter::optional("mode", "null"),
        ],
        |args| {
            let (blocks, mode) = (args.get(0).number()?, args.get(1).fee_mode()?);
            Ok(Call::EstimateFee { blocks, mode })
        },
    ),
    Method::new("blockchain.relayfee", NONE, |_| Ok(Call::RelayFee)).until(ProtocolVersion::V1_6),
    Method::new("mempool.get_fee_histogram", NONE, |_| {
        Ok(Call::FeeHistogram)
    }),
    Method::new("mempool.get_info", NONE, |_| Ok(Call::MempoolInfo)).since(ProtocolVersion::V1_6),
];

/// Reads a request as `version` understands it.
///
/// # Errors
/// The version has no such method, or the arguments are wrong.
pub(crate) fn decode(
    version: ProtocolVersion,
    name: &str,
    params: &Params,
) -> Result<Call, RpcError> {
    let method = METHODS
        .iter()
        .find(|method| method.name == name && method.is_in(version))
        .ok_or_else(|| RpcError::unknown_method(name))?;
    let arguments = Arguments::read(method.name, method.parameters, method.extra, params)?;
    (method.decode)(&arguments)
}

#[cfg(test)]
mod tests;
