//! The mempool of the node.

use electrode_coin::Txid;
use serde::Deserialize;
use serde_json::json;

use super::{Daemon, transactions};
use crate::{
    DaemonError,
    error::RPC_METHOD_NOT_FOUND,
    rpc::{FromText, HexBytes},
};

/// Transactions asked for in one batch: enough to make the round trip cheap, few enough for the
/// answer to stay small even when all are as large as the mempool allows.
const BATCH_LEN: usize = 200;

/// Nodes before 0.19 do not tell.
#[derive(Deserialize)]
struct Loading {
    loaded: Option<bool>,
}

impl Daemon {
    /// Tells whether the node has read again what was in its mempool when it was stopped: until
    /// then it lists only some. Waits for a node to answer.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn has_loaded_mempool(&self) -> Result<bool, DaemonError> {
        match self.call::<Loading>("getmempoolinfo", json!([])).await {
            Ok(Loading { loaded }) => Ok(loaded.unwrap_or(true)),
            Err(error) if error.has_code(RPC_METHOD_NOT_FOUND) => Ok(true),
            Err(error) => Err(error),
        }
    }

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
        let mut raws = Vec::with_capacity(txids.len());
        for txids in txids.chunks(BATCH_LEN) {
            let params: Vec<_> = txids.iter().map(transactions::hex_of).collect();
            for result in self.batch("getrawtransaction", &params).await? {
                raws.push(match result {
                    Ok(FromText(HexBytes(bytes))) => Some(bytes),
                    Err(failure) => failure.unless_missing().map(|()| None)?,
                });
            }
        }
        Ok(raws)
    }
}
