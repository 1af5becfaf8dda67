//! Where blocks come from: the node's files, REST, which is binary, or JSON-RPC, which every node
//! has.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use electrode_coin::{BlockHash, Height};
use hyper::StatusCode;
use tokio::time::{Instant, timeout_at};

use crate::{BlockFiles, Daemon, DaemonError};

/// How long blocks may wait for the node's files to be opened, which takes minutes where they are
/// many and the disk is slow.
const OPENING_PATIENCE: Duration = Duration::from_secs(5);

/// Gives blocks by their hash.
#[async_trait]
pub trait BlockSource: Send + Sync {
    /// Names the source, for the log.
    fn name(&self) -> &'static str;

    /// Fetches one block and the outputs that it spends; may be called many times at once. Waits
    /// for a node to answer.
    ///
    /// # Errors
    /// As [`Daemon::call`]: above all, the node does not have the block.
    async fn fetch(&self, hash: &BlockHash) -> Result<FetchedBlock, DaemonError>;

    /// Fetches one block as [`Self::fetch`] does, without the outputs that it spends.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    async fn fetch_block(&self, hash: &BlockHash) -> Result<Bytes, DaemonError>;
}

/// A block as the node gave it: foreign bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedBlock {
    /// The serialised block.
    pub block: Bytes,
    /// Body of `/rest/spenttxouts/<hash>.bin`: the outputs that the block spends, if the node
    /// gives them.
    pub spent: Option<Bytes>,
}

impl Daemon {
    /// Finds out how to get blocks, the best way first. Opens the node's block files, if the
    /// configuration names a folder, without waiting for that. Waits for a node to answer.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn block_source(&self) -> Result<Box<dyn BlockSource>, DaemonError> {
        let node = self.node_source().await?;
        if self.config().block_files.is_none() {
            return Ok(node);
        }
        let daemon = self.clone();
        tokio::spawn(async move {
            daemon.open_block_files().await;
        });
        Ok(Box::new(FilesFirst {
            daemon: self.clone(),
            node,
            patience_ends: Instant::now() + OPENING_PATIENCE,
        }))
    }

    /// Finds out how the node gives blocks, by asking for the genesis block.
    async fn node_source(&self) -> Result<Box<dyn BlockSource>, DaemonError> {
        let daemon = self.clone();
        let genesis = self.block_hashes(Height(0), 1).await?;
        let source: Box<dyn BlockSource> = match genesis.first() {
            Some(hash) if self.rest("block", hash).await.is_some() => {
                if self.rest("spenttxouts", hash).await.is_some() {
                    Box::new(RestWithSpent(daemon))
                } else {
                    Box::new(Rest(daemon))
                }
            }
            _ => Box::new(JsonRpc(daemon)),
        };
        tracing::info!(
            "blocks come from {} by {}",
            self.current_url(),
            source.name()
        );
        Ok(source)
    }

    /// Gets what REST has of a block; `None`, and a line in the log, if that fails.
    async fn rest(&self, what: &str, hash: &BlockHash) -> Option<Bytes> {
        let path = format!("/rest/{what}/{hash}.bin");
        match self.get(&path).await {
            Ok(response) if response.status == StatusCode::OK => return Some(response.body),
            Ok(response) => tracing::debug!("{path}: HTTP status {}", response.status),
            Err(error) => tracing::debug!("{path}: {error}"),
        }
        None
    }

    /// Gets a block by REST, else by JSON-RPC: the node may have changed since it was probed.
    async fn block_by_rest(&self, hash: &BlockHash) -> Result<Bytes, DaemonError> {
        match self.rest("block", hash).await {
            Some(block) => Ok(block),
            None => self.block(hash).await,
        }
    }
}

/// The files of a node, and for what they lack the node itself.
struct FilesFirst {
    daemon: Daemon,
    node: Box<dyn BlockSource>,
    /// Until then blocks wait for the files to be opened.
    patience_ends: Instant,
}

#[async_trait]
impl BlockSource for FilesFirst {
    fn name(&self) -> &'static str {
        "block files"
    }

    async fn fetch(&self, hash: &BlockHash) -> Result<FetchedBlock, DaemonError> {
        match self.read(*hash, BlockFiles::fetch).await? {
            Some(fetched) => Ok(fetched),
            None => self.node.fetch(hash).await,
        }
    }

    async fn fetch_block(&self, hash: &BlockHash) -> Result<Bytes, DaemonError> {
        match self.read(*hash, BlockFiles::block).await? {
            Some(block) => Ok(block.into()),
            None => self.node.fetch_block(hash).await,
        }
    }
}

impl FilesFirst {
    /// Reads from the files, if they are open by the time.
    async fn read<T: Send + 'static>(
        &self,
        hash: BlockHash,
        read: fn(&BlockFiles, &BlockHash) -> Option<T>,
    ) -> Result<Option<T>, DaemonError> {
        let opening = timeout_at(self.patience_ends, self.daemon.open_block_files());
        let Ok(Some(files)) = opening.await else {
            return Ok(None);
        };
        let files = Arc::clone(files);
        let read = tokio::task::spawn_blocking(move || read(&files, &hash)).await;
        read.map_err(|_runtime_stops| DaemonError::Stopped)
    }
}

struct RestWithSpent(Daemon);

#[async_trait]
impl BlockSource for RestWithSpent {
    fn name(&self) -> &'static str {
        "REST with spent outputs"
    }

    async fn fetch(&self, hash: &BlockHash) -> Result<FetchedBlock, DaemonError> {
        let Self(daemon) = self;
        let (block, spent) =
            tokio::join!(daemon.block_by_rest(hash), daemon.rest("spenttxouts", hash));
        Ok(FetchedBlock {
            block: block?,
            spent,
        })
    }

    async fn fetch_block(&self, hash: &BlockHash) -> Result<Bytes, DaemonError> {
        self.0.block_by_rest(hash).await
    }
}

struct Rest(Daemon);

#[async_trait]
impl BlockSource for Rest {
    fn name(&self) -> &'static str {
        "REST"
    }

    async fn fetch(&self, hash: &BlockHash) -> Result<FetchedBlock, DaemonError> {
        let block = self.fetch_block(hash).await?;
        Ok(FetchedBlock { block, spent: None })
    }

    async fn fetch_block(&self, hash: &BlockHash) -> Result<Bytes, DaemonError> {
        self.0.block_by_rest(hash).await
    }
}

struct JsonRpc(Daemon);

#[async_trait]
impl BlockSource for JsonRpc {
    fn name(&self) -> &'static str {
        "JSON-RPC"
    }

    async fn fetch(&self, hash: &BlockHash) -> Result<FetchedBlock, DaemonError> {
        let block = self.fetch_block(hash).await?;
        Ok(FetchedBlock { block, spent: None })
    }

    async fn fetch_block(&self, hash: &BlockHash) -> Result<Bytes, DaemonError> {
        self.0.block(hash).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        DaemonConfig,
        block_files::made::{Made, hash_of},
        testing::{Node, Received, daemon, daemon_with},
    };

    /// A node whose blocks are `block` by JSON-RPC, and by REST what stands in `rest`.
    async fn node(rest: &'static [(&str, &[u8])]) -> Node {
        Node::start(move |received: &Received| {
            if received.path == "/" {
                let hash = "00".repeat(32);
                let result = match &received.json() {
                    json if json.is_array() => json!([{"id": 0, "result": hash}]),
                    _ => json!({"result": "0123"}),
                };
                return Some((200, result.to_string().into()));
            }
            assert_eq!(received.authorization, None);
            let found = rest
                .iter()
                .find(|(path, _)| received.path.starts_with(path));
            Some(found.map_or((404, Vec::new()), |(_, body)| (200, body.to_vec())))
        })
        .await
    }

    async fn check(rest: &'static [(&str, &[u8])], name: &str, block: &[u8], spent: Option<&[u8]>) {
        let node = node(rest).await;
        let source = daemon(&[&node.url()]).block_source().await.unwrap();
        assert_eq!(source.name(), name);
        let fetched = source.fetch(&BlockHash([0xab; 32])).await.unwrap();
        assert_eq!(fetched.block, block, "{rest:?}");
        assert_eq!(fetched.spent.as_deref(), spent, "{rest:?}");
        let alone = source.fetch_block(&BlockHash([0xab; 32])).await.unwrap();
        assert_eq!(alone, block, "{rest:?}");
    }

    const BLOCK: &str = "/rest/block/";
    const SPENT: &str = "/rest/spenttxouts/";
    const GENESIS_BLOCK: &str = "/rest/block/00";
    const GENESIS_SPENT: &str = "/rest/spenttxouts/00";

    #[tokio::test]
    async fn takes_the_best_source_that_the_node_has() {
        let name = "REST with spent outputs";
        check(&[(BLOCK, b"b"), (SPENT, b"s")], name, b"b", Some(b"s")).await;
        check(&[(BLOCK, b"b")], "REST", b"b", None).await;
        check(&[(SPENT, b"s")], "JSON-RPC", &[1, 0x23], None).await;
        check(&[], "JSON-RPC", &[1, 0x23], None).await;
    }

    #[tokio::test]
    async fn takes_from_files_what_they_have() {
        let made = Made::with_blocks(3);
        let node = node(&[(BLOCK, b"b")]).await;
        let config = DaemonConfig {
            block_files: Some(made.config()),
            ..DaemonConfig::default()
        };
        let daemon = daemon_with(&[&node.url()], config);
        let source = daemon.block_source().await.unwrap();
        assert_eq!(source.name(), "block files");
        let block = Made::block(2);
        let fetched = source.fetch(&hash_of(&block)).await.unwrap();
        assert_eq!(fetched.block, block);
        assert!(fetched.spent.is_some());
        assert_eq!(source.fetch_block(&hash_of(&block)).await.unwrap(), block);
        let fetched = source.fetch(&BlockHash([0xab; 32])).await.unwrap();
        assert_eq!((&*fetched.block, fetched.spent), (&b"b"[..], None));
    }

    #[tokio::test]
    async fn asks_the_node_for_every_block_when_files_cannot_be_used() {
        let node = node(&[(BLOCK, b"b")]).await;
        let mut files = Made::with_blocks(3).config();
        files.dir.push("none");
        let config = DaemonConfig {
            block_files: Some(files),
            ..DaemonConfig::default()
        };
        let daemon = daemon_with(&[&node.url()], config);
        let source = daemon.block_source().await.unwrap();
        let fetched = source.fetch(&BlockHash([0xab; 32])).await.unwrap();
        assert_eq!(fetched.block, &b"b"[..]);
        assert!(daemon.block_files().is_none());
    }

    #[tokio::test]
    async fn does_with_less_when_rest_fails_for_a_block() {
        let name = "REST with spent outputs";
        check(&[(BLOCK, b"b"), (GENESIS_SPENT, b"s")], name, b"b", None).await;
        check(
            &[(GENESIS_BLOCK, b"b"), (SPENT, b"s")],
            name,
            &[1, 0x23],
            Some(b"s"),
        )
        .await;
        check(&[(GENESIS_BLOCK, b"b")], "REST", &[1, 0x23], None).await;
    }
}
