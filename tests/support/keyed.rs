//! Outputs that a key or a script hash locks: those that a node stores in a short form.

use bitcoin::{
    Amount, OutPoint, PublicKey, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness,
    absolute::LockTime,
    ecdsa,
    hashes::Hash as _,
    script::Builder,
    secp256k1::{All, Message, Secp256k1, SecretKey},
    sighash::{EcdsaSighashType, SighashCache},
    transaction::Version,
};

/// The key that owns everything here.
#[derive(Debug)]
pub struct Keyed {
    secp: Secp256k1<All>,
    secret: SecretKey,
}

impl Default for Keyed {
    fn default() -> Self {
        Self {
            secp: Secp256k1::new(),
            secret: SecretKey::from_slice(&[7; 32]).unwrap(),
        }
    }
}

impl Keyed {
    /// Gives an output script of each form: key and key hash, each of a short and of a long key,
    /// and script hash.
    #[must_use]
    pub fn scripts(&self) -> Vec<ScriptBuf> {
        let [short, long] = self.keys();
        vec![
            ScriptBuf::new_p2pk(&short),
            ScriptBuf::new_p2pk(&long),
            ScriptBuf::new_p2pkh(&short.pubkey_hash()),
            ScriptBuf::new_p2pkh(&long.pubkey_hash()),
            ScriptBuf::new_p2sh(&Self::redeem_script().script_hash()),
        ]
    }

    /// Makes a transaction that spends the first outputs of `funding`, one for each of
    /// [`Self::scripts`], into one output with `value`.
    ///
    /// # Panics
    /// `funding` has other outputs.
    #[must_use]
    pub fn spend_all(&self, funding: &Transaction, to: &Script, value: u64) -> Transaction {
        let txid = funding.compute_txid();
        let vouts = 0..u32::try_from(self.scripts().len()).unwrap();
        let mut tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vouts
                .map(|vout| unsigned(OutPoint::new(txid, vout)))
                .collect(),
            output: vec![TxOut {
                value: Amount::from_sat(value),
                script_pubkey: to.to_owned(),
            }],
        };
        for (input, script) in self.scripts().iter().enumerate() {
            assert_eq!(funding.output[input].script_pubkey, *script);
            tx.input[input].script_sig = self.script_sig(&tx, input, script);
        }
        tx
    }

    fn script_sig(&self, tx: &Transaction, input: usize, script: &Script) -> ScriptBuf {
        if script.is_p2sh() {
            let redeem_script: [u8; 1] = Self::redeem_script().to_bytes().try_into().unwrap();
            return Builder::new().push_slice(redeem_script).into_script();
        }
        let all = EcdsaSighashType::All.to_u32();
        let hash = SighashCache::new(tx).legacy_signature_hash(input, script, all);
        let message = Message::from_digest(hash.unwrap().to_byte_array());
        let signature = self.secp.sign_ecdsa(&message, &self.secret);
        let signature = ecdsa::Signature::sighash_all(signature).serialize();
        let mut script_sig = Builder::new().push_slice(signature);
        let hashed = |key: &PublicKey| *script == ScriptBuf::new_p2pkh(&key.pubkey_hash());
        if let Some(key) = self.keys().iter().find(|key| hashed(key)) {
            script_sig = script_sig.push_key(key);
        }
        script_sig.into_script()
    }

    /// The key in its short and in its long form.
    fn keys(&self) -> [PublicKey; 2] {
        let key = self.secret.public_key(&self.secp);
        [PublicKey::new(key), PublicKey::new_uncompressed(key)]
    }

    /// `OP_TRUE`
    fn redeem_script() -> ScriptBuf {
        ScriptBuf::from_bytes(vec![0x51])
    }
}

fn unsigned(previous_output: OutPoint) -> TxIn {
    TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    }
}
