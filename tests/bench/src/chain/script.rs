//! Scripts by number: P2WSH of `<number> OP_DROP OP_TRUE`, unique and spendable unsigned.

use bitcoin::{
    ScriptBuf, WScriptHash, Witness,
    hashes::{Hash as _, sha256},
    opcodes::all::{OP_DROP, OP_PUSHBYTES_4, OP_PUSHNUM_1},
};

/// The numbers below this one are hot.
pub(crate) const HOT: u32 = 6;
/// The script that every coinbase pays.
pub(crate) const MINER: u32 = HOT;
/// The first number of the other scripts.
pub(crate) const FIRST: u32 = 8;
/// Scripts made during a run count from here, out of the generator's reach.
const MADE_IN_RUN: u32 = 0x8000_0000;
/// Of the other scripts, those with a number divisible by this are paid again.
pub(crate) const REUSED_EVERY: u32 = 8;

/// The number of a script that no block of the generator pays.
pub(crate) fn made_in_run(index: u32) -> u32 {
    MADE_IN_RUN | index
}

/// The output script of a number.
pub(crate) fn output_script(number: u32) -> ScriptBuf {
    ScriptBuf::new_p2wsh(&WScriptHash::hash(&witness_script(number)))
}

/// The witness that spends an output of a number.
pub(crate) fn witness(number: u32) -> Witness {
    Witness::from_slice(&[witness_script(number)])
}

/// The Electrum script hash of a number, as on the wire.
pub(crate) fn script_hash(number: u32) -> String {
    // The protocol shows it reversed, as a txid is shown.
    let hash = sha256::Hash::hash(output_script(number).as_bytes());
    bitcoin::Txid::from_byte_array(hash.to_byte_array()).to_string()
}

fn witness_script(number: u32) -> [u8; 7] {
    let [a, b, c, d] = number.to_le_bytes();
    [
        OP_PUSHBYTES_4.to_u8(),
        a,
        b,
        c,
        d,
        OP_DROP.to_u8(),
        OP_PUSHNUM_1.to_u8(),
    ]
}
