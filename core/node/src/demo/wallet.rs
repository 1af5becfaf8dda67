//! The wallets of the demonstration: one key and one address each, of every common kind.

use bitcoin::{
    Address, CompressedPublicKey, EcdsaSighashType, Network, NetworkKind, PrivateKey, ScriptBuf,
    TapSighashType, Transaction, TxOut, Witness, ecdsa,
    hashes::{Hash as _, sha256},
    key::{Keypair, TapTweak as _},
    script::PushBytesBuf,
    secp256k1::{All, Message, Secp256k1, SecretKey},
    sighash::{Prevouts, SighashCache},
    taproot,
};

/// A key and what it unlocks.
#[derive(Debug)]
pub(super) struct Wallet {
    pub(super) name: &'static str,
    pub(super) script: ScriptBuf,
    kind: Kind,
    key: PrivateKey,
    public: CompressedPublicKey,
}

/// How a wallet's coins are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    P2pkh,
    P2shP2wpkh,
    P2wpkh,
    P2tr,
}

/// What unlocks an input.
type Unlock = (ScriptBuf, Witness);

impl Wallet {
    /// Makes the wallet of that name, which is all its secret.
    pub(super) fn new(secp: &Secp256k1<All>, name: &'static str, kind: Kind) -> Self {
        let seed = sha256::Hash::hash(format!("electrode demo {name}").as_bytes());
        let secret = SecretKey::from_slice(seed.as_byte_array()).expect("a hash is in range");
        let key = PrivateKey::new(secret, NetworkKind::Test);
        let public = CompressedPublicKey::from_private_key(secp, &key).expect("it is compressed");
        let script = match kind {
            Kind::P2pkh => ScriptBuf::new_p2pkh(&public.pubkey_hash()),
            Kind::P2shP2wpkh => ScriptBuf::new_p2sh(&witness_program(&public).script_hash()),
            Kind::P2wpkh => witness_program(&public),
            Kind::P2tr => ScriptBuf::new_p2tr(secp, public.0.x_only_public_key().0, None),
        };
        Self {
            name,
            script,
            kind,
            key,
            public,
        }
    }

    /// Gives its address.
    pub(super) fn address(&self) -> String {
        let address = Address::from_script(&self.script, Network::Regtest);
        address.expect("every kind has an address").to_string()
    }

    /// Gives its key as Electrum imports it, with the kind in front where Electrum knows one.
    pub(super) fn wif(&self) -> String {
        let kind = match self.kind {
            Kind::P2pkh => "p2pkh:",
            Kind::P2shP2wpkh => "p2wpkh-p2sh:",
            Kind::P2wpkh => "p2wpkh:",
            Kind::P2tr => "",
        };
        format!("{kind}{}", self.key.to_wif())
    }

    /// Gives how many virtual bytes spending one of its coins takes, rounded up.
    pub(super) fn input_vsize(&self) -> usize {
        match self.kind {
            Kind::P2pkh => 149,
            Kind::P2shP2wpkh => 91,
            Kind::P2wpkh => 69,
            Kind::P2tr => 58,
        }
    }

    /// Signs every input; all of them spend coins of this wallet.
    pub(super) fn sign(&self, secp: &Secp256k1<All>, tx: &mut Transaction, spent: &[TxOut]) {
        let mut sighashes = SighashCache::new(&*tx);
        let unlocks: Vec<_> = (0..spent.len())
            .map(|input| self.unlock(secp, &mut sighashes, (input, spent)))
            .collect();
        for (input, (script_sig, witness)) in tx.input.iter_mut().zip(unlocks) {
            input.script_sig = script_sig;
            input.witness = witness;
        }
    }

    fn unlock(
        &self,
        secp: &Secp256k1<All>,
        sighashes: &mut SighashCache<&Transaction>,
        (input, spent): (usize, &[TxOut]),
    ) -> Unlock {
        const INPUT: &str = "every spent output has its input";
        let all = EcdsaSighashType::All;
        let ecdsa = |message: Message| ecdsa::Signature {
            signature: secp.sign_ecdsa_low_r(&message, &self.key.inner),
            sighash_type: all,
        };
        match self.kind {
            Kind::P2pkh => {
                let hash = sighashes.legacy_signature_hash(input, &self.script, all.to_u32());
                let signature = ecdsa(hash.expect(INPUT).into()).serialize();
                let script_sig = ScriptBuf::builder()
                    .push_slice(signature)
                    .push_slice(self.public.to_bytes());
                (script_sig.into_script(), Witness::new())
            }
            Kind::P2shP2wpkh | Kind::P2wpkh => {
                let program = witness_program(&self.public);
                let value = spent.get(input).expect(INPUT).value;
                let hash = sighashes.p2wpkh_signature_hash(input, &program, value, all);
                let witness = Witness::p2wpkh(&ecdsa(hash.expect(INPUT).into()), &self.public.0);
                (self.redeem_push(program), witness)
            }
            Kind::P2tr => {
                let kind = TapSighashType::Default;
                let spent = Prevouts::All(spent);
                let hash = sighashes.taproot_key_spend_signature_hash(input, &spent, kind);
                let key = Keypair::from_secret_key(secp, &self.key.inner).tap_tweak(secp, None);
                let message = hash.expect(INPUT).into();
                let signature = taproot::Signature {
                    signature: secp.sign_schnorr_no_aux_rand(&message, &key.to_keypair()),
                    sighash_type: kind,
                };
                (ScriptBuf::new(), Witness::p2tr_key_spend(&signature))
            }
        }
    }

    /// Gives the script of an input that is otherwise unlocked by its witness.
    fn redeem_push(&self, program: ScriptBuf) -> ScriptBuf {
        match self.kind {
            Kind::P2shP2wpkh => {
                let push = PushBytesBuf::try_from(program.into_bytes()).expect("22 bytes");
                ScriptBuf::builder().push_slice(push).into_script()
            }
            _ => ScriptBuf::new(),
        }
    }
}

fn witness_program(public: &CompressedPublicKey) -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&public.wpubkey_hash())
}
