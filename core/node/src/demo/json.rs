//! Blocks and transactions in bitcoind's JSON.

use bitcoin::{
    Address, FeeRate, Network, Script, Transaction, TxIn, TxOut, Weight,
    consensus::encode::serialize_hex,
    hex::DisplayHex as _,
    opcodes::{Class, ClassifyContext},
    script::Instruction,
};
use serde_json::{Value, json};

use electrode_coin::Height;

use super::{accept::MIN_FEE_RATE, chain::Chain};

/// Answers `waitfornewblock`.
pub(super) fn tip(chain: &Chain) -> Value {
    json!({"hash": chain.tip_block().block_hash().to_string(), "height": chain.tip()})
}

/// Answers `getblockchaininfo`.
pub(super) fn chain(chain: &Chain) -> Value {
    let header = &chain.tip_block().header;
    json!({
        "chain": "regtest",
        "blocks": chain.tip(),
        "headers": chain.tip(),
        "bestblockhash": header.block_hash().to_string(),
        "difficulty": header.difficulty_float(),
        "time": header.time,
        "mediantime": chain.median_time(chain.tip()),
        "verificationprogress": 1,
        "initialblockdownload": false,
        "chainwork": chain_work(chain.tip()),
        "pruned": false,
        "warnings": "",
    })
}

/// Answers `getblockheader`; `null` for a block that is not there.
pub(super) fn header(chain: &Chain, height: Height) -> Value {
    let Some(block) = chain.block(height) else {
        return Value::Null;
    };
    let header = &block.header;
    let hash_at = |height: Option<Height>| {
        height
            .and_then(|height| chain.block(height))
            .map(|block| block.block_hash().to_string())
    };
    json!({
        "hash": header.block_hash().to_string(),
        "confirmations": confirmations(chain, height),
        "height": height,
        "version": header.version.to_consensus(),
        "versionHex": format!("{:08x}", header.version.to_consensus()),
        "merkleroot": header.merkle_root.to_string(),
        "time": header.time,
        "mediantime": chain.median_time(height),
        "nonce": header.nonce,
        "bits": format!("{:08x}", header.bits.to_consensus()),
        "difficulty": header.difficulty_float(),
        "chainwork": chain_work(height),
        "nTx": block.txdata.len(),
        "previousblockhash": hash_at(height.prev()),
        "nextblockhash": hash_at(Some(height.next())),
    })
}

/// Answers `getblock` with verbosity 1.
pub(super) fn block(chain: &Chain, height: Height) -> Value {
    let mut answer = header(chain, height);
    if let (Some(block), Some(fields)) = (chain.block(height), answer.as_object_mut()) {
        let txids: Vec<_> = block
            .txdata
            .iter()
            .map(|tx| tx.compute_txid().to_string())
            .collect();
        let stripped: usize = block.txdata.iter().map(Transaction::base_size).sum();
        let framing = block.total_size()
            - block
                .txdata
                .iter()
                .map(Transaction::total_size)
                .sum::<usize>();
        fields.insert("size".to_owned(), json!(block.total_size()));
        fields.insert("strippedsize".to_owned(), json!(stripped + framing));
        fields.insert("weight".to_owned(), json!(block.weight().to_wu()));
        fields.insert("tx".to_owned(), json!(txids));
    }
    answer
}

/// Answers `getmempoolinfo`.
pub(super) fn mempool_info(chain: &Chain) -> Value {
    let pool = chain.mempool();
    let bytes: usize = pool.iter().map(|pending| pending.tx.vsize()).sum();
    let usage: usize = pool.iter().map(|pending| pending.tx.total_size()).sum();
    let fee = btc_per_kvb(MIN_FEE_RATE);
    json!({
        "loaded": true,
        "size": pool.len(),
        "bytes": bytes,
        "usage": usage,
        "total_fee": pool.iter().map(|pending| pending.fee).sum::<bitcoin::Amount>().to_btc(),
        "maxmempool": 300_000_000,
        "mempoolminfee": fee,
        "minrelaytxfee": fee,
        "incrementalrelayfee": fee,
        "unbroadcastcount": 0,
        "fullrbf": false,
    })
}

/// Answers `getrawtransaction` with verbosity 1.
pub(super) fn transaction(chain: &Chain, tx: &Transaction) -> Value {
    let txid = tx.compute_txid();
    let mut answer = json!({
        "txid": txid.to_string(),
        "hash": tx.compute_wtxid().to_string(),
        "version": tx.version.0,
        "size": tx.total_size(),
        "vsize": tx.vsize(),
        "weight": tx.weight().to_wu(),
        "locktime": tx.lock_time.to_consensus_u32(),
        "vin": tx.input.iter().map(|input| self::input(tx, input)).collect::<Vec<_>>(),
        "vout": tx.output.iter().enumerate().map(output).collect::<Vec<_>>(),
        "hex": serialize_hex(tx),
    });
    let place = chain
        .place(&txid)
        .and_then(|place| Some((place, chain.block(place.height)?)));
    if let (Some((place, block)), Some(fields)) = (place, answer.as_object_mut()) {
        fields.insert(
            "blockhash".to_owned(),
            json!(block.block_hash().to_string()),
        );
        fields.insert(
            "confirmations".to_owned(),
            json!(confirmations(chain, place.height)),
        );
        fields.insert("time".to_owned(), json!(block.header.time));
        fields.insert("blocktime".to_owned(), json!(block.header.time));
    }
    answer
}

/// Writes a fee rate in coins per thousand virtual bytes.
pub(super) fn btc_per_kvb(rate: FeeRate) -> f64 {
    let kilo = Weight::from_wu(4000);
    rate.fee_wu(kilo).map_or(0.0, bitcoin::Amount::to_btc)
}

fn confirmations(chain: &Chain, height: Height) -> u32 {
    chain.tip().next().0.saturating_sub(height.0)
}

/// Every block of regtest stands for two hashes.
fn chain_work(height: Height) -> String {
    format!("{:064x}", 2 * (u64::from(height.0) + 1))
}

fn input(tx: &Transaction, input: &TxIn) -> Value {
    let script = input.script_sig.to_hex_string();
    let mut answer = if tx.is_coinbase() {
        json!({"coinbase": script, "sequence": input.sequence.0})
    } else {
        json!({
            "txid": input.previous_output.txid.to_string(),
            "vout": input.previous_output.vout,
            "scriptSig": {"asm": asm(&input.script_sig), "hex": script},
            "sequence": input.sequence.0,
        })
    };
    if let Some(fields) = answer.as_object_mut().filter(|_| !input.witness.is_empty()) {
        let witness: Vec<_> = input
            .witness
            .iter()
            .map(|item| item.to_lower_hex_string())
            .collect();
        fields.insert("txinwitness".to_owned(), json!(witness));
    }
    answer
}

fn output((n, output): (usize, &TxOut)) -> Value {
    let script = &output.script_pubkey;
    let mut locked = json!({
        "asm": asm(script),
        "hex": script.to_hex_string(),
        "type": script_type(script),
    });
    let address = Address::from_script(script, Network::Regtest).ok();
    if let (Some(address), Some(fields)) = (address, locked.as_object_mut()) {
        fields.insert("address".to_owned(), json!(address.to_string()));
    }
    json!({"value": output.value.to_btc(), "n": n, "scriptPubKey": locked})
}

fn script_type(script: &Script) -> &'static str {
    type Test = fn(&Script) -> bool;
    const KINDS: &[(Test, &str)] = &[
        (Script::is_p2pkh, "pubkeyhash"),
        (Script::is_p2sh, "scripthash"),
        (Script::is_p2wpkh, "witness_v0_keyhash"),
        (Script::is_p2wsh, "witness_v0_scripthash"),
        (Script::is_p2tr, "witness_v1_taproot"),
        (Script::is_op_return, "nulldata"),
        (Script::is_p2pk, "pubkey"),
        (Script::is_multisig, "multisig"),
    ];
    let kind = KINDS.iter().find(|(is_kind, _name)| is_kind(script));
    kind.map_or("nonstandard", |(_is_kind, name)| name)
}

/// Writes a script as bitcoind does: pushes as bare digits, small numbers as numbers.
fn asm(script: &Script) -> String {
    let mut text = String::new();
    for instruction in script.instructions() {
        let word = match instruction {
            Ok(Instruction::PushBytes(bytes)) if bytes.is_empty() => "0".to_owned(),
            Ok(Instruction::PushBytes(bytes)) => bytes.as_bytes().to_lower_hex_string(),
            Ok(Instruction::Op(opcode)) => match opcode.classify(ClassifyContext::Legacy) {
                Class::PushNum(number) => number.to_string(),
                _ => opcode.to_string(),
            },
            Err(_) => "[error]".to_owned(),
        };
        let space = if text.is_empty() { "" } else { " " };
        text.push_str(space);
        text.push_str(&word);
    }
    text
}
