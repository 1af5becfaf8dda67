//! Mending the flat files of an index from the blocks that they were made of.
//!
//! The database says how many blocks there are and how the files end. A page that fails its
//! checksum is made anew of the blocks that it holds something of. The records of the blocks come
//! first, because they say where in the other files a block stands.

use std::{
    collections::BTreeSet,
    ops::{Range, RangeInclusive},
    path::Path,
};

use electrode_coin::{Descriptor, Height, TxNum, u64_from};

use crate::{
    BlockRows, Index, IndexConfig, IndexError,
    flat::{FlatFile, TailSum},
    index::{Tables, blocks_len},
    lookup::TXID_LEN,
    schema::{BlockRecord, State},
    store::Store,
};

/// Gives the block of the node's chain at a height.
type Read<'a, E> = dyn FnMut(Height) -> Result<BlockRows, E> + 'a;

/// What was made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Pages of 4096 bytes.
    pub pages: usize,
    /// Blocks that were read for that.
    pub blocks: usize,
}

impl Index {
    /// Mends the flat files of the index in `data_dir`; `read` gives its blocks.
    ///
    /// # Errors
    /// [`IndexError::Damaged`]: the tables are, so that the index has to be built anew; or a block
    /// is not that of the index.
    pub fn repair<E: From<IndexError>>(
        data_dir: &Path,
        descriptor: &Descriptor,
        config: &IndexConfig,
        mut read: impl FnMut(Height) -> Result<BlockRows, E>,
    ) -> Result<Repaired, E> {
        let tables = Tables::open(data_dir, descriptor, config)?;
        let mut repair = Repair {
            store: &tables.store,
            state: &tables.state,
            records: Vec::new(),
            repaired: Repaired::default(),
        };
        repair.mend_records(&mut read)?;
        repair.mend_file(&File::HEADERS, &mut read)?;
        repair.mend_file(&File::TXIDS, &mut read)?;
        Ok(repair.repaired)
    }
}

/// One of the files in which blocks stand one behind the other.
struct File {
    of: fn(&Store) -> &FlatFile,
    /// Where a block ends.
    end: fn(&BlockRecord) -> u64,
    /// What a block has there.
    bytes: fn(&BlockRows) -> Vec<u8>,
    sum: fn(&State) -> TailSum,
}

impl File {
    const HEADERS: Self = Self {
        of: |store| &store.headers,
        end: |record| record.header_end,
        bytes: |rows| rows.header.clone(),
        sum: |state| state.ends.headers,
    };
    const TXIDS: Self = Self {
        of: |store| &store.txids,
        end: |record| record.end_tx_num.0 * TXID_LEN,
        bytes: |rows| rows.txids.iter().flat_map(|txid| txid.0).collect(),
        sum: |state| state.ends.txids,
    };
}

struct Repair<'a> {
    store: &'a Store,
    state: &'a State,
    records: Vec<BlockRecord>,
    repaired: Repaired,
}

impl Repair<'_> {
    fn mend_records<E: From<IndexError>>(&mut self, read: &mut Read<'_, E>) -> Result<(), E> {
        let file = &self.store.blocks;
        let (len, sum) = (blocks_len(self.state.block_count), self.state.ends.blocks);
        let damaged = file.damaged_pages(len, sum)?;
        let unknown: BTreeSet<u32> = damaged
            .iter()
            .flat_map(|page| heights(&FlatFile::range_of(*page, len)))
            .collect();
        file.believe_end(len)?;
        for height in (0..self.state.block_count).map(Height) {
            let record = match unknown.contains(&height.0) {
                true => self.record_of(&self.block(height, read)?),
                false => self.known_record(height)?,
            };
            self.records.push(record);
        }
        let tip = self.records.last().map(|record| record.hash);
        if tip.unwrap_or_default() != self.state.tip_hash {
            return Err(IndexError::damaged("its tip is not a block of the node's chain").into());
        }
        let bytes: Vec<u8> = self.records.iter().flat_map(BlockRecord::bytes).collect();
        for page in damaged {
            file.mend(page, slice(&bytes, &FlatFile::range_of(page, len)))?;
            self.repaired.pages += 1;
        }
        Ok(file.cut(len, sum)?)
    }

    fn known_record(&self, height: Height) -> Result<BlockRecord, IndexError> {
        let mut bytes = [0; BlockRecord::LEN];
        self.store.blocks.read(blocks_len(height.0), &mut bytes)?;
        Ok(BlockRecord::parse(&bytes))
    }

    fn record_of(&self, rows: &BlockRows) -> BlockRecord {
        let (tx_count, header_end) = self
            .records
            .last()
            .map_or((0, 0), |record| (record.end_tx_num.0, record.header_end));
        BlockRecord {
            hash: rows.hash,
            end_tx_num: TxNum(tx_count + u64_from(rows.txids.len())),
            header_end: header_end + u64_from(rows.header.len()),
        }
    }

    fn mend_file<E: From<IndexError>>(
        &mut self,
        kind: &File,
        read: &mut Read<'_, E>,
    ) -> Result<(), E> {
        let file = (kind.of)(self.store);
        let len = self.records.last().map_or(0, kind.end);
        let sum = (kind.sum)(self.state);
        for page in file.damaged_pages(len, sum)? {
            let content = self.content(kind, &FlatFile::range_of(page, len), read)?;
            file.mend(page, &content)?;
            self.repaired.pages += 1;
        }
        Ok(file.cut(len, sum)?)
    }

    /// Puts a range of a file together from the blocks that it holds something of.
    fn content<E: From<IndexError>>(
        &mut self,
        kind: &File,
        range: &Range<u64>,
        read: &mut Read<'_, E>,
    ) -> Result<Vec<u8>, E> {
        let ends: Vec<u64> = self.records.iter().map(kind.end).collect();
        let first = ends.partition_point(|end| *end <= range.start);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let blocks = (0..).map(Height).zip(starts).take(ends.len()).skip(first);
        let mut content = Vec::new();
        for (height, start) in blocks.take_while(|(_, start)| *start < range.end) {
            let rows = self.block(height, read)?;
            let wanted = range.start.saturating_sub(start)..range.end - start;
            content.extend_from_slice(slice(&(kind.bytes)(&rows), &wanted));
            self.repaired.blocks += 1;
        }
        Ok(content)
    }

    /// Reads a block, which must be that of the index where its record is known.
    fn block<E: From<IndexError>>(
        &self,
        height: Height,
        read: &mut Read<'_, E>,
    ) -> Result<BlockRows, E> {
        let rows = read(height)?;
        let known = usize::try_from(height.0).ok();
        let known = known.and_then(|at| self.records.get(at));
        if known.is_some_and(|known| known.hash != rows.hash) {
            return Err(IndexError::OtherBlock {
                height,
                hash: known.map(|known| known.hash).unwrap_or_default(),
                got: rows.hash,
            }
            .into());
        }
        Ok(rows)
    }
}

/// Gives the heights whose records a range of their file holds something of.
fn heights(range: &Range<u64>) -> RangeInclusive<u32> {
    let record = blocks_len(1);
    let height = |offset: u64| u32::try_from(offset / record).expect("heights have 32 bits");
    height(range.start)..=height(range.end.saturating_sub(1))
}

/// Gives a range of some bytes, as far as they have it.
fn slice<'a>(bytes: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    let at = |offset: u64| usize::try_from(offset).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes
        .get(at(range.start)..at(range.end))
        .unwrap_or_default()
}
