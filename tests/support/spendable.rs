//! Outputs that need no signature, and transactions that spend them.

use bitcoin::{
    Amount, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness,
    absolute::LockTime, transaction::Version,
};

use crate::script_hash;

/// An output script that anyone can spend and that its number makes unlike any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Pays to the hash of a witness script.
    Segwit(u64),
    /// Carries its condition itself, so that what spends it has no witness.
    Bare(u64),
}

impl Lock {
    /// Gives the output script.
    #[must_use]
    pub fn script(self) -> ScriptBuf {
        match self {
            Self::Segwit(number) => ScriptBuf::new_p2wsh(&drop_number(number).wscript_hash()),
            Self::Bare(number) => drop_number(number),
        }
    }

    /// Names the script as the protocol does.
    #[must_use]
    pub fn script_hash(self) -> String {
        script_hash(self.script().as_bytes())
    }

    fn witness(self) -> Witness {
        match self {
            Self::Segwit(number) => Witness::from_slice(&[drop_number(number).as_bytes()]),
            Self::Bare(_) => Witness::new(),
        }
    }
}

/// `<number> OP_DROP OP_TRUE`
fn drop_number(number: u64) -> ScriptBuf {
    let mut bytes = vec![8];
    bytes.extend(number.to_le_bytes());
    bytes.extend([0x75, 0x51]);
    ScriptBuf::from_bytes(bytes)
}

/// An output that can be spent.
#[derive(Clone, Copy, Debug)]
pub struct Spendable {
    /// Where it is.
    pub outpoint: OutPoint,
    /// What it holds, in satoshis.
    pub value: u64,
    /// What locks it.
    pub lock: Lock,
}

impl Spendable {
    /// Sends everything but `fee` to `to`.
    #[must_use]
    pub fn forward(&self, to: Lock, fee: u64) -> Transaction {
        pay(&[*self], &[(&to.script(), self.value - fee)])
    }

    /// Finds the first output of `tx` that `lock` locks.
    #[must_use]
    pub fn find(tx: &Transaction, lock: Lock) -> Self {
        let script = lock.script();
        let vout = tx
            .output
            .iter()
            .position(|output| output.script_pubkey == script)
            .unwrap();
        Self {
            outpoint: OutPoint::new(tx.compute_txid(), u32::try_from(vout).unwrap()),
            value: tx.output[vout].value.to_sat(),
            lock,
        }
    }
}

/// Makes a transaction that spends `inputs` into `outputs`; what is left is the fee.
///
/// Every input signals that the transaction may be replaced (BIP125).
#[must_use]
pub fn pay(inputs: &[Spendable], outputs: &[(&Script, u64)]) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: inputs.iter().map(spend).collect(),
        output: outputs.iter().map(create).collect(),
    }
}

fn spend(spendable: &Spendable) -> TxIn {
    TxIn {
        previous_output: spendable.outpoint,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: spendable.lock.witness(),
    }
}

fn create((script, value): &(&Script, u64)) -> TxOut {
    TxOut {
        value: Amount::from_sat(*value),
        script_pubkey: script.to_bytes().into(),
    }
}
