//! The calls of bitcoind that Electrode makes, and a few that people make by hand.

use bitcoin::{
    BlockHash, Transaction, Txid,
    consensus::encode::{deserialize_hex, serialize_hex},
};
use serde_json::{Value, json};

use electrode_coin::Height;

use super::{accept::MIN_FEE_RATE, chain::Chain, json, params::Params, rpc::RpcError};

type Answer = Result<Value, RpcError>;

/// Performs one call.
pub(super) fn call(chain: &mut Chain, method: &str, params: Params<'_>) -> Answer {
    match method {
        "getblockchaininfo" => Ok(json::chain(chain)),
        "getblockcount" => Ok(json!(chain.tip())),
        "getbestblockhash" => Ok(json!(chain.tip_block().block_hash().to_string())),
        "getblockhash" => block_hash(chain, params),
        "getblockheader" => block_header(chain, params),
        "getblock" => block(chain, params),
        "getrawmempool" => mempool(chain, params),
        "getmempoolinfo" => Ok(json::mempool_info(chain)),
        "getrawtransaction" => transaction(chain, params),
        "sendrawtransaction" => send(chain, params),
        "estimatesmartfee" => fee(chain, params),
        "getnetworkinfo" => Ok(network_info()),
        "getzmqnotifications" => Ok(json!([])),
        _ => Err(RpcError::new(-32601, "Method not found")),
    }
}

fn block_hash(chain: &Chain, params: Params<'_>) -> Answer {
    let height = params.number(0)?;
    let block = u32::try_from(height)
        .ok()
        .and_then(|height| chain.block(Height(height)));
    let block = block.ok_or_else(|| RpcError::new(-8, "Block height out of range"))?;
    Ok(json!(block.block_hash().to_string()))
}

fn block_header(chain: &Chain, params: Params<'_>) -> Answer {
    let height = find_block(chain, params, 0)?;
    match params.verbosity(1)? {
        Some(0) => Ok(json!(
            chain
                .block(height)
                .map(|block| serialize_hex(&block.header))
        )),
        _ => Ok(json::header(chain, height)),
    }
}

fn block(chain: &Chain, params: Params<'_>) -> Answer {
    let height = find_block(chain, params, 0)?;
    match params.verbosity(1)? {
        Some(0) => Ok(json!(chain.block(height).map(serialize_hex))),
        None | Some(1) => Ok(json::block(chain, height)),
        Some(_) => Err(RpcError::new(
            -8,
            "the demonstration node knows verbosity 0 and 1",
        )),
    }
}

fn find_block(chain: &Chain, params: Params<'_>, at: usize) -> Result<Height, RpcError> {
    let hash: BlockHash = params.hash(at)?;
    chain
        .height(&hash)
        .ok_or_else(|| RpcError::new(-5, "Block not found"))
}

fn mempool(chain: &Chain, params: Params<'_>) -> Answer {
    match params.verbosity(0)? {
        None | Some(0) => {
            let txids = chain
                .mempool()
                .iter()
                .map(|pending| pending.txid.to_string());
            Ok(txids.collect())
        }
        Some(_) => Err(RpcError::new(-8, "the demonstration node lists txids only")),
    }
}

fn transaction(chain: &Chain, params: Params<'_>) -> Answer {
    let txid: Txid = params.hash(0)?;
    let tx = chain.transaction(&txid).ok_or_else(|| {
        RpcError::new(
            -5,
            "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.",
        )
    })?;
    if params.get(2).is_some() {
        let height = find_block(chain, params, 2)?;
        if chain
            .place(&txid)
            .is_none_or(|place| place.height != height)
        {
            return Err(RpcError::new(
                -5,
                "No such transaction found in the provided block. Use gettransaction for wallet \
                 transactions.",
            ));
        }
    }
    match params.verbosity(1)? {
        None | Some(0) => Ok(json!(serialize_hex(tx))),
        Some(_) => Ok(json::transaction(chain, tx)),
    }
}

fn send(chain: &mut Chain, params: Params<'_>) -> Answer {
    let tx: Option<Transaction> = deserialize_hex(params.text(0)?).ok();
    let tx = tx.filter(|tx| !tx.input.is_empty()).ok_or_else(|| {
        RpcError::new(
            -22,
            "TX decode failed. Make sure the tx has at least one input.",
        )
    })?;
    Ok(json!(chain.submit(tx)?.to_string()))
}

fn fee(chain: &Chain, params: Params<'_>) -> Answer {
    let blocks = params.number(0)?;
    if !(1..=1008).contains(&blocks) {
        return Err(RpcError::new(
            -8,
            "Invalid conf_target, must be between 1 and 1008",
        ));
    }
    Ok(match chain.fee_estimate() {
        Some(rate) => json!({"feerate": json::btc_per_kvb(rate), "blocks": blocks}),
        None => json!({"errors": ["Insufficient data or no feerate found"], "blocks": blocks}),
    })
}

fn network_info() -> Value {
    let fee = json::btc_per_kvb(MIN_FEE_RATE);
    json!({
        "version": 270_000,
        "subversion": concat!("/ElectrodeDemo:", env!("CARGO_PKG_VERSION"), "/"),
        "protocolversion": 70016,
        "localrelay": true,
        "networkactive": false,
        "connections": 0,
        "networks": [],
        "relayfee": fee,
        "incrementalfee": fee,
        "localaddresses": [],
        "warnings": "a demonstration: the coins are worth nothing",
    })
}
