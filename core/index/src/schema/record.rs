//! What stands beside the tables: the records of blocks, how far the index goes, and of what it is.

use electrode_coin::{BlockHash, Descriptor, TxNum};

use super::SCHEMA;
use crate::{IndexError, flat::TailSum};

/// Record of a block in the flat file `blocks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockRecord {
    pub(crate) hash: BlockHash,
    /// First `tx_num` behind the block.
    pub(crate) end_tx_num: TxNum,
    /// First byte behind its header in the flat file `headers`.
    pub(crate) header_end: u64,
}

impl BlockRecord {
    pub(crate) const LEN: usize = 48;

    /// Shape: block hash (32) ‖ end `tx_num` (8 LE) ‖ header end (8 LE).
    pub(crate) fn bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (hash, numbers) = bytes.split_at_mut(32);
        let (end_tx_num, header_end) = numbers.split_at_mut(8);
        hash.copy_from_slice(&self.hash.0);
        end_tx_num.copy_from_slice(&self.end_tx_num.0.to_le_bytes());
        header_end.copy_from_slice(&self.header_end.to_le_bytes());
        bytes
    }

    pub(crate) fn parse(bytes: &[u8; Self::LEN]) -> Self {
        let (hash, numbers) = bytes.split_first_chunk::<32>().unwrap_or((&[0; 32], &[]));
        let number = |at: usize| {
            numbers
                .get(at..)
                .and_then(<[u8]>::first_chunk)
                .map_or(0, |n| u64::from_le_bytes(*n))
        };
        Self {
            hash: BlockHash(*hash),
            end_tx_num: TxNum(number(0)),
            header_end: number(8),
        }
    }
}

pub(crate) const STATE_KEY: &[u8] = b"state";

/// What an index is of: the text of its file `identity`, compared at every opening.
///
/// Shape: lines `name value`, so that a person can read it too.
pub(crate) fn identity(descriptor: &Descriptor) -> String {
    format!(
        "schema {SCHEMA}\ncoin {}\nchain {}\ngenesis {}\nrevision {}\n",
        descriptor.coin, descriptor.chain, descriptor.genesis_hash, descriptor.index_revision
    )
}

/// How far an index goes: everything behind it in the flat files is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Blocks indexed, the genesis block included; 0 is an empty index.
    pub(crate) block_count: u32,
    /// Hash of the last of them.
    pub(crate) tip_hash: BlockHash,
    /// What proves the ends of the flat files.
    pub(crate) ends: FileEnds,
}

/// What proves the ends of the flat files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileEnds {
    pub(crate) blocks: TailSum,
    pub(crate) headers: TailSum,
    pub(crate) txids: TailSum,
}

impl State {
    /// Shape: block count (4 LE) ‖ tip hash (32) ‖ ends of `blocks`, `headers` and `txids` (4 LE
    /// each).
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let FileEnds {
            blocks,
            headers,
            txids,
        } = self.ends;
        let mut bytes = [&self.block_count.to_le_bytes()[..], &self.tip_hash.0].concat();
        bytes.extend(
            [blocks, headers, txids]
                .map(u32::to_le_bytes)
                .as_flattened(),
        );
        bytes
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, IndexError> {
        let corrupt = || IndexError::damaged("its state row");
        let (block_count, rest) = bytes.split_first_chunk().ok_or_else(corrupt)?;
        let (hash, rest) = rest.split_first_chunk().ok_or_else(corrupt)?;
        let (sums, []) = rest.as_chunks() else {
            return Err(corrupt());
        };
        let [blocks, headers, txids] = sums else {
            return Err(corrupt());
        };
        Ok(Self {
            block_count: u32::from_le_bytes(*block_count),
            tip_hash: BlockHash(*hash),
            ends: FileEnds {
                blocks: u32::from_le_bytes(*blocks),
                headers: u32::from_le_bytes(*headers),
                txids: u32::from_le_bytes(*txids),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive() {
        let record = BlockRecord {
            hash: BlockHash([3; 32]),
            end_tx_num: TxNum(77),
            header_end: 160,
        };
        assert_eq!(BlockRecord::parse(&record.bytes()), record);
        let state = State {
            block_count: 12,
            tip_hash: BlockHash([4; 32]),
            ends: FileEnds {
                blocks: 1,
                headers: 2,
                txids: 3 << 30,
            },
        };
        let bytes = state.bytes();
        assert_eq!(State::parse(&bytes).unwrap(), state);
        assert!(State::parse(&bytes[1..]).is_err());
        assert!(State::parse(&[&bytes[..], &[0; 4]].concat()).is_err());
    }
}
