//! A merkle tree with all its levels, for many proofs from the same leaves.

use super::{Hash, parent};

/// The tree over the txids of one block.
///
/// Cost: twice the leaves in memory; a proof then takes no hashing at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The leaves first, a single hash last.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Hashes the leaves up to the root.
    #[must_use]
    pub fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let pairs = level
                .chunks(2)
                .filter_map(|pair| Some((pair.first()?, pair.last()?)));
            let above = pairs.map(|(left, right)| parent(left, right)).collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// Gives the leaves.
    #[must_use]
    pub fn leaves(&self) -> &[Hash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// Gives the hashes that the leaf at `index`, and what it is hashed to, is paired with,
    /// deepest first; `None` if there is no such leaf.
    #[must_use]
    pub fn branch(&self, index: usize) -> Option<Vec<Hash>> {
        self.leaves().get(index)?;
        let pairings = self
            .levels
            .iter()
            .enumerate()
            .filter(|(_, level)| level.len() > 1);
        let sibling = |(height, level): (usize, &Vec<Hash>)| {
            let at = index >> height;
            // The last hash of an odd level is paired with itself.
            level.get(at ^ 1).or_else(|| level.get(at)).copied()
        };
        pairings.map(sibling).collect()
    }

    /// Gives the bytes of memory that the levels take.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.levels
            .iter()
            .map(|level| level.len() * size_of::<Hash>())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::branch_and_root;

    #[test]
    fn proves_what_a_single_proof_does() {
        for count in 0..=40u8 {
            let leaves: Vec<Hash> = (0..count).map(|leaf| [leaf; 32]).collect();
            let tree = Tree::new(leaves.clone());
            for index in 0..=usize::from(count) {
                let expected = branch_and_root(&leaves, index).map(|proof| proof.branch);
                assert_eq!(tree.branch(index), expected, "{index} of {count}");
            }
        }
    }
}
