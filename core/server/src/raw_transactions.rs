//! Transactions out of their blocks: from the node's block files, since the node itself would read
//! the whole block for each of them; or from whole blocks of the node, where it is too old to find
//! a transaction in its block.

use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

use bytes::Bytes;
use electrode_coin::{BlockHash, Coin, Height, TxView, Txid};
use electrode_daemon::{BlockFiles, DaemonError};
use electrode_index::{HistoryTx, IndexView};
use quick_cache::{Weighter, sync::Cache};
use tokio::task;

use crate::{Service, numbers::as_u64};

/// Estimated bytes of an entry beside its offsets.
const ENTRY_LEN: usize = 128;

/// Longest transaction that is read on a network thread, as a row of the index is: to hand it to
/// another thread and back costs more. Units: bytes.
const MAX_INLINE_LEN: usize = 16 << 10;

/// Bytes of an average block's offsets: what the table of entries is sized by.
const USUAL_LEN: u64 = 4096;

/// Bytes of an average block: what the table of whole blocks is sized by.
const USUAL_BLOCK_LEN: u64 = 1 << 19;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) height: Height,
    /// The block.
    pub(crate) block: BlockHash,
    /// Position in the block.
    position: usize,
}

/// Where the transactions of blocks start that were asked for.
pub(crate) struct TxOffsets(Cache<BlockHash, Offsets, OffsetsLen>);

/// Where each transaction of a block starts, and where the last one ends.
type Offsets = Arc<[u32]>;

#[derive(Clone)]
struct OffsetsLen;

impl Weighter<BlockHash, Offsets> for OffsetsLen {
    fn weight(&self, _: &BlockHash, offsets: &Offsets) -> u64 {
        as_u64(size_of_val::<[u32]>(offsets) + ENTRY_LEN)
    }
}

impl Place {
    /// Finds the place of a transaction in the index.
    pub(crate) fn of(tx: &HistoryTx, index: &IndexView) -> Option<Self> {
        let tx_nums = index.block_tx_nums(tx.height)?;
        let position = tx.tx_num.0.checked_sub(tx_nums.start.0)?;
        Some(Self {
            height: tx.height,
            block: index.block_hash(tx.height)?,
            position: usize::try_from(position).ok()?,
        })
    }

    /// Gives the bytes of the block that the transaction takes.
    fn bytes(&self, offsets: &[u32]) -> Option<Range<u32>> {
        match offsets.get(self.position..)? {
            [start, end, ..] => Some(*start..*end),
            _ => None,
        }
    }
}

impl TxOffsets {
    pub(crate) fn new(max_bytes: u64) -> Self {
        let entries = usize::try_from(max_bytes / USUAL_LEN).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(entries, max_bytes, OffsetsLen))
    }
}

/// Whole blocks of the node, for the transactions that wallets ask for next: they come in runs of
/// the same blocks.
pub(crate) struct WholeBlocks(Cache<BlockHash, Arc<WholeBlock>, WholeBlockLen>);

/// A block, and where each of its transactions starts.
struct WholeBlock {
    bytes: Bytes,
    offsets: Offsets,
}

#[derive(Clone)]
struct WholeBlockLen;

impl Weighter<BlockHash, Arc<WholeBlock>> for WholeBlockLen {
    fn weight(&self, _: &BlockHash, block: &Arc<WholeBlock>) -> u64 {
        as_u64(block.bytes.len() + size_of_val::<[u32]>(&block.offsets) + ENTRY_LEN)
    }
}

impl WholeBlocks {
    pub(crate) fn new(max_bytes: u64) -> Self {
        let blocks = usize::try_from(max_bytes / USUAL_BLOCK_LEN).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(blocks, max_bytes, WholeBlockLen))
    }
}

/// Cuts a transaction out of its block, which is fetched once for all who ask for a part of it.
pub(crate) async fn cut_out(
    service: &Arc<Service>,
    txid: Txid,
    place: Place,
) -> Result<Vec<u8>, CutError> {
    let fetch = fetch_block(service, place.height, place.block);
    let block = service
        .whole_blocks
        .0
        .get_or_insert_async(&place.block, fetch)
        .await?;
    let raw = place.bytes(&block.offsets).and_then(|bytes| {
        let bytes = usize::try_from(bytes.start).ok()?..usize::try_from(bytes.end).ok()?;
        block.bytes.get(bytes)
    });
    raw.filter(|raw| is_named(service.coin.as_ref(), raw, &txid))
        .map(<[u8]>::to_vec)
        .ok_or(CutError::OtherBlock)
}

/// Why a transaction cannot be cut out of its block.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CutError {
    /// The node did not give the block.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// The bytes are not those of the block.
    #[error("the node's block does not hold the transaction at its place")]
    OtherBlock,
    /// The server is going down.
    #[error("the server is stopping")]
    Stopped,
}

async fn fetch_block(
    service: &Arc<Service>,
    height: Height,
    hash: BlockHash,
) -> Result<Arc<WholeBlock>, CutError> {
    let bytes = service.daemon.block_once(&hash).await?;
    let permit = Arc::clone(&service.scans).acquire_owned().await;
    let coin = Arc::clone(&service.coin);
    let parsed = task::spawn_blocking(move || {
        let offsets = offsets(coin.as_ref(), height, &bytes).ok_or(CutError::OtherBlock)?;
        drop(permit);
        Ok(Arc::new(WholeBlock { bytes, offsets }))
    });
    parsed.await.map_err(|_runtime_stops| CutError::Stopped)?
}

/// Reads a transaction from the node's block files; `None` where they do not have it.
///
/// Cost: a short read where the offsets of the block are remembered; else the block is read and
/// parsed, by as many requests at once as may scan.
pub(crate) async fn read(service: &Arc<Service>, txid: Txid, place: Place) -> Option<Vec<u8>> {
    let files = Arc::clone(service.daemon.block_files()?);
    let service = Arc::clone(service);
    if let Some(offsets) = service.tx_offsets.0.get(&place.block) {
        let bytes = place.bytes(&offsets)?;
        let is_short = bytes.len() <= MAX_INLINE_LEN;
        let read = move || {
            let raw = files.part(&place.block, bytes)?;
            is_named(service.coin.as_ref(), &raw, &txid).then_some(raw)
        };
        if is_short {
            return read();
        }
        return task::spawn_blocking(read).await.ok()?;
    }
    let permit = Arc::clone(&service.scans).acquire_owned().await.ok()?;
    let read = task::spawn_blocking(move || {
        let raw = read_whole_block(&service, &files, place);
        drop(permit);
        raw.filter(|raw| is_named(service.coin.as_ref(), raw, &txid))
    });
    read.await.ok()?
}

/// Reads a transaction and remembers where the others of its block are.
fn read_whole_block(service: &Service, files: &BlockFiles, place: Place) -> Option<Vec<u8>> {
    let block = files.block(&place.block)?;
    let offsets = offsets(service.coin.as_ref(), place.height, &block)?;
    let bytes = place.bytes(&offsets)?;
    service.tx_offsets.0.insert(place.block, offsets);
    let bytes = usize::try_from(bytes.start).ok()?..usize::try_from(bytes.end).ok()?;
    block.get(bytes).map(<[u8]>::to_vec)
}

/// Finds where each transaction starts; `None` where one does not follow on the other.
fn offsets(coin: &dyn Coin, height: Height, block: &[u8]) -> Option<Offsets> {
    let mut offsets = Vec::new();
    let mut sink = |tx: &TxView<'_>| {
        let end = tx.offset.checked_add(tx.len);
        let place = u32::try_from(tx.offset)
            .ok()
            .zip(end.and_then(|end| u32::try_from(end).ok()));
        match (place, offsets.last()) {
            (Some((start, end)), None) => offsets.extend([start, end]),
            (Some((start, end)), Some(last)) if start == *last => offsets.push(end),
            _ => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    };
    coin.parse_block(height, block, &mut sink).ok()?;
    Some(offsets.into())
}

/// Tells whether the bytes are the transaction of that name: a wrong answer is worse than none.
fn is_named(coin: &dyn Coin, raw: &[u8], txid: &Txid) -> bool {
    let mut is_named = false;
    let mut sink = |tx: &TxView<'_>| {
        is_named = tx.txid == *txid;
        ControlFlow::Continue(())
    };
    coin.parse_tx(raw, &mut sink).is_ok() && is_named
}
