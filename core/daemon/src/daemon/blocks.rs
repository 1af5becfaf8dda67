//! Blocks by JSON-RPC, which every node has.

use bytes::Bytes;
use electrode_coin::BlockHash;
use serde_json::{Value, json};

use super::{Daemon, exchange::Patience};
use crate::{
    DaemonError,
    rpc::{FromText, HexBytes},
};

impl Daemon {
    /// Asks for a block. Waits for a node to answer.
    ///
    /// # Errors
    /// As [`Self::call`]: above all, the node does not have the block.
    pub async fn block(&self, hash: &BlockHash) -> Result<Bytes, DaemonError> {
        self.block_with(Patience::Endless, hash).await
    }

    /// Asks once for a block.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn block_once(&self, hash: &BlockHash) -> Result<Bytes, DaemonError> {
        self.block_with(Patience::Brief, hash).await
    }

    /// `verbose` was a boolean before Bitcoin Core 0.15 and may be one since; where it may not, it
    /// is a number.
    async fn block_with(&self, patience: Patience, hash: &BlockHash) -> Result<Bytes, DaemonError> {
        let node = self.node();
        let habit = &node.habits.numbers_verbosity;
        let (usual, other) = match habit.is_seen() {
            false => (json!(false), json!(0)),
            true => (json!(0), json!(false)),
        };
        let refused = match self.get_block(patience, hash, usual).await {
            Err(error) if error.is_about_parameters() => error,
            answered => return answered,
        };
        let is_number = other.is_number();
        match self.get_block(patience, hash, other).await {
            // It is not about the parameters: the node is without the block, say.
            Err(DaemonError::Rpc { .. }) => Err(refused),
            answered => {
                if answered.is_ok() {
                    habit.note(is_number);
                }
                answered
            }
        }
    }

    async fn get_block(
        &self,
        patience: Patience,
        hash: &BlockHash,
        verbose: Value,
    ) -> Result<Bytes, DaemonError> {
        let params = json!([hash.to_string(), verbose]);
        let FromText(HexBytes(block)) = self.request(patience, "getblock", &params).await?;
        Ok(block.into())
    }
}
