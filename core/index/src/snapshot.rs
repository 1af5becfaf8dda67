//! The database as it stood at one moment, for as long as somebody reads it.
#![expect(
    clippy::mem_forget,
    reason = "self_cell forgets its drop guard once all went well"
)]

use std::sync::Arc;

use rocksdb::{ColumnFamily, DB, DBPinnableSlice, DBRawIterator, ReadOptions, Snapshot};
use self_cell::self_cell;

use crate::{IndexError, schema::Table};

type Borrowed<'a> = Snapshot<'a>;

self_cell! {
    /// A snapshot that keeps its database open.
    pub(crate) struct PinnedSnapshot {
        owner: Arc<DB>,

        #[covariant]
        dependent: Borrowed,
    }
}

impl PinnedSnapshot {
    pub(crate) fn of(db: &Arc<DB>) -> Self {
        Self::new(Arc::clone(db), |db| db.snapshot())
    }

    pub(crate) fn get(
        &self,
        table: Table,
        key: impl AsRef<[u8]>,
    ) -> Result<Option<DBPinnableSlice<'_>>, IndexError> {
        Ok(self
            .borrow_dependent()
            .get_pinned_cf(self.family(table)?, key)?)
    }

    /// Calls `row` with key and value of each row whose key starts with `prefix`, in key order,
    /// from the key `start` on, until it answers `false`.
    pub(crate) fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        start: &[u8],
        row: impl FnMut(&[u8], &[u8]) -> Result<bool, IndexError>,
    ) -> Result<(), IndexError> {
        let mut options = ReadOptions::default();
        options.set_prefix_same_as_start(table.key_prefix_len() == Some(prefix.len()));
        options.set_total_order_seek(table.key_prefix_len() != Some(prefix.len()));
        if let Some(end) = successor(prefix) {
            options.set_iterate_upper_bound(end);
        }
        let mut rows = self
            .borrow_dependent()
            .raw_iterator_cf_opt(self.family(table)?, options);
        rows.seek(start);
        drain(&mut rows, row)
    }

    /// Opens a table for look-ups of keys that start with as many bytes as its filter knows.
    pub(crate) fn cursor(&self, table: Table) -> Result<Cursor<'_>, IndexError> {
        let mut options = ReadOptions::default();
        options.set_prefix_same_as_start(true);
        let family = self.family(table)?;
        Ok(Cursor {
            rows: self.borrow_dependent().raw_iterator_cf_opt(family, options),
        })
    }

    fn family(&self, table: Table) -> Result<&ColumnFamily, IndexError> {
        self.borrow_owner()
            .cf_handle(table.name())
            .ok_or(IndexError::damaged(table.name()))
    }
}

/// A place in a table. Moving it on costs a fraction of what opening it did.
pub(crate) struct Cursor<'a> {
    rows: DBRawIterator<'a>,
}

impl Cursor<'_> {
    /// Calls `key` with each key that starts with `prefix`, in key order.
    pub(crate) fn keys(
        &mut self,
        prefix: &[u8],
        mut key: impl FnMut(&[u8]) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        self.rows.seek(prefix);
        while let Some(found) = self.rows.key().filter(|found| found.starts_with(prefix)) {
            key(found)?;
            self.rows.next();
        }
        Ok(self.rows.status()?)
    }
}

fn drain(
    rows: &mut DBRawIterator<'_>,
    mut row: impl FnMut(&[u8], &[u8]) -> Result<bool, IndexError>,
) -> Result<(), IndexError> {
    while let Some((key, value)) = rows.item() {
        if !row(key, value)? {
            return Ok(());
        }
        rows.next();
    }
    Ok(rows.status()?)
}

/// First key behind all keys that start with `prefix`, if there is one.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let keep = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=keep)?.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_key_behind_a_prefix() {
        assert_eq!(successor(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(successor(&[1, 255, 255]), Some(vec![2]));
        assert_eq!(successor(&[255]), None);
        assert_eq!(successor(&[]), None);
    }
}
