//! What the node asks of transactions, and what it is.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Daemon;
use crate::{
    DaemonError,
    error::{RPC_METHOD_NOT_FOUND, RPC_MISC_ERROR},
};

/// The feerates below which the node's mempool does not take a transaction.
///
/// Units: whole coins per 1000 virtual bytes, as the Electrum protocol has them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MempoolInfo {
    /// Feerate to enter the mempool as full as it is.
    pub mempoolminfee: f64,
    /// Feerate to enter an empty mempool.
    pub minrelaytxfee: f64,
    /// Feerate by which a replacement must exceed what it replaces.
    pub incrementalrelayfee: f64,
}

/// What the node says of itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct NetworkInfo {
    /// Version as a number; 290500 is 29.5.0.
    pub version: u64,
    /// Version as other nodes see it: `/Satoshi:29.5.0/`.
    #[serde(default)]
    pub subversion: String,
    /// Feerate to be relayed, in whole coins per 1000 virtual bytes.
    pub relayfee: f64,
    /// Feerate by which a replacement must exceed what it replaces; nodes before 0.13 tell none.
    pub incrementalfee: Option<f64>,
}

/// Nodes before 0.21 tell only some of these.
#[derive(Deserialize)]
struct PartialMempoolInfo {
    mempoolminfee: Option<f64>,
    minrelaytxfee: Option<f64>,
    incrementalrelayfee: Option<f64>,
}

#[derive(Deserialize)]
struct SmartFee {
    feerate: Option<f64>,
}

impl Daemon {
    /// Asks once for the feerate that gets a transaction into one of the next `blocks` blocks, in
    /// whole coins per 1000 virtual bytes: `None` if the node has not seen enough to tell.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn estimate_fee(
        &self,
        blocks: u32,
        mode: Option<&str>,
    ) -> Result<Option<f64>, DaemonError> {
        let without_mode = json!([blocks]);
        let estimate = match mode {
            Some(mode) => match self.smart_fee(json!([blocks, mode])).await {
                // Nodes before 0.15 know no modes.
                Err(error) if error.has_code(RPC_MISC_ERROR) => self.smart_fee(without_mode).await,
                estimate => estimate,
            },
            None => self.smart_fee(without_mode).await,
        };
        let feerate = match estimate {
            Ok(estimate) => estimate.feerate,
            Err(error) if error.has_code(RPC_METHOD_NOT_FOUND) => {
                self.call_once("estimatefee", json!([blocks])).await?
            }
            Err(error) => return Err(error),
        };
        // Old nodes say -1 when they cannot tell.
        Ok(feerate.filter(|feerate| *feerate > 0.0))
    }

    async fn smart_fee(&self, params: Value) -> Result<SmartFee, DaemonError> {
        self.call_once("estimatesmartfee", params).await
    }

    /// Asks once for the feerate to be relayed, in whole coins per 1000 virtual bytes.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn relay_fee(&self) -> Result<f64, DaemonError> {
        Ok(self.network_info().await?.relayfee)
    }

    /// Asks once for the feerates of the mempool.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn mempool_info(&self) -> Result<MempoolInfo, DaemonError> {
        let info: PartialMempoolInfo = self.call_once("getmempoolinfo", json!([])).await?;
        if let PartialMempoolInfo {
            mempoolminfee: Some(mempoolminfee),
            minrelaytxfee: Some(minrelaytxfee),
            incrementalrelayfee: Some(incrementalrelayfee),
        } = info
        {
            return Ok(MempoolInfo {
                mempoolminfee,
                minrelaytxfee,
                incrementalrelayfee,
            });
        }
        let network = self.network_info().await?;
        let minrelaytxfee = info.minrelaytxfee.unwrap_or(network.relayfee);
        let incremental = info.incrementalrelayfee.or(network.incrementalfee);
        Ok(MempoolInfo {
            mempoolminfee: info.mempoolminfee.unwrap_or(minrelaytxfee),
            minrelaytxfee,
            incrementalrelayfee: incremental.unwrap_or(minrelaytxfee),
        })
    }

    /// Asks once what the node is.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn network_info(&self) -> Result<NetworkInfo, DaemonError> {
        self.call_once("getnetworkinfo", json!([])).await
    }
}
