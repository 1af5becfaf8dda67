//! Headers, and places of transactions in blocks.

use std::ops::Range;

use electrode_coin::{Height, TxNum, Txid};
use electrode_index::Tip;
use electrode_protocol::{
    Answer, Dialect, ProtocolVersion, RpcError,
    merkle::{Hash, Proof},
};

use super::{Fault, Found, Read};
use crate::{
    Service, Snapshot,
    costs::{Extra, Origin},
};

/// Headers in one answer: those of one difficulty period of Bitcoin.
const MAX_HEADERS: u32 = 2016;

/// `blockchain.headers.subscribe`, the part that answers.
pub(super) fn tip(_: &Service, snapshot: &Snapshot, _: usize) -> Result<Found, Fault> {
    let Tip { height, .. } = snapshot.tip();
    let header = snapshot.tip_header().to_vec();
    Ok(Answer::Tip { header, height }.into())
}

/// `blockchain.block.header`.
pub(super) fn header(height: Height, cp_height: Height, dialect: Dialect) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, _| {
        let proof = prove_header(service, snapshot, height, cp_height)?;
        let header = snapshot.index.headers(height, 1)?.bytes;
        if header.is_empty() {
            return Err(RpcError::height_out_of_range(height).into());
        }
        Ok(match proof {
            None => Answer::Header { header }.into(),
            Some(proof) => Found {
                answer: Answer::HeaderProof {
                    header: proven(service, dialect, height, header),
                    proof,
                },
                cost: service.limits().costs.prices.of(Extra::HeaderProof),
            },
        })
    }
}

/// `blockchain.block.headers`: the proof is for the last header.
pub(super) fn headers(start: Height, count: u32, cp_height: Height, dialect: Dialect) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, _| {
        let read = snapshot.index.headers(start, count.min(MAX_HEADERS))?;
        let mut headers: Vec<_> = read.iter().map(<[u8]>::to_vec).collect();
        let last = (start.0..)
            .zip(&headers)
            .last()
            .map(|(height, _)| Height(height));
        let proof = match last {
            Some(last) => prove_header(service, snapshot, last, cp_height)?,
            None => None,
        };
        let limits = service.limits();
        let prices = &limits.costs.prices;
        let mut cost = prices.headers(headers.len());
        if proof.is_some() {
            cost += prices.of(Extra::HeaderProof);
            let heights = (start.0..).map(Height);
            let cut = heights.zip(headers);
            headers = cut
                .map(|(height, header)| proven(service, dialect, height, header))
                .collect();
        }
        let answer = Answer::Headers {
            headers,
            max: MAX_HEADERS,
            proof,
        };
        Ok(Found { answer, cost })
    }
}

/// `blockchain.transaction.get_merkle`.
pub(super) fn merkle(txid: Txid, height: Height) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, _| {
        let tx_nums = tx_nums(snapshot, height)?;
        let found = snapshot.index.find_in(&txid, &tx_nums)?;
        let tx_num = found.ok_or_else(|| RpcError::not_in_block(&txid, height))?;
        let position = tx_num.0 - tx_nums.start.0;
        let (branch, cost) = branch(service, snapshot, height, position)?;
        let answer = Answer::Merkle {
            height,
            branch,
            // A block has fewer transactions than bytes, and fewer bytes than 2^32.
            pos: u32::try_from(position).unwrap_or(u32::MAX),
        };
        Ok(Found { answer, cost })
    }
}

/// `blockchain.transaction.id_from_pos`.
pub(super) fn id_from_pos(height: Height, tx_pos: u32, merkle: bool) -> impl Read {
    move |service: &Service, snapshot: &Snapshot, _| {
        let tx_nums = tx_nums(snapshot, height)?;
        let position = u64::from(tx_pos);
        let tx_num = TxNum(tx_nums.start.0.saturating_add(position));
        let is_there = tx_num < tx_nums.end;
        let read = is_there.then(|| snapshot.index.txids(tx_num..TxNum(tx_num.0 + 1)));
        let txid = read.transpose()?.and_then(|txids| txids.first().copied());
        let txid = txid.ok_or_else(|| RpcError::no_tx_at_position(tx_pos, height))?;
        if !merkle {
            let cost = service.limits().costs.prices.txids(1, Origin::Remembered);
            let answer = Answer::Txid(txid);
            return Ok(Found { answer, cost });
        }
        let (branch, cost) = branch(service, snapshot, height, position)?;
        let answer = Answer::TxidProof { txid, branch };
        Ok(Found { answer, cost })
    }
}

/// Gives the branch of a transaction, and what it cost.
fn branch(
    service: &Service,
    snapshot: &Snapshot,
    height: Height,
    position: u64,
) -> Result<(Vec<Hash>, f64), Fault> {
    let proved = service
        .proofs
        .transaction(&snapshot.index, height, position);
    let (branch, origin) = proved?;
    let tx_nums = tx_nums(snapshot, height)?;
    let txs = usize::try_from(tx_nums.end.0 - tx_nums.start.0).unwrap_or(usize::MAX);
    let limits = service.limits();
    let prices = &limits.costs.prices;
    let cost = prices.txids(txs, origin) + prices.branch(txs);
    Ok((branch.unwrap_or_default(), cost))
}

fn tx_nums(snapshot: &Snapshot, height: Height) -> Result<Range<TxNum>, Fault> {
    let tx_nums = snapshot.index.block_tx_nums(height);
    Ok(tx_nums.ok_or_else(|| RpcError::height_out_of_range(height))?)
}

/// Proves a header below a checkpoint; a checkpoint of 0 asks for no proof.
fn prove_header(
    service: &Service,
    snapshot: &Snapshot,
    height: Height,
    cp_height: Height,
) -> Result<Option<Proof>, Fault> {
    if cp_height == Height(0) {
        return Ok(None);
    }
    let tip = snapshot.tip().height;
    if height > cp_height || cp_height > tip {
        return Err(RpcError::checkpoint_out_of_range(height, cp_height, tip).into());
    }
    Ok(service.proofs.header(&snapshot.index, height, cp_height)?)
}

/// Gives a header as it goes with a proof: cut to its hashed part since protocol 1.4.1.
fn proven(service: &Service, dialect: Dialect, height: Height, header: Vec<u8>) -> Vec<u8> {
    if dialect.version() < ProtocolVersion::V1_4_1 {
        return header;
    }
    service.coin.client_header(height, &header).into_owned()
}
