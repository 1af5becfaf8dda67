//! The upper part of a merkle tree, for many proofs from the same leaves.

use std::ops::Range;

use super::{Hash, parent};

/// How many levels, the leaves included, are worked out anew for each proof.
const LOWER_LEVELS: u32 = 3;

/// The tree over the txids of one block, without its lower levels.
///
/// Cost: a quarter of the leaves in memory; a proof reads 8 leaves and hashes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    leaf_count: usize,
    /// From the level above the lower ones to the single hash at the top; empty in small trees.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Hashes the leaves up to the root.
    #[must_use]
    pub fn new(leaves: &[Hash]) -> Self {
        let mut levels = Vec::new();
        let mut level = leaves.to_vec();
        for height in 0.. {
            if height >= LOWER_LEVELS {
                levels.push(level.clone());
            }
            if level.len() <= 1 {
                break;
            }
            level = above(&level);
        }
        Self {
            leaf_count: leaves.len(),
            levels,
        }
    }

    /// Gives the number of leaves.
    #[must_use]
    pub fn leaf_count(&self) -> usize {
        self.leaf_count
    }

    /// Gives the hashes that the leaf at `index`, and what it is hashed to, is paired with,
    /// deepest first; `None` if there is no such leaf. `read` gives the leaves of a range.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn branch<E>(
        &self,
        index: usize,
        read: impl FnOnce(Range<usize>) -> Result<Vec<Hash>, E>,
    ) -> Result<Option<Vec<Hash>>, E> {
        if index >= self.leaf_count {
            return Ok(None);
        }
        let group = 1usize << LOWER_LEVELS;
        let start = index / group * group;
        let mut level = read(start..self.leaf_count.min(start + group))?;
        let mut at = index - start;
        let mut width = self.leaf_count;
        let mut branch = Vec::new();
        for _ in 0..LOWER_LEVELS {
            if width <= 1 {
                return Ok(Some(branch));
            }
            branch.extend(sibling(&level, at));
            level = above(&level);
            at /= 2;
            width = width.div_ceil(2);
        }
        let upper = self
            .levels
            .iter()
            .filter(|level| level.len() > 1)
            .zip(LOWER_LEVELS..);
        branch.extend(upper.filter_map(|(level, height)| sibling(level, index >> height)));
        Ok(Some(branch))
    }

    /// Gives the bytes of memory that it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.levels
            .iter()
            .map(|level| level.len() * size_of::<Hash>())
            .sum()
    }
}

/// The last hash of an odd level is paired with itself.
fn sibling(level: &[Hash], at: usize) -> Option<Hash> {
    level.get(at ^ 1).or_else(|| level.get(at)).copied()
}

fn above(level: &[Hash]) -> Vec<Hash> {
    let pairs = level
        .chunks(2)
        .filter_map(|pair| Some((pair.first()?, pair.last()?)));
    pairs.map(|(left, right)| parent(left, right)).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::merkle::branch_and_root;

    #[test]
    fn proves_what_a_single_proof_does() {
        for count in 0..=70u8 {
            let leaves: Vec<Hash> = (0..count).map(|leaf| [leaf; 32]).collect();
            let tree = Tree::new(&leaves);
            for index in 0..=usize::from(count) {
                let read = |range: Range<usize>| Ok::<_, Infallible>(leaves[range].to_vec());
                let expected = branch_and_root(&leaves, index).map(|proof| proof.branch);
                assert_eq!(tree.branch(index, read), Ok(expected), "{index} of {count}");
            }
        }
    }
}
