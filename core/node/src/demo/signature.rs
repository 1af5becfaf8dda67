//! Checks signatures of the kinds of output that wallets commonly use.

use bitcoin::{
    PublicKey, Script, ScriptBuf, Transaction, TxOut, Witness, XOnlyPublicKey, ecdsa,
    script::Instruction,
    secp256k1::{All, Message, Secp256k1},
    sighash::{Prevouts, SighashCache},
    taproot,
};

/// One input, and what its signatures cover.
struct Input<'a> {
    secp: &'a Secp256k1<All>,
    sighashes: SighashCache<&'a Transaction>,
    index: usize,
    spent: &'a [TxOut],
    script_sig: &'a Script,
    witness: &'a Witness,
}

/// Tells whether every input is signed as the output it spends demands; `spent` holds those
/// outputs in the order of the inputs.
///
/// Checked are P2PKH, P2WPKH, P2WPKH within P2SH, and P2TR by its key. Other outputs pass.
pub(super) fn are_signed(secp: &Secp256k1<All>, tx: &Transaction, spent: &[TxOut]) -> bool {
    tx.input
        .iter()
        .zip(spent)
        .enumerate()
        .all(|(index, (txin, output))| {
            let input = Input {
                secp,
                sighashes: SighashCache::new(tx),
                index,
                spent,
                script_sig: &txin.script_sig,
                witness: &txin.witness,
            };
            input.unlocks(output).is_some()
        })
}

impl Input<'_> {
    /// Gives `None` if the input does not unlock the output.
    fn unlocks(self, output: &TxOut) -> Option<()> {
        let script = &output.script_pubkey;
        if script.is_p2pkh() {
            return self.unlocks_p2pkh(script);
        }
        if script.is_p2wpkh() {
            return self.unlocks_p2wpkh(output, script);
        }
        if script.is_p2tr() {
            return self.unlocks_p2tr(script);
        }
        if script.is_p2sh() {
            let redeem = ScriptBuf::from_bytes(pushes(self.script_sig).pop()?);
            ensure(ScriptBuf::new_p2sh(&redeem.script_hash()) == *script)?;
            if redeem.is_p2wpkh() {
                return self.unlocks_p2wpkh(output, &redeem);
            }
        }
        Some(())
    }

    fn unlocks_p2pkh(self, script: &Script) -> Option<()> {
        let pushes = pushes(self.script_sig);
        let [signature, key] = pushes.as_slice() else {
            return None;
        };
        let key = PublicKey::from_slice(key).ok()?;
        ensure(ScriptBuf::new_p2pkh(&key.pubkey_hash()) == *script)?;
        let signature = ecdsa::Signature::from_slice(signature).ok()?;
        let kind = signature.sighash_type.to_u32();
        let hash = self
            .sighashes
            .legacy_signature_hash(self.index, script, kind)
            .ok()?;
        self.secp
            .verify_ecdsa(&hash.into(), &signature.signature, &key.inner)
            .ok()
    }

    fn unlocks_p2wpkh(mut self, output: &TxOut, program: &Script) -> Option<()> {
        let (signature, key) = (self.witness.nth(0)?, self.witness.nth(1)?);
        ensure(self.witness.len() == 2)?;
        let key = PublicKey::from_slice(key).ok()?;
        ensure(ScriptBuf::new_p2wpkh(&key.wpubkey_hash().ok()?) == *program)?;
        let signature = ecdsa::Signature::from_slice(signature).ok()?;
        let kind = signature.sighash_type;
        let hash = self
            .sighashes
            .p2wpkh_signature_hash(self.index, program, output.value, kind)
            .ok()?;
        self.secp
            .verify_ecdsa(&hash.into(), &signature.signature, &key.inner)
            .ok()
    }

    fn unlocks_p2tr(mut self, script: &Script) -> Option<()> {
        if self.witness.len() > 1 {
            return Some(()); // By a script of its tree: not checked.
        }
        let signature = taproot::Signature::from_slice(self.witness.nth(0)?).ok()?;
        let key = XOnlyPublicKey::from_slice(script.as_bytes().get(2..)?).ok()?;
        let spent = Prevouts::All(self.spent);
        let kind = signature.sighash_type;
        let hash = self
            .sighashes
            .taproot_key_spend_signature_hash(self.index, &spent, kind)
            .ok()?;
        self.secp
            .verify_schnorr(&signature.signature, &Message::from(hash), &key)
            .ok()
    }
}

fn ensure(holds: bool) -> Option<()> {
    holds.then_some(())
}

/// Gives what a script pushes; nothing more once it does not parse.
fn pushes(script: &Script) -> Vec<Vec<u8>> {
    let push = |instruction| match instruction {
        Ok(Instruction::PushBytes(bytes)) => Some(bytes.as_bytes().to_vec()),
        _ => None,
    };
    script.instructions().map_while(push).collect()
}
