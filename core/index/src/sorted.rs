//! Sorting of many rows whose keys start with bytes as good as random, as hashes do.

use rayon::prelude::*;

/// Rows from which on they are sorted in buckets that fit the processor's cache.
const MANY: usize = 1 << 14;

/// Sorts rows. `bucket` gives the first byte of a row: it must not order them otherwise than
/// their `Ord` does.
///
/// Cost: rows are made twice, once to count them, so `rows` must be cheap and give the same twice.
pub(crate) fn sorted<T: Copy + Ord + Send>(
    rows: impl Iterator<Item = T> + Clone,
    bucket: impl Fn(&T) -> u8,
) -> Vec<T> {
    let mut ends = [0usize; 256];
    let mut first = None;
    // Chained iterators are faster from within than in a loop.
    rows.clone().for_each(|row| {
        first.get_or_insert(row);
        if let Some(count) = ends.get_mut(usize::from(bucket(&row))) {
            *count += 1;
        }
    });
    let Some(first) = first else {
        return Vec::new();
    };
    let mut len = 0;
    for count in &mut ends {
        (len, *count) = (len + *count, len);
    }
    let mut sorted = vec![first; len];
    rows.for_each(|row| {
        let Some(next) = ends.get_mut(usize::from(bucket(&row))) else {
            return;
        };
        if let Some(place) = sorted.get_mut(*next) {
            *place = row;
        }
        *next += 1;
    });
    sort_buckets(&mut sorted, &ends);
    sorted
}

/// Sorts the rows of each bucket, of which it is told where they end.
fn sort_buckets<T: Ord + Send>(rows: &mut [T], ends: &[usize]) {
    if rows.len() < MANY {
        return rows.sort_unstable();
    }
    let mut rest = rows;
    let mut start = 0;
    let mut buckets = Vec::with_capacity(ends.len());
    for end in ends {
        let (bucket, behind) = rest.split_at_mut(end - start);
        buckets.push(bucket);
        (rest, start) = (behind, *end);
    }
    buckets.into_par_iter().for_each(<[T]>::sort_unstable);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_few_and_many() {
        for len in [0u64, 1, 2, 1000, 100_000] {
            let rows = (0..len).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n % 7));
            let mut expected: Vec<_> = rows.clone().collect();
            expected.sort_unstable();
            assert_eq!(sorted(rows, |row| row.to_be_bytes()[0]), expected, "{len}");
        }
    }
}
