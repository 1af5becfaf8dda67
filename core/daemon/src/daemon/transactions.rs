//! Transactions: those in the mempool, single ones, and sending them.

use electrode_coin::{BlockHash, Txid};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::Daemon;
use crate::{
    DaemonError,
    error::RPC_INVALID_ADDRESS_OR_KEY,
    rpc::{FromText, HexBytes},
};

/// Transactions asked for in one batch: enough to make the round trip cheap, few enough for the
/// answer to stay small even when all are as large as the mempool allows.
const BATCH_LEN: usize = 200;

/// Asks for the bytes of a transaction; a number, because old nodes know no other form.
const HEX: u8 = 0;

/// Asks for a transaction as the node explains it.
const EXPLAINED: u8 = 1;

/// What the node says of its optional indexes.
#[derive(Deserialize)]
struct Indexes {
    txindex: Option<IndexState>,
}

#[derive(Deserialize)]
struct IndexState {
    synced: bool,
}

impl Daemon {
    /// Asks which transactions are in the mempool. Waits for a node to answer.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn mempool_txids(&self) -> Result<Vec<Txid>, DaemonError> {
        let txids: Vec<FromText<Txid>> = self.call("getrawmempool", json!([])).await?;
        Ok(txids.into_iter().map(|FromText(txid)| txid).collect())
    }

    /// Asks for the bytes of mempool transactions, in the order of `txids`: `None` for those the
    /// node no longer has. Waits for a node to answer.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn raw_transactions(
        &self,
        txids: &[Txid],
    ) -> Result<Vec<Option<Vec<u8>>>, DaemonError> {
        let mut transactions = Vec::new();
        for txids in txids.chunks(BATCH_LEN) {
            let params: Vec<_> = txids.iter().map(|txid| request(txid, HEX, None)).collect();
            for result in self.batch("getrawtransaction", &params).await? {
                transactions.push(match result {
                    Ok(FromText(HexBytes(bytes))) => Some(bytes),
                    Err(failure) => failure.unless_missing().map(|()| None)?,
                });
            }
        }
        Ok(transactions)
    }

    /// Asks once for the bytes of a transaction. With the hash of its block the node needs no
    /// transaction index; where it has one it is not told, because it would read the whole block.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn raw_transaction(
        &self,
        txid: &Txid,
        block: Option<&BlockHash>,
    ) -> Result<Vec<u8>, DaemonError> {
        if block.is_some() && self.has_txindex().await {
            match self.raw_by(request(txid, HEX, None)).await {
                // Another node may be asked by now, or the index is behind.
                Err(DaemonError::Rpc { code, .. }) if code == RPC_INVALID_ADDRESS_OR_KEY => {}
                answered => return answered,
            }
        }
        self.raw_by(request(txid, HEX, block)).await
    }

    async fn raw_by(&self, params: Value) -> Result<Vec<u8>, DaemonError> {
        let FromText(HexBytes(bytes)) = self.call_once("getrawtransaction", params).await?;
        Ok(bytes)
    }

    /// Tells whether the node has an index of all transactions, as it was when first asked.
    async fn has_txindex(&self) -> bool {
        let ask = || async {
            let indexes: Result<Indexes, _> = self.call_once("getindexinfo", json!([])).await;
            match indexes {
                Ok(Indexes { txindex }) => Ok(txindex.is_some_and(|index| index.synced)),
                // Nodes before 0.21 do not tell.
                Err(DaemonError::Rpc { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        };
        let known = self.shared.has_txindex.get_or_try_init(ask).await;
        known.is_ok_and(|has_txindex| *has_txindex)
    }

    /// Asks once for a transaction as the node explains it; its JSON is handed on verbatim.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn verbose_transaction(
        &self,
        txid: &Txid,
        block: Option<&BlockHash>,
    ) -> Result<Box<RawValue>, DaemonError> {
        let params = request(txid, EXPLAINED, block);
        self.call_once("getrawtransaction", params).await
    }

    /// Hands a transaction to the network, asking once.
    ///
    /// # Errors
    /// As [`Self::call_once`]; the node's reason to reject it is a [`DaemonError::Rpc`].
    pub async fn broadcast(&self, raw_hex: &str) -> Result<Txid, DaemonError> {
        let FromText(txid) = self
            .call_once("sendrawtransaction", json!([raw_hex]))
            .await?;
        Ok(txid)
    }

    /// Hands transactions that only pass together to the network, parents first, asking once.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn submit_package(&self, raws_hex: &[String]) -> Result<Value, DaemonError> {
        self.call_once("submitpackage", json!([raws_hex])).await
    }
}

fn request(txid: &Txid, form: u8, block: Option<&BlockHash>) -> Value {
    match block {
        Some(block) => json!([txid.to_string(), form, block.to_string()]),
        None => json!([txid.to_string(), form]),
    }
}
