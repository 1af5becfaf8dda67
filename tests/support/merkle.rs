//! Merkle trees, written for the tests alone so that a mistake of the server is not shared.

use bitcoin::hashes::{Hash as _, sha256d};

type Hash = [u8; 32];

/// Computes the root over `leaves`; a level of odd length repeats its last hash.
#[must_use]
pub fn merkle_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [root] => *root,
        _ => merkle_root(&level_above(leaves)),
    }
}

/// Gives the hashes beside the way from leaf `position` to the root.
#[must_use]
pub fn merkle_branch(leaves: &[Hash], position: usize) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let sibling = leaves.get(position ^ 1).unwrap_or(&leaves[position]);
    let mut branch = vec![*sibling];
    branch.extend(merkle_branch(&level_above(leaves), position / 2));
    branch
}

/// Computes the root that `branch` proves for `leaf` at `position`.
#[must_use]
pub fn branch_root(leaf: Hash, branch: &[Hash], position: usize) -> Hash {
    let steps = branch.iter().enumerate();
    steps.fold(leaf, |hash, (level, sibling)| match position >> level & 1 {
        0 => pair(&hash, sibling),
        _ => pair(sibling, &hash),
    })
}

/// Reads a hash as the protocol shows it: hex of the reversed bytes.
#[must_use]
pub fn parse_hash(text: &str) -> Hash {
    text.parse::<sha256d::Hash>().unwrap().to_byte_array()
}

/// Shows a hash as the protocol does.
#[must_use]
pub fn show_hash(hash: Hash) -> String {
    sha256d::Hash::from_byte_array(hash).to_string()
}

fn level_above(hashes: &[Hash]) -> Vec<Hash> {
    hashes
        .chunks(2)
        .map(|two| pair(&two[0], two.last().unwrap()))
        .collect()
}

fn pair(left: &Hash, right: &Hash) -> Hash {
    sha256d::Hash::hash(&[*left, *right].concat()).to_byte_array()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proves_every_leaf_of_trees_of_every_shape() {
        for count in 1..=17_u8 {
            let leaves: Vec<Hash> = (0..count).map(|n| [n; 32]).collect();
            let root = merkle_root(&leaves);
            for (position, leaf) in leaves.iter().enumerate() {
                let branch = merkle_branch(&leaves, position);
                assert_eq!(
                    branch_root(*leaf, &branch, position),
                    root,
                    "{position} of {count}"
                );
            }
        }
    }
}
