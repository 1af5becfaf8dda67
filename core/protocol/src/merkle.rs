//! Merkle trees as in Bitcoin's blocks: double SHA-256 over pairs, and an odd level pairs its last
//! hash with itself.
//!
//! Hashes are in internal byte order.

mod header_tree;
mod tree;

use electrode_coin::sha256d;

pub use header_tree::HeaderTree;
pub use tree::Tree;

/// A leaf or an inner node.
pub type Hash = [u8; 32];

/// Shows that a leaf is in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The hashes that the leaf, and what it is hashed to, is paired with; deepest first.
    pub branch: Vec<Hash>,
    /// The hash at the top.
    pub root: Hash,
}

/// Proves the leaf at `index`; `None` if there is no such leaf. Cost: O(leaves) hashes.
#[must_use]
pub fn branch_and_root(leaves: &[Hash], index: usize) -> Option<Proof> {
    if index >= leaves.len() {
        return None;
    }
    let levels = leaves.len().next_power_of_two().ilog2();
    climb(leaves.to_vec(), index, levels)
}

/// Gives the hash at the top, `None` without leaves. Cost: O(leaves) hashes.
#[must_use]
pub fn root(leaves: &[Hash]) -> Option<Hash> {
    branch_and_root(leaves, 0).map(|proof| proof.root)
}

/// Climbs `levels` levels up from a level of the tree, on the path from `index`; levels above the
/// first that has one hash pair it with itself, as they do in a larger tree.
fn climb(mut level: Vec<Hash>, mut index: usize, levels: u32) -> Option<Proof> {
    let mut branch = Vec::new();
    for _ in 0..levels {
        branch.push(*level.get(index ^ 1).or(level.get(index))?);
        level = level
            .chunks(2)
            .filter_map(|pair| Some(parent(pair.first()?, pair.last()?)))
            .collect();
        index /= 2;
    }
    level.first().map(|root| Proof {
        branch,
        root: *root,
    })
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    let mut pair = [0; 64];
    let (first, second) = pair.split_at_mut(32);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    sha256d(&pair)
}

#[cfg(test)]
mod tests {
    use electrode_coin::{BlockHash, Txid};
    use proptest::prelude::*;

    use super::*;

    /// The definition, by recursion on the height of the tree.
    fn naive_node(leaves: &[Hash], height: u32, position: usize) -> Hash {
        if height == 0 {
            return leaves[position];
        }
        let width = leaves.len().div_ceil(1 << (height - 1));
        let left = naive_node(leaves, height - 1, 2 * position);
        let right = match 2 * position + 1 < width {
            true => naive_node(leaves, height - 1, 2 * position + 1),
            false => left,
        };
        sha256d(&[left, right].concat())
    }

    pub(super) fn naive_root(leaves: &[Hash]) -> Hash {
        let height = (0..)
            .find(|height| leaves.len().div_ceil(1 << height) == 1)
            .unwrap();
        naive_node(leaves, height, 0)
    }

    pub(super) fn folds_to_root(leaf: Hash, mut index: usize, proof: &Proof) -> bool {
        let top = proof.branch.iter().fold(leaf, |node, sibling| {
            let pair = if index.is_multiple_of(2) {
                [node, *sibling]
            } else {
                [*sibling, node]
            };
            index /= 2;
            sha256d(&pair.concat())
        });
        index == 0 && top == proof.root
    }

    pub(super) fn leaves(count: usize) -> Vec<Hash> {
        (0..count)
            .map(|leaf| sha256d(&leaf.to_le_bytes()))
            .collect()
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(count in 1usize..300, index in 0usize..300) {
            let leaves = leaves(count);
            let proof = branch_and_root(&leaves, index);
            prop_assert_eq!(proof.is_some(), index < count);
            if let Some(proof) = proof {
                prop_assert_eq!(proof.root, naive_root(&leaves));
                prop_assert!(folds_to_root(leaves[index], index, &proof));
            }
        }
    }

    #[test]
    fn gives_the_root_of_bitcoins_block_170() {
        let txids: [Txid; 2] = [
            "b1fea52486ce0c62bb442b530a3f0132b826c74e473d1f2c220bfa78111c5082",
            "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16",
        ]
        .map(|txid| txid.parse().unwrap());
        let proof = branch_and_root(&txids.map(|txid| txid.0), 1).unwrap();
        assert_eq!(proof.branch, [txids[0].0]);
        assert_eq!(
            BlockHash(proof.root).to_string(),
            "7dac2c5666815c17a3b36427de37bb9d2e2c5ccec3f8633eb91a4205cb4c10ff"
        );
    }

    /// The `cp_height` example of the protocol's documentation: height 5 below checkpoint 8.
    #[test]
    fn matches_the_documented_checkpoint_proof() {
        let hashes: [BlockHash; 9] = [
            "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
            "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048",
            "000000006a625f06636b8bb6ac7b960a8d03705d1ace08b1a19da3fdcc99ddbd",
            "0000000082b5015589a3fdf2d4baff403e6f0be035a5d9742c1cae6295464449",
            "000000004ebadb55ee9096c9a2f8880e09da59c0d68b1c228da88e48844a1485",
            "000000009b7262315dbf071787ad3656097b892abffd1f95a1a022f896f533fc",
            "000000003031a0e73735690c5a1ff2a4be82553b2a12b776fbd3a215dc8f778d",
            "0000000071966c2b1d065fd446b1e485b2c9d9594acd2007ccbd5441cfc89444",
            "00000000408c48f847aa786c2268fc3e6ec2af68e8468a34a28c61b7f1de0dc6",
        ]
        .map(|hash| hash.parse().unwrap());
        let proof = branch_and_root(&hashes.map(|hash| hash.0), 5).unwrap();
        let branch: Vec<_> = proof
            .branch
            .iter()
            .map(|hash| BlockHash(*hash).to_string())
            .collect();
        assert_eq!(
            branch,
            [
                "000000004ebadb55ee9096c9a2f8880e09da59c0d68b1c228da88e48844a1485",
                "96cbbc84783888e4cc971ae8acf86dd3c1a419370336bb3c634c97695a8c5ac9",
                "965ac94082cebbcffe458075651e9cc33ce703ab0115c72d9e8b1a9906b2b636",
                "89e5daa6950b895190716dd26054432b564ccdc2868188ba1da76de8e1dc7591",
            ]
        );
        assert_eq!(
            BlockHash(proof.root).to_string(),
            "e347b1c43fd9b5415bf0d92708db8284b78daf4d0e24f9c3405f45feb85e25db"
        );
    }
}
