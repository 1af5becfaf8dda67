//! The result member of each answer.

mod server;

use electrode_coin::{Height, Txid};

use super::write::{array, decimal, hex, json, raw, reversed_hex};
use crate::{
    Answer, Dialect, MempoolEntry, MempoolInfo, PackageResult, ProtocolVersion, Status, Unspent,
    merkle::{Hash, Proof},
};

pub(super) fn encode(out: &mut Vec<u8>, answer: &Answer, dialect: Dialect) {
    match answer {
        Answer::Null => raw(out, "null"),
        Answer::Bool(value) => json(out, value),
        Answer::Text(text) => json(out, text),
        Answer::Number(value) => decimal(out, *value),
        Answer::Version { server, version } => json(out, &[server, &version.to_string()]),
        Answer::Features(features) => server::encode_features(out, features),
        Answer::Peers(peers) => server::encode_peers(out, peers),
        Answer::Header { header } => hex(out, header),
        Answer::HeaderProof { header, proof } => encode_header_proof(out, header, proof),
        Answer::Headers {
            headers,
            max,
            proof,
        } => {
            encode_headers(out, headers, dialect);
            encode_headers_end(out, *max, proof.as_ref());
        }
        Answer::Tip { header, height } => encode_tip(out, header, *height),
        Answer::Balance {
            confirmed,
            unconfirmed,
        } => {
            raw(out, r#"{"confirmed":"#);
            json(out, confirmed);
            raw(out, r#","unconfirmed":"#);
            json(out, unconfirmed);
            raw(out, "}");
        }
        Answer::History { confirmed, mempool } => encode_history(out, confirmed, mempool),
        Answer::Mempool(entries) => array(out, entries, encode_mempool_entry),
        Answer::Unspent(outputs) => array(out, outputs, encode_unspent),
        Answer::Status(status) => encode_status(out, status.as_ref()),
        Answer::TransactionHex(transaction) => hex(out, transaction),
        Answer::DaemonJson(value) => encode_daemon_json(out, value.get()),
        Answer::Merkle {
            height,
            branch,
            pos,
        } => encode_merkle(out, *height, branch, *pos),
        Answer::Txid(txid) => reversed_hex(out, &txid.0),
        Answer::TxidProof { txid, branch } => {
            raw(out, r#"{"tx_hash":"#);
            reversed_hex(out, &txid.0);
            raw(out, r#","merkle":"#);
            encode_branch(out, branch);
            raw(out, "}");
        }
        Answer::PackageResult(result) => encode_package_result(out, result),
        Answer::FeeHistogram(bins) => array(out, bins, encode_bin),
        Answer::MempoolInfo(info) => encode_mempool_info(out, info),
    }
}

pub(super) fn encode_tip(out: &mut Vec<u8>, header: &[u8], height: Height) {
    raw(out, r#"{"hex":"#);
    hex(out, header);
    raw(out, r#","height":"#);
    json(out, &height);
    raw(out, "}");
}

pub(super) fn encode_status(out: &mut Vec<u8>, status: Option<&Status>) {
    match status {
        Some(status) => hex(out, &status.0),
        None => raw(out, "null"),
    }
}

fn encode_header_proof(out: &mut Vec<u8>, header: &[u8], proof: &Proof) {
    raw(out, r#"{"header":"#);
    hex(out, header);
    encode_proof(out, proof);
    raw(out, "}");
}

/// Writes the headers and their count; up to 1.4.3 they are one string, since 1.6 a list.
fn encode_headers(out: &mut Vec<u8>, headers: &[Vec<u8>], dialect: Dialect) {
    raw(out, r#"{"count":"#);
    json(out, &headers.len());
    if dialect.version() >= ProtocolVersion::V1_6 {
        raw(out, r#","headers":"#);
        array(out, headers, |out, header| hex(out, header));
    } else {
        raw(out, r#","hex":""#);
        for header in headers {
            crate::hex::push(out, header);
        }
        raw(out, "\"");
    }
}

fn encode_headers_end(out: &mut Vec<u8>, max: u32, proof: Option<&Proof>) {
    raw(out, r#","max":"#);
    json(out, &max);
    if let Some(proof) = proof {
        encode_proof(out, proof);
    }
    raw(out, "}");
}

fn encode_proof(out: &mut Vec<u8>, proof: &Proof) {
    raw(out, r#","branch":"#);
    encode_branch(out, &proof.branch);
    raw(out, r#","root":"#);
    reversed_hex(out, &proof.root);
}

fn encode_branch(out: &mut Vec<u8>, branch: &[Hash]) {
    array(out, branch, reversed_hex);
}

fn encode_history(out: &mut Vec<u8>, confirmed: &[(Txid, Height)], mempool: &[MempoolEntry]) {
    raw(out, "[");
    for (position, (txid, height)) in confirmed.iter().enumerate() {
        if position > 0 {
            raw(out, ",");
        }
        raw(out, r#"{"tx_hash":"#);
        reversed_hex(out, &txid.0);
        raw(out, r#","height":"#);
        json(out, height);
        raw(out, "}");
    }
    for (position, entry) in mempool.iter().enumerate() {
        if position > 0 || !confirmed.is_empty() {
            raw(out, ",");
        }
        encode_mempool_entry(out, entry);
    }
    raw(out, "]");
}

fn encode_mempool_entry(out: &mut Vec<u8>, entry: &MempoolEntry) {
    raw(out, r#"{"tx_hash":"#);
    reversed_hex(out, &entry.txid.0);
    raw(out, r#","height":"#);
    raw(out, entry.height.text());
    raw(out, r#","fee":"#);
    json(out, &entry.fee);
    raw(out, "}");
}

fn encode_unspent(out: &mut Vec<u8>, output: &Unspent) {
    raw(out, r#"{"tx_hash":"#);
    reversed_hex(out, &output.txid.0);
    raw(out, r#","tx_pos":"#);
    json(out, &output.vout);
    raw(out, r#","height":"#);
    json(out, &output.height);
    raw(out, r#","value":"#);
    json(out, &output.value);
    raw(out, "}");
}

/// Passes on what the node said. A line break, which JSON has between values only, would end the
/// line.
fn encode_daemon_json(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().map(|byte| {
        if matches!(byte, b'\n' | b'\r') {
            b' '
        } else {
            byte
        }
    }));
}

fn encode_merkle(out: &mut Vec<u8>, height: Height, branch: &[Hash], pos: u32) {
    raw(out, r#"{"block_height":"#);
    json(out, &height);
    raw(out, r#","merkle":"#);
    encode_branch(out, branch);
    raw(out, r#","pos":"#);
    json(out, &pos);
    raw(out, "}");
}

fn encode_package_result(out: &mut Vec<u8>, result: &PackageResult) {
    raw(out, r#"{"success":"#);
    json(out, &result.success);
    if !result.errors.is_empty() {
        raw(out, r#","errors":"#);
        array(out, &result.errors, |out, error| {
            raw(out, r#"{"txid":"#);
            reversed_hex(out, &error.txid.0);
            raw(out, r#","error":"#);
            json(out, &error.error);
            raw(out, "}");
        });
    }
    raw(out, "}");
}

fn encode_bin(out: &mut Vec<u8>, (feerate, vsize): &(f64, u64)) {
    raw(out, "[");
    decimal(out, *feerate);
    raw(out, ",");
    json(out, vsize);
    raw(out, "]");
}

fn encode_mempool_info(out: &mut Vec<u8>, info: &MempoolInfo) {
    raw(out, r#"{"mempoolminfee":"#);
    decimal(out, info.mempoolminfee);
    raw(out, r#","minrelaytxfee":"#);
    decimal(out, info.minrelaytxfee);
    raw(out, r#","incrementalrelayfee":"#);
    decimal(out, info.incrementalrelayfee);
    raw(out, "}");
}
