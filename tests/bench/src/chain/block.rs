//! Valid regtest blocks of given transactions.

use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn,
    TxMerkleNode, TxOut, Witness, WitnessMerkleNode,
    absolute::LockTime,
    block::{Header, Version},
    hashes::Hash as _,
    script::Builder,
    transaction,
};

use super::script;

/// On regtest the subsidy halves this often.
const HALVING_INTERVAL: u32 = 150;
const FIRST_SUBSIDY: u64 = 50 * 100_000_000;
const REGTEST_BITS: u32 = 0x207f_ffff;
const WITNESS_RESERVED: [u8; 32] = [0; 32];
/// Shape: `OP_RETURN ‖ push of 36 bytes ‖ magic`, then the commitment. Source: BIP141.
const COMMITMENT_PREFIX: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];

/// Where a block goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) previous: BlockHash,
    pub(crate) height: u32,
    pub(crate) time: u32,
    /// What makes this coinbase differ from another one of the same height.
    pub(crate) note: u64,
}

/// What a block may create, in satoshi.
pub(crate) fn subsidy(height: u32) -> u64 {
    FIRST_SUBSIDY
        .checked_shr(height / HALVING_INTERVAL)
        .unwrap_or(0)
}

/// Makes the block that pays `reward` to a script and holds `txs`, its proof of work done.
pub(crate) fn assemble(place: &Place, reward: u64, payee: u32, txs: Vec<Transaction>) -> Block {
    let mut txdata = vec![coinbase(place, reward, payee)];
    txdata.extend(txs);
    let header = Header {
        version: Version::from_consensus(0x2000_0000),
        prev_blockhash: place.previous,
        merkle_root: TxMerkleNode::all_zeros(),
        time: place.time,
        bits: CompactTarget::from_consensus(REGTEST_BITS),
        nonce: 0,
    };
    let mut block = Block { header, txdata };
    commit_witnesses(&mut block);
    block.header.merkle_root = block
        .compute_merkle_root()
        .unwrap_or(TxMerkleNode::all_zeros());
    mine(&mut block.header);
    block
}

fn coinbase(place: &Place, reward: u64, payee: u32) -> Transaction {
    let input = TxIn {
        previous_output: OutPoint::null(),
        // The height comes first. Source: BIP34.
        script_sig: Builder::new()
            .push_int(i64::from(place.height))
            .push_slice(place.note.to_le_bytes())
            .into_script(),
        sequence: Sequence::MAX,
        witness: Witness::from_slice(&[WITNESS_RESERVED]),
    };
    Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input],
        output: vec![TxOut {
            value: Amount::from_sat(reward),
            script_pubkey: script::output_script(payee),
        }],
    }
}

fn commit_witnesses(block: &mut Block) {
    let root = block
        .witness_root()
        .unwrap_or(WitnessMerkleNode::all_zeros());
    let commitment = Block::compute_witness_commitment(&root, &WITNESS_RESERVED);
    let script = [&COMMITMENT_PREFIX[..], &commitment.to_byte_array()].concat();
    if let Some(coinbase) = block.txdata.first_mut() {
        coinbase.output.push(TxOut {
            value: Amount::ZERO,
            script_pubkey: ScriptBuf::from_bytes(script),
        });
    }
}

/// Counts the nonce up: on regtest every second hash will do.
fn mine(header: &mut Header) {
    while header.validate_pow(header.target()).is_err() {
        header.nonce = header.nonce.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Unspent, spend};

    #[test]
    fn blocks_are_valid_when_they_hold_spends() {
        let coin = Unspent {
            txid: bitcoin::Txid::from_byte_array([7; 32]),
            vout: 1,
            sats: 5_000,
            script: 99,
        };
        let tx = spend(&[coin], &[(script::FIRST, 4_000)]);
        let place = Place {
            previous: BlockHash::all_zeros(),
            height: 450,
            time: 1_296_700_000,
            note: 0,
        };
        let block = assemble(&place, subsidy(450) + 1_000, script::MINER, vec![tx]);
        assert!(block.check_merkle_root());
        assert!(block.check_witness_commitment());
        assert!(block.header.validate_pow(block.header.target()).is_ok());
        assert_eq!(block.bip34_block_height().unwrap(), 450);
        assert_eq!(subsidy(450), 625_000_000);
        assert_eq!(subsidy(u32::MAX), 0);
    }
}
