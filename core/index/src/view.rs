//! What readers see: the index as it stood at one tip, whatever is written meanwhile.

use std::{ops::Range, sync::Arc};

use electrode_coin::{BlockHash, Height, OutPoint, Sats, ScriptKey, TxNum, Txid};

use crate::{
    IndexError, Tip,
    chain::Chain,
    lookup::{self, TXID_LEN},
    schema::{
        OutputNum, ScriptTx, Table, history_row, parse_amount, parse_spender, parse_unspent_key,
    },
    snapshot::PinnedSnapshot,
    store::Store,
};

/// An immutable view; cloning it is cheap.
///
/// Every query can fail with [`IndexError::Reorganised`] when blocks that the view stands on were
/// replaced meanwhile: a newer view answers then.
#[derive(Clone)]
pub struct IndexView {
    store: Arc<Store>,
    rows: Arc<PinnedSnapshot>,
    chain: Chain,
    overwrites: u64,
}

/// A confirmed transaction in the history of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryTx {
    /// Its number.
    pub tx_num: TxNum,
    /// Its name.
    pub txid: Txid,
    /// Height of its block.
    pub height: Height,
}

/// A confirmed unspent output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnspentOutput {
    /// Its name.
    pub outpoint: OutPoint,
    /// Height of its block.
    pub height: Height,
    /// Its amount.
    pub value: Sats,
}

/// Whose an unspent output is, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedOutput {
    /// Its script.
    pub script: ScriptKey,
    /// Its amount.
    pub value: Sats,
}

/// Consecutive headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// The headers, one behind the other.
    pub bytes: Vec<u8>,
    /// Length of each.
    pub lens: Vec<usize>,
}

impl Headers {
    /// Gives the headers one by one.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.lens.iter().scan(&self.bytes[..], |rest, len| {
            let (header, behind) = rest.split_at_checked(*len)?;
            *rest = behind;
            Some(header)
        })
    }
}

impl IndexView {
    pub(crate) fn new(store: Arc<Store>, chain: Chain) -> Self {
        let overwrites = store.overwrites();
        let rows = Arc::new(store.snapshot());
        Self {
            store,
            rows,
            chain,
            overwrites,
        }
    }

    /// Gives the last block, `None` when the index is empty.
    #[must_use]
    pub fn tip(&self) -> Option<Tip> {
        let (height, block) = self.chain.tip()?;
        Some(Tip {
            height,
            hash: block.hash,
        })
    }

    /// Gives the number of transactions up to the tip.
    #[must_use]
    pub fn tx_count(&self) -> TxNum {
        self.chain.tx_count()
    }

    /// Gives the hash of the block at `height`.
    #[must_use]
    pub fn block_hash(&self, height: Height) -> Option<BlockHash> {
        self.chain.block_hash(height)
    }

    /// Gives up to `count` block hashes from `start` on.
    #[must_use]
    pub fn block_hashes(&self, start: Height, count: usize) -> Vec<BlockHash> {
        self.chain.block_hashes(start, count)
    }

    /// Counts the times that blocks which views stand on were replaced: what was computed under
    /// another number may not be continued.
    #[must_use]
    pub fn reorganisations(&self) -> u64 {
        self.overwrites
    }

    /// Tells what was found damaged since the index was opened, if anything: some queries cannot be
    /// answered then, the others can.
    #[must_use]
    pub fn damage(&self) -> Option<&str> {
        self.store.damage()
    }

    /// Lists the transactions of a script from the number `from` on, in chain order.
    ///
    /// `from` must be 0 or the [`Self::tx_count`] of an earlier view of the same chain.
    /// Cost: a seek, and 32 bytes read for each entry.
    ///
    /// # Errors
    /// [`IndexError::HistoryTooLarge`] when there are more than `limit`.
    pub fn history(
        &self,
        script: &ScriptKey,
        from: TxNum,
        limit: usize,
    ) -> Result<Vec<HistoryTx>, IndexError> {
        self.checked(self.read_history(script, from, limit))
    }

    /// Adds up the unspent outputs of a script.
    ///
    /// Cost: a seek and a row for each unspent output.
    ///
    /// # Errors
    /// [`IndexError::HistoryTooLarge`] when there are more than `limit`.
    pub fn balance(&self, script: &ScriptKey, limit: usize) -> Result<Sats, IndexError> {
        self.checked(self.read_balance(script, limit))
    }

    /// Lists the unspent outputs of a script in chain order, then by position.
    ///
    /// # Errors
    /// [`IndexError::HistoryTooLarge`] when there are more than `limit`.
    pub fn unspent(
        &self,
        script: &ScriptKey,
        limit: usize,
    ) -> Result<Vec<UnspentOutput>, IndexError> {
        self.checked(self.read_unspent(script, limit))
    }

    /// Finds unspent outputs by name, in the order asked for; `None` for those that are not there.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn outputs(&self, outpoints: &[OutPoint]) -> Result<Vec<Option<OwnedOutput>>, IndexError> {
        let find = |outpoint: &OutPoint| {
            let found = lookup::unspent_output(&self.store, &self.rows, outpoint, self.tx_count())?;
            Ok(found.map(|spent| OwnedOutput {
                script: spent.script,
                value: spent.value,
            }))
        };
        self.checked(outpoints.iter().map(find).collect())
    }

    /// Finds the transaction that spends an output.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn spender(&self, outpoint: &OutPoint) -> Result<Option<HistoryTx>, IndexError> {
        self.checked(self.find_spender(outpoint))
    }

    /// Finds a transaction by name.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn find(&self, txid: &Txid) -> Result<Option<HistoryTx>, IndexError> {
        let found = self.tx_nums(txid);
        let first = found.and_then(|tx_nums| match tx_nums.first() {
            None => Ok(None),
            Some(tx_num) => {
                let (txid, height) = self.transaction(*tx_num)?;
                Ok(Some(HistoryTx {
                    tx_num: *tx_num,
                    txid,
                    height,
                }))
            }
        });
        self.checked(first)
    }

    /// Finds a transaction by name among consecutive ones, such as those of a block.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn find_in(
        &self,
        txid: &Txid,
        tx_nums: &Range<TxNum>,
    ) -> Result<Option<TxNum>, IndexError> {
        let found = self.tx_nums(txid);
        self.checked(found.map(|found| found.into_iter().find(|tx_num| tx_nums.contains(tx_num))))
    }

    /// Gives the numbers of a block's transactions; `None` above the tip.
    #[must_use]
    pub fn block_tx_nums(&self, height: Height) -> Option<Range<TxNum>> {
        let tx_nums = self.chain.tx_nums(height)?;
        Some(TxNum(tx_nums.start)..TxNum(tx_nums.end))
    }

    /// Reads the txids of consecutive transactions, which must all be there.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn txids(&self, tx_nums: Range<TxNum>) -> Result<Vec<Txid>, IndexError> {
        let len = tx_nums.end.0.saturating_sub(tx_nums.start.0) * TXID_LEN;
        let bytes = self.store.txids.read_vec(tx_nums.start.0 * TXID_LEN, len);
        let txids = bytes.map(|bytes| {
            let (txids, _) = bytes.as_chunks();
            txids.iter().copied().map(Txid).collect()
        });
        self.checked(txids)
    }

    /// Reads the txids of a block, in block order; `None` above the tip.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn block_txids(&self, height: Height) -> Result<Option<Vec<Txid>>, IndexError> {
        self.block_tx_nums(height)
            .map(|tx_nums| self.txids(tx_nums))
            .transpose()
    }

    /// Reads up to `count` headers from `start` on; fewer where the chain ends.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn headers(&self, start: Height, count: u32) -> Result<Headers, IndexError> {
        let end = start.0.saturating_add(count).min(self.chain.block_count());
        let heights = (start.0..end).map(Height);
        let Some(range) = self.chain.header_bytes(start, Height(end.max(start.0))) else {
            return Ok(Headers::default());
        };
        let lens = heights.filter_map(|height| {
            let header = self.chain.header_bytes(height, height.next())?;
            usize::try_from(header.end - header.start).ok()
        });
        let lens = lens.collect();
        let bytes = self
            .store
            .headers
            .read_vec(range.start, range.end - range.start);
        self.checked(bytes.map(|bytes| Headers { bytes, lens }))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn rows(&self) -> &PinnedSnapshot {
        &self.rows
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Passes on what was read, unless the flat files may have changed under it.
    pub(crate) fn checked<T>(&self, read: Result<T, IndexError>) -> Result<T, IndexError> {
        if self.store.overwrites() != self.overwrites {
            return Err(IndexError::Reorganised);
        }
        read.inspect_err(|error| self.store.note_damage(error))
    }

    fn read_history(
        &self,
        script: &ScriptKey,
        from: TxNum,
        limit: usize,
    ) -> Result<Vec<HistoryTx>, IndexError> {
        let start = ScriptTx::new(*script, from).row_key();
        let mut tx_nums = Vec::new();
        self.rows
            .scan(Table::History, &script.0, start.as_ref(), |key, value| {
                history_row(key, value, |tx_num| tx_nums.push(tx_num))?;
                Ok(tx_nums.len() <= limit)
            })?;
        if tx_nums.len() > limit {
            return Err(IndexError::HistoryTooLarge);
        }
        let history = tx_nums.into_iter().map(|tx_num| {
            let (txid, height) = self.transaction(tx_num)?;
            Ok(HistoryTx {
                tx_num,
                txid,
                height,
            })
        });
        history.collect()
    }

    fn read_balance(&self, script: &ScriptKey, limit: usize) -> Result<Sats, IndexError> {
        let (mut sum, mut outputs) = (0u64, 0);
        self.rows
            .scan(Table::Unspent, &script.0, &script.0, |_, value| {
                sum = sum.saturating_add(parse_amount(value)?.0);
                outputs += 1;
                Ok(outputs <= limit)
            })?;
        if outputs > limit {
            Err(IndexError::HistoryTooLarge)
        } else {
            Ok(Sats(sum))
        }
    }

    fn read_unspent(
        &self,
        script: &ScriptKey,
        limit: usize,
    ) -> Result<Vec<UnspentOutput>, IndexError> {
        let mut outputs = Vec::new();
        self.rows
            .scan(Table::Unspent, &script.0, &script.0, |key, value| {
                let (_, output) = parse_unspent_key(key)?;
                outputs.push((output, parse_amount(value)?));
                Ok(outputs.len() <= limit)
            })?;
        if outputs.len() > limit {
            return Err(IndexError::HistoryTooLarge);
        }
        let unspent = outputs.into_iter().map(|(output, value)| {
            let (txid, height) = self.transaction(output.tx_num)?;
            Ok(UnspentOutput {
                outpoint: OutPoint {
                    txid,
                    vout: output.vout,
                },
                height,
                value,
            })
        });
        unspent.collect()
    }

    fn find_spender(&self, outpoint: &OutPoint) -> Result<Option<HistoryTx>, IndexError> {
        let funders = self.tx_nums(&outpoint.txid)?;
        for tx_num in funders {
            let output = OutputNum {
                tx_num,
                vout: outpoint.vout,
            };
            if let Some(value) = self.rows.get(Table::Spends, output.key())? {
                let tx_num = parse_spender(output, &value)?;
                let (txid, height) = self.transaction(tx_num)?;
                return Ok(Some(HistoryTx {
                    tx_num,
                    txid,
                    height,
                }));
            }
        }
        Ok(None)
    }

    fn tx_nums(&self, txid: &Txid) -> Result<Vec<TxNum>, IndexError> {
        let mut txids = self.rows.cursor(Table::TxByTxid)?;
        lookup::tx_nums(&self.store, &mut txids, txid, self.tx_count())
    }

    fn transaction(&self, tx_num: TxNum) -> Result<(Txid, Height), IndexError> {
        let height = self
            .chain
            .height_of(tx_num)
            .ok_or(IndexError::damaged("transaction number"))?;
        Ok((lookup::txid_at(&self.store, tx_num)?, height))
    }
}

impl std::fmt::Debug for IndexView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexView")
            .field("tip", &self.tip())
            .finish_non_exhaustive()
    }
}
