//! The merkle tree over all block hashes, remembered sparsely.

use std::ops::Range;

use super::{Hash, Proof, branch_and_root, climb};

/// How many levels of the tree a segment spans.
const SEGMENT_LEVELS: u32 = 10;

/// Remembers the tops of the segments that the leaves of a growing tree fall into, so that a
/// proof below any checkpoint needs two segments of leaves instead of all of them.
///
/// Cost: 32 bytes per 1024 leaves; a proof takes O(1024 + leaves / 1024) hashes.
#[derive(Clone, Debug, Default)]
pub struct HeaderTree {
    segments: Vec<Hash>,
}

impl HeaderTree {
    /// Leaves of a segment.
    pub const SEGMENT_LEN: usize = 1 << SEGMENT_LEVELS;

    /// Starts with nothing remembered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the number of leaves that are remembered, always a multiple of
    /// [`SEGMENT_LEN`](Self::SEGMENT_LEN).
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.segments.len() * Self::SEGMENT_LEN
    }

    /// Remembers the leaves that follow those remembered already.
    pub fn push(&mut self, segment: &[Hash; Self::SEGMENT_LEN]) {
        self.segments.extend(super::root(segment));
    }

    /// Forgets all but the first `leaves` leaves, when a reorganisation replaces the others.
    pub fn truncate(&mut self, leaves: usize) {
        self.segments.truncate(leaves / Self::SEGMENT_LEN);
    }

    /// Proves the leaf at `index` in the tree over the first `count` leaves; `None` if it is not
    /// among them. `read` gives the leaves of a range, of one segment at most; what is not
    /// remembered is read too.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn prove<E>(
        &self,
        index: usize,
        count: usize,
        read: impl Fn(Range<usize>) -> Result<Vec<Hash>, E>,
    ) -> Result<Option<Proof>, E> {
        if index >= count {
            return Ok(None);
        }
        let read_segment = |segment: usize| {
            let start = segment * Self::SEGMENT_LEN;
            read(start..count.min(start + Self::SEGMENT_LEN))
        };
        let segment = index / Self::SEGMENT_LEN;
        let leaves = read_segment(segment)?;
        if count <= Self::SEGMENT_LEN {
            return Ok(branch_and_root(&leaves, index));
        }
        let complete = self.segments.len().min(count / Self::SEGMENT_LEN);
        let mut tops: Vec<_> = self.segments.iter().take(complete).copied().collect();
        for segment in complete..count.div_ceil(Self::SEGMENT_LEN) {
            let top = climb(read_segment(segment)?, 0, SEGMENT_LEVELS);
            tops.extend(top.map(|top| top.root));
        }
        let lower = climb(leaves, index % Self::SEGMENT_LEN, SEGMENT_LEVELS);
        let upper = branch_and_root(&tops, segment);
        Ok(lower.zip(upper).map(|(mut lower, upper)| {
            lower.branch.extend(upper.branch);
            Proof {
                branch: lower.branch,
                root: upper.root,
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::merkle::tests::leaves;

    fn agrees_with_the_whole_tree(tree: &HeaderTree, leaves: &[Hash], count: usize) {
        let read = |range: Range<usize>| Ok::<_, Infallible>(leaves[range].to_vec());
        for index in [0, 1, count / 2, HeaderTree::SEGMENT_LEN, count - 1, count] {
            let got = tree.prove(index, count, read).unwrap();
            let expected = branch_and_root(&leaves[..count], index);
            assert_eq!(got, expected, "leaf {index} of {count}");
        }
    }

    /// Counts at the edges of segments, with any number of segments remembered.
    #[test]
    fn gives_the_proofs_of_the_whole_tree() {
        const LEN: usize = HeaderTree::SEGMENT_LEN;
        let leaves = leaves(3 * LEN + 7);
        let mut tree = HeaderTree::new();
        loop {
            for count in [
                1,
                2,
                9,
                LEN - 1,
                LEN,
                LEN + 1,
                2 * LEN,
                2 * LEN + 3,
                3 * LEN + 7,
            ] {
                agrees_with_the_whole_tree(&tree, &leaves, count);
            }
            let Some(segment) = leaves[tree.remembered()..].first_chunk() else {
                break;
            };
            tree.push(segment);
        }
        assert_eq!(tree.remembered(), 3 * LEN);
    }

    #[test]
    fn forgets_segments_that_a_reorganisation_touches() {
        let segment = leaves(HeaderTree::SEGMENT_LEN);
        let mut tree = HeaderTree::new();
        tree.push(segment.first_chunk().unwrap());
        tree.push(segment.first_chunk().unwrap());
        tree.truncate(2 * HeaderTree::SEGMENT_LEN - 1);
        assert_eq!(tree.remembered(), HeaderTree::SEGMENT_LEN);
    }

    #[test]
    fn reads_two_segments_at_most() {
        let leaves = leaves(2 * HeaderTree::SEGMENT_LEN + 1);
        let mut tree = HeaderTree::new();
        tree.push(leaves.first_chunk().unwrap());
        tree.push(leaves[HeaderTree::SEGMENT_LEN..].first_chunk().unwrap());
        let reads = std::cell::RefCell::new(Vec::new());
        let read = |range: Range<usize>| {
            reads.borrow_mut().push(range.clone());
            Ok::<_, Infallible>(leaves[range].to_vec())
        };
        tree.prove(5, leaves.len(), read).unwrap().unwrap();
        assert_eq!(reads.into_inner(), [0..1024, 2048..2049]);
    }
}
