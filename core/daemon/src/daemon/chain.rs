//! What the node knows of the chain.

use electrode_coin::{BlockHash, Height};
use serde::Deserialize;
use serde_json::json;

use super::Daemon;
use crate::{
    DaemonError,
    error::{RPC_INVALID_PARAMETER, RPC_METHOD_NOT_FOUND},
    rpc::FromText,
};

/// What Bitcoin Core and its descendants call a chain of one's own, whose tip may be of any age.
const REGTEST: &str = "regtest";

/// How many blocks a node may know of by their headers alone while it is not said to download: a
/// block arrives a moment after its header.
const HEADERS_AHEAD: u32 = 1;

/// Blocks behind one that the node has invalidated among which ours is looked for.
const INVALID_BLOCKS: u32 = 100;

/// The node's best block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaemonTip {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
}

/// What the node says of its chain, all of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaemonChain {
    /// Its best block.
    pub tip: DaemonTip,
    /// Height of the best header that it knows.
    pub headers: Height,
    /// Whether it says of itself that it is downloading the chain.
    pub is_initial_download: bool,
    /// The first block that it has, if it deletes old ones.
    pub pruned_to: Option<Height>,
}

impl DaemonChain {
    /// Gives the height that the node is on its way to, while it downloads the chain.
    #[must_use]
    pub fn download_target(&self) -> Option<Height> {
        let knows_more = self.headers.0.saturating_sub(self.tip.height.0) > HEADERS_AHEAD;
        (self.is_initial_download || knows_more).then_some(self.headers)
    }
}

/// Shape: as Bitcoin Core has it; nodes before 0.16 lack `initialblockdownload`, those that do not
/// prune lack `pruneheight`.
#[derive(Deserialize)]
struct BlockchainInfo {
    chain: String,
    blocks: u32,
    headers: Option<u32>,
    bestblockhash: FromText<BlockHash>,
    #[serde(default)]
    initialblockdownload: bool,
    #[serde(default)]
    pruned: bool,
    #[serde(default)]
    pruneheight: u32,
}

#[derive(Deserialize)]
struct ChainTip {
    height: u32,
    hash: FromText<BlockHash>,
    branchlen: u32,
    status: String,
}

#[derive(Deserialize)]
struct BlockHeader {
    previousblockhash: Option<FromText<BlockHash>>,
}

#[derive(Deserialize)]
struct ChainStates {
    chainstates: Vec<ChainState>,
}

#[derive(Deserialize)]
struct ChainState {
    blocks: u32,
    snapshot_blockhash: Option<String>,
}

impl Daemon {
    /// Asks for the state of the chain. Waits for a node to answer.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn chain(&self) -> Result<DaemonChain, DaemonError> {
        let info: BlockchainInfo = self.call("getblockchaininfo", json!([])).await?;
        Ok(DaemonChain {
            tip: DaemonTip {
                height: Height(info.blocks),
                hash: info.bestblockhash.0,
            },
            headers: Height(info.headers.unwrap_or(info.blocks)),
            // On a chain of its own a node says so of every tip that is a day old.
            is_initial_download: info.initialblockdownload && info.chain != REGTEST,
            pruned_to: info.pruned.then_some(Height(info.pruneheight)),
        })
    }

    /// Asks for the best block; height and hash are of one instant. Waits for a node to answer.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn tip(&self) -> Result<DaemonTip, DaemonError> {
        Ok(self.chain().await?.tip)
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

    /// Tells whether the node holds a block for invalid, because it is told so by its operator or
    /// by its rules. Waits for a node to answer.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn has_invalidated(&self, block: DaemonTip) -> Result<bool, DaemonError> {
        let tips: Vec<ChainTip> = self.call("getchaintips", json!([])).await?;
        for tip in tips.iter().filter(|tip| tip.status == "invalid") {
            let Some(behind) = tip.height.checked_sub(block.height.0) else {
                continue;
            };
            let is_of_branch = behind < tip.branchlen;
            if is_of_branch && self.ancestor(tip.hash.0, behind).await? == Some(block.hash) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Finds the block so many blocks before another one, if it is near.
    async fn ancestor(
        &self,
        mut hash: BlockHash,
        count: u32,
    ) -> Result<Option<BlockHash>, DaemonError> {
        if count > INVALID_BLOCKS {
            return Ok(None);
        }
        for _ in 0..count {
            let params = json!([hash.to_string()]);
            let header = self.call::<BlockHeader>("getblockheader", params).await;
            match header {
                Ok(header) => match header.previousblockhash {
                    Some(FromText(previous)) => hash = previous,
                    None => return Ok(None),
                },
                // Nodes before 0.12 have no headers to ask for.
                Err(error) if error.has_code(RPC_METHOD_NOT_FOUND) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(hash))
    }

    /// Gives the last block that the node has checked of what lies before the snapshot of the
    /// chain that it was started from (assumeutxo); `None` if it has checked everything. Waits
    /// for a node to answer.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn background_height(&self) -> Result<Option<Height>, DaemonError> {
        let states: ChainStates = match self.call("getchainstates", json!([])).await {
            Ok(states) => states,
            // Nodes before 26 know no snapshots.
            Err(error) if error.has_code(RPC_METHOD_NOT_FOUND) => return Ok(None),
            Err(error) => return Err(error),
        };
        let [first, second] = states.chainstates.as_slice() else {
            return Ok(None);
        };
        let background = match first.snapshot_blockhash {
            None => first,
            Some(_) => second,
        };
        Ok(Some(Height(background.blocks)))
    }
}
