//! What the node knows of the chain.

use electrode_coin::{BlockHash, Height};
use serde::Deserialize;
use serde_json::json;

use super::Daemon;
use crate::{DaemonError, error::RPC_INVALID_PARAMETER, rpc::FromText};

/// The node's best block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaemonTip {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
}

#[derive(Deserialize)]
struct BlockchainInfo {
    blocks: u32,
    bestblockhash: FromText<BlockHash>,
}

impl Daemon {
    /// Asks for the best block; height and hash are of one instant. Waits for a node to answer.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn tip(&self) -> Result<DaemonTip, DaemonError> {
        let info: BlockchainInfo = self.call("getblockchaininfo", json!([])).await?;
        Ok(DaemonTip {
            height: Height(info.blocks),
            hash: info.bestblockhash.0,
        })
    }

    /// Asks for the hashes of `count` blocks of the best chain, `from` being the first: fewer if
    /// the chain ends before. Waits for a node to answer.
    ///
    /// Cost: one batch, for which the node takes its lock `count` times.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn block_hashes(
        &self,
        from: Height,
        count: u32,
    ) -> Result<Vec<BlockHash>, DaemonError> {
        let heights = from.0..from.0.saturating_add(count);
        let params: Vec<_> = heights.map(|height| json!([height])).collect();
        let mut hashes = Vec::new();
        for hash in self.batch("getblockhash", &params).await? {
            match hash {
                Ok(FromText(hash)) => hashes.push(hash),
                Err(failure) if failure.code == RPC_INVALID_PARAMETER => break,
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(hashes)
    }
}
