//! Puts blocks together: coinbase, commitments, proof of work.

use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn,
    TxMerkleNode, TxOut, Witness,
    absolute::LockTime,
    block::{Header, Version},
    hashes::Hash as _,
    opcodes::all::OP_RETURN,
    transaction,
};

use electrode_coin::Height;

/// The target of every regtest block: one hash in two meets it.
const BITS: u32 = 0x207f_ffff;

/// After how many blocks regtest halves what a block creates.
const HALVING_INTERVAL: u32 = 150;

/// What the first blocks create, in the smallest unit.
const FIRST_SUBSIDY: u64 = 50 * 100_000_000;

/// Four bytes that mark a witness commitment. Source: BIP141.
const COMMITMENT_MARK: [u8; 4] = [0xaa, 0x21, 0xa9, 0xed];

/// What goes into a block.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) prev: BlockHash,
    pub(super) height: Height,
    pub(super) time: u32,
    /// Who gets the subsidy and the fees.
    pub(super) payee: ScriptBuf,
    pub(super) fees: Amount,
    /// All but the coinbase.
    pub(super) transactions: Vec<Transaction>,
}

impl Template {
    /// Makes a valid block of it.
    pub(super) fn into_block(self) -> Block {
        let header = Header {
            version: Version::NO_SOFT_FORK_SIGNALLING,
            prev_blockhash: self.prev,
            merkle_root: TxMerkleNode::all_zeros(),
            time: self.time,
            bits: CompactTarget::from_consensus(BITS),
            nonce: 0,
        };
        let coinbase = coinbase(self.height, self.payee, self.fees);
        let txdata = std::iter::once(coinbase).chain(self.transactions).collect();
        let mut block = Block { header, txdata };
        commit_to_witnesses(&mut block);
        block.header.merkle_root = block.compute_merkle_root().expect("it has a coinbase");
        grind(&mut block.header);
        block
    }
}

fn coinbase(height: Height, payee: ScriptBuf, fees: Amount) -> Transaction {
    let subsidy = FIRST_SUBSIDY
        .checked_shr(height.0 / HALVING_INTERVAL)
        .unwrap_or(0);
    // BIP34 wants the height first; a second push keeps it longer than the shortest allowed.
    let script_sig = ScriptBuf::builder()
        .push_int(i64::from(height.0))
        .push_int(0)
        .into_script();
    let mut witness = Witness::new();
    witness.push([0; 32]);
    Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig,
            sequence: Sequence::MAX,
            witness,
        }],
        output: vec![TxOut {
            value: Amount::from_sat(subsidy) + fees,
            script_pubkey: payee,
        }],
    }
}

/// Adds the output that commits to the witnesses of the block's transactions.
fn commit_to_witnesses(block: &mut Block) {
    let root = block.witness_root().expect("it has a coinbase");
    let commitment = Block::compute_witness_commitment(&root, &[0; 32]);
    let mut data = [0; 36];
    let (mark, hash) = data.split_at_mut(COMMITMENT_MARK.len());
    mark.copy_from_slice(&COMMITMENT_MARK);
    hash.copy_from_slice(commitment.as_byte_array());
    let script_pubkey = ScriptBuf::builder()
        .push_opcode(OP_RETURN)
        .push_slice(data)
        .into_script();
    if let Some(coinbase) = block.txdata.first_mut() {
        coinbase.output.push(TxOut {
            value: Amount::ZERO,
            script_pubkey,
        });
    }
}

/// Tries nonces until the hash meets the target: two on average.
fn grind(header: &mut Header) {
    let target = header.target();
    while header.validate_pow(target).is_err() {
        header.nonce = header.nonce.wrapping_add(1);
    }
}
