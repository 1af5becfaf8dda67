//! What an index says, whatever the way it was built: for telling two of them apart.
//!
//! How a history is cut into rows depends on how blocks came in runs, so it is compared entry by
//! entry; everything else is compared as it is stored.

use std::{cmp::Ordering, iter::Peekable};

use electrode_coin::{Height, sha256d};
use rocksdb::{DBIterator, IteratorMode};

use crate::{
    IndexError, IndexView,
    lookup::TXID_LEN,
    schema::{BlockRecord, ScriptTx, Table, history_row},
};

/// Tables whose content follows from the chain; undo rows also depend on `reorg_limit`.
const TABLES: [Table; 5] = [
    Table::History,
    Table::Unspent,
    Table::Outpoints,
    Table::TxByTxid,
    Table::Spends,
];

/// Bytes of a flat file that are compared at a time.
const CHUNK_LEN: u64 = 1 << 20;

/// The first place where two indexes differ, in one of their tables.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{table}: {what}")]
pub struct Difference {
    table: &'static str,
    what: String,
}

impl IndexView {
    /// Compares everything that this index and `other` say of the chain; names the first
    /// difference in each table.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn differences(&self, other: &Self) -> Result<Vec<Difference>, IndexError> {
        let mut differences = Vec::new();
        for (table, ours, theirs) in self.flat_files(other) {
            if let Some(what) = ours.first_difference(&theirs)? {
                differences.push(Difference { table, what });
            }
        }
        for table in TABLES {
            let (ours, theirs) = (self.entries(table)?, other.entries(table)?);
            if let Some(what) = first_difference(ours, theirs)? {
                differences.push(Difference {
                    table: table.name(),
                    what,
                });
            }
        }
        Ok(differences)
    }

    /// Hashes everything the index says of the chain; indexes built in different ways from the
    /// same blocks give the same hash.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn content_hash(&self) -> Result<[u8; 32], IndexError> {
        let mut state = [0; 32];
        let mut add = |bytes: &[u8]| state = sha256d(&[&state[..], bytes].concat());
        for (_, file, _) in self.flat_files(self) {
            file.chunks()
                .try_for_each(|chunk| chunk.map(|bytes| add(&bytes)))?;
        }
        for table in TABLES {
            add(table.name().as_bytes());
            for entry in self.entries(table)? {
                let (key, value) = entry?;
                add(&[&key[..], &value[..]].concat());
            }
        }
        Ok(state)
    }

    fn flat_files<'a>(&'a self, other: &'a Self) -> [(&'static str, Flat<'a>, Flat<'a>); 3] {
        let flats = |view: &'a Self| {
            let record = u64::try_from(BlockRecord::LEN).unwrap_or_default();
            [
                Flat {
                    file: &view.store().blocks,
                    len: u64::from(view.chain().block_count()) * record,
                },
                Flat {
                    file: &view.store().headers,
                    len: view.chain().headers_len(),
                },
                Flat {
                    file: &view.store().txids,
                    len: view.tx_count().0 * TXID_LEN,
                },
            ]
        };
        let [blocks, headers, txids] = flats(self);
        let [other_blocks, other_headers, other_txids] = flats(other);
        [
            ("blocks", blocks, other_blocks),
            ("headers", headers, other_headers),
            ("txids", txids, other_txids),
        ]
    }

    fn entries(&self, table: Table) -> Result<Entries<'_>, IndexError> {
        let mut options = rocksdb::ReadOptions::default();
        options.set_total_order_seek(true);
        options.fill_cache(false);
        let family = self.store().table(table)?;
        let rows = self.rows().borrow_dependent();
        Ok(Entries {
            rows: rows.iterator_cf_opt(family, options, IteratorMode::Start),
            is_history: table == Table::History,
            pending: Vec::new(),
        })
    }

    /// Counts the blocks below the tip that can be disconnected.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn undo_depth(&self) -> Result<u32, IndexError> {
        let mut depth = 0;
        let mut height = self.tip().map(|tip| tip.height);
        while let Some(at) = height.filter(|at| *at != Height(0)) {
            if self
                .rows()
                .get(Table::Undo, crate::schema::undo_key(at))?
                .is_none()
            {
                break;
            }
            depth += 1;
            height = at.prev();
        }
        Ok(depth)
    }
}

type Entry = Result<(Box<[u8]>, Box<[u8]>), IndexError>;

/// The rows of a table, histories entry by entry.
struct Entries<'a> {
    rows: DBIterator<'a>,
    is_history: bool,
    /// Entries of the history row at hand, the next one last.
    pending: Vec<ScriptTx>,
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            if let Some(entry) = self.pending.pop() {
                return Some(Ok((Box::from(entry.row_key().as_ref()), Box::default())));
            }
            let row = match self.rows.next()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error.into())),
            };
            if !self.is_history {
                return Some(Ok(row));
            }
            if let Err(error) = self.unpack(&row.0, &row.1) {
                return Some(Err(error));
            }
        }
    }
}

impl Entries<'_> {
    fn unpack(&mut self, key: &[u8], value: &[u8]) -> Result<(), IndexError> {
        let script = ScriptTx::parse(key)?.key();
        history_row(key, value, |tx_num| {
            self.pending.push(ScriptTx::new(script, tx_num));
        })?;
        self.pending.reverse();
        Ok(())
    }
}

fn first_difference(ours: Entries<'_>, theirs: Entries<'_>) -> Result<Option<String>, IndexError> {
    let (mut ours, mut theirs) = (ours.peekable(), theirs.peekable());
    loop {
        match order_of_next(&mut ours, &mut theirs) {
            None => return Ok(None),
            Some(Ordering::Less) => return surplus(ours.next(), "is here and should not be"),
            Some(Ordering::Greater) => return surplus(theirs.next(), "is missing"),
            Some(Ordering::Equal) => {}
        }
        let (Some(our), Some(their)) = (ours.next(), theirs.next()) else {
            return Ok(None);
        };
        let ((key, our), (_, their)) = (our?, their?);
        if our != their {
            let what = format!("row {} is {}, not {}", hex(&key), hex(&our), hex(&their));
            return Ok(Some(what));
        }
    }
}

fn order_of_next(
    ours: &mut Peekable<Entries<'_>>,
    theirs: &mut Peekable<Entries<'_>>,
) -> Option<Ordering> {
    match (ours.peek(), theirs.peek()) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(Ok((our, _))), Some(Ok((their, _)))) => Some(our.cmp(their)),
        (Some(_), Some(_)) => Some(Ordering::Equal),
    }
}

fn surplus(entry: Option<Entry>, verdict: &str) -> Result<Option<String>, IndexError> {
    entry
        .map(|entry| entry.map(|(key, _)| format!("row {} {verdict}", hex(&key))))
        .transpose()
}

/// A flat file as far as it counts.
struct Flat<'a> {
    file: &'a crate::flat::FlatFile,
    len: u64,
}

impl Flat<'_> {
    fn chunks(&self) -> impl Iterator<Item = Result<Vec<u8>, IndexError>> {
        let starts = (0..self.len).step_by(usize::try_from(CHUNK_LEN).unwrap_or(usize::MAX));
        starts.map(|start| self.file.read_vec(start, CHUNK_LEN.min(self.len - start)))
    }

    fn first_difference(&self, other: &Self) -> Result<Option<String>, IndexError> {
        if self.len != other.len {
            return Ok(Some(format!("{} bytes, not {}", self.len, other.len)));
        }
        for ((ours, theirs), chunk) in self.chunks().zip(other.chunks()).zip(0u64..) {
            let (ours, theirs) = (ours?, theirs?);
            let at = ours
                .iter()
                .zip(&theirs)
                .zip(0u64..)
                .find(|((a, b), _)| a != b);
            if let Some((_, at)) = at {
                return Ok(Some(format!("byte {} differs", chunk * CHUNK_LEN + at)));
            }
        }
        Ok(None)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
