//! Single transactions, and sending them.

use electrode_coin::{BlockHash, Txid};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::Daemon;
use crate::{
    DaemonError,
    error::RPC_INVALID_ADDRESS_OR_KEY,
    hex,
    rpc::{FromText, HexBytes},
};

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
    /// Asks once for the bytes of a transaction in the mempool.
    ///
    /// # Errors
    /// As [`Self::call_once`]; the node does not have it.
    pub async fn raw_transaction(&self, txid: &Txid) -> Result<Vec<u8>, DaemonError> {
        let FromText(HexBytes(raw)) = self.get_transaction(hex_of(txid)).await?;
        Ok(raw)
    }

    /// Asks once for the bytes of a transaction of a block; `None` if the node cannot find it by
    /// its name: before 0.16 it takes an index for that.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn confirmed_transaction(
        &self,
        txid: &Txid,
        block: &BlockHash,
    ) -> Result<Option<Vec<u8>>, DaemonError> {
        let raw = self.find(txid, HEX, block).await?;
        Ok(raw.map(|FromText(HexBytes(raw))| raw))
    }

    /// Asks once for a transaction of the mempool as the node explains it; its JSON is handed on
    /// verbatim.
    ///
    /// # Errors
    /// As [`Self::call_once`]; the node does not have it.
    pub async fn verbose_transaction(&self, txid: &Txid) -> Result<Box<RawValue>, DaemonError> {
        self.get_transaction(json!([txid.to_string(), EXPLAINED]))
            .await
    }

    /// Asks once for a transaction of a block as the node explains it, as
    /// [`Self::confirmed_transaction`] does.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn verbose_confirmed_transaction(
        &self,
        txid: &Txid,
        block: &BlockHash,
    ) -> Result<Option<Box<RawValue>>, DaemonError> {
        self.find(txid, EXPLAINED, block).await
    }

    /// Has the node explain the bytes of a transaction, wherever it stands.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn decode_transaction(&self, raw: &[u8]) -> Result<Value, DaemonError> {
        self.call_once("decoderawtransaction", json!([hex::encode(raw)]))
            .await
    }

    /// Hands a transaction to the network, asking once.
    ///
    /// # Errors
    /// As [`Self::call_once`]; the node's reason to reject it is a
    /// [verdict](DaemonError::is_verdict).
    pub async fn broadcast(&self, raw_hex: &str) -> Result<Txid, DaemonError> {
        let FromText(txid) = self.command("sendrawtransaction", json!([raw_hex])).await?;
        Ok(txid)
    }

    /// Hands transactions that only pass together to the network, parents first, asking once.
    ///
    /// # Errors
    /// As [`Self::call_once`].
    pub async fn submit_package(&self, raws_hex: &[String]) -> Result<Value, DaemonError> {
        self.command("submitpackage", json!([raws_hex])).await
    }

    /// Finds a transaction by its index where the node has one: told the block, it would read all
    /// of that.
    async fn find<T>(
        &self,
        txid: &Txid,
        form: u8,
        block: &BlockHash,
    ) -> Result<Option<T>, DaemonError>
    where
        T: for<'de> Deserialize<'de> + Send + 'static,
    {
        let node = self.node();
        let by_name = json!([txid.to_string(), form]);
        let has_txindex = self.has_txindex().await;
        if !has_txindex && !node.habits.ignores_block_of_tx.is_seen() {
            let by_block = json!([txid.to_string(), form, block.to_string()]);
            match self.get_transaction(by_block).await {
                Err(error) if tells_its_usage(&error) => node.habits.ignores_block_of_tx.note(true),
                answered => return answered.map(Some),
            }
        }
        match self.get_transaction(by_name).await {
            // Another node may be asked by now, or the index is behind.
            Err(error) if has_txindex && error.has_code(RPC_INVALID_ADDRESS_OR_KEY) => {
                let by_block = json!([txid.to_string(), form, block.to_string()]);
                self.get_transaction(by_block).await.map(Some)
            }
            Err(error) if error.has_code(RPC_INVALID_ADDRESS_OR_KEY) => Ok(None),
            answered => answered.map(Some),
        }
    }

    async fn get_transaction<T>(&self, params: Value) -> Result<T, DaemonError>
    where
        T: for<'de> Deserialize<'de> + Send + 'static,
    {
        self.call_once("getrawtransaction", params).await
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
        let node = self.node();
        let known = node.habits.has_txindex.get_or_try_init(ask).await;
        known.is_ok_and(|has_txindex| *has_txindex)
    }
}

/// Gives the parameters that ask for the bytes of a transaction by its name alone.
pub(super) fn hex_of(txid: &Txid) -> Value {
    json!([txid.to_string(), HEX])
}

/// Tells whether the node takes the number of parameters for wrong: it answers with its help.
fn tells_its_usage(error: &DaemonError) -> bool {
    error
        .rpc()
        .is_some_and(|(_, message)| message.trim_start().starts_with("getrawtransaction"))
}
