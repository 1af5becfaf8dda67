//! What happens on the chain of the demonstration: the same at every start, then on and on.

use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness,
    absolute::LockTime,
    opcodes::all::OP_RETURN,
    script::PushBytesBuf,
    secp256k1::{All, Secp256k1},
    transaction,
};

use electrode_coin::{Height, Sats};

use super::{
    DemoAddress,
    chain::Chain,
    wallet::{Kind, Wallet},
};

/// How many blocks are mined before there is anything to spend.
const QUIET_BLOCKS: u32 = 100;
/// How many blocks of payments follow.
const BUSY_BLOCKS: u32 = 40;
/// How many payments each of them has.
const PAYMENTS: u32 = 10;

/// When the first block after genesis was mined: June 2025.
const FIRST_TIME: u32 = 1_750_000_000;
/// How far blocks of the told story are apart.
const BLOCK_SECS: u32 = 600;

/// The most coins that one payment spends.
const MAX_INPUTS: usize = 3;
/// The most that a virtual byte pays.
const MAX_FEE_RATE: u64 = 20;
/// What is worth a payment: its fee is at most a tenth, and a hundredth of it is not dust.
const LEAST_PURSE: Amount = Amount::from_sat(120_000);
/// Virtual bytes of a transaction besides its inputs and outputs, rounded up.
const FRAME_VSIZE: usize = 11;
/// Every so many payments, on average, one carries a message.
const MESSAGE_ODDS: u64 = 10;

/// The people of the demonstration, and what they do next.
#[derive(Debug)]
pub(super) struct Story {
    people: People,
    dice: Dice,
    payments: u32,
}

/// Everyone who has a wallet.
#[derive(Debug)]
struct People {
    secp: Secp256k1<All>,
    miner: Wallet,
    others: Vec<Wallet>,
}

/// What one payment spends.
struct Purse<'a> {
    payer: &'a Wallet,
    outpoints: Vec<OutPoint>,
    spent: Vec<TxOut>,
}

impl Story {
    /// Sets the stage.
    pub(super) fn new() -> Self {
        Self {
            people: People::new(),
            dice: Dice(0x0065_6c65_6374_726f),
            payments: 0,
        }
    }

    /// Tells the story up to now.
    pub(super) fn tell(&mut self, chain: &mut Chain) {
        for number in 0..QUIET_BLOCKS + BUSY_BLOCKS {
            if number >= QUIET_BLOCKS {
                (0..PAYMENTS).for_each(|_| self.pay(chain));
            }
            self.mine(chain, FIRST_TIME + number * BLOCK_SECS);
        }
    }

    /// Mines what waits.
    pub(super) fn mine(&self, chain: &mut Chain, time: u32) {
        chain.mine(time, self.people.miner.script.clone());
    }

    /// Lets someone who has coins pay someone else; nothing happens if nobody has.
    pub(super) fn pay(&mut self, chain: &mut Chain) {
        let Some(purse) = self.people.purse(chain, &mut self.dice) else {
            return;
        };
        let mut outputs = self.people.outputs(&purse, &mut self.dice);
        if self.dice.roll(MESSAGE_ODDS) == 0 {
            outputs.push(message(self.payments));
        }
        share(&purse, &mut outputs, &mut self.dice);
        let tx = self.people.sign(&purse, outputs, chain.tip());
        self.payments += 1;
        // A full mempool refuses; the next block makes room again.
        let _taken = chain.submit(tx);
    }

    /// Gives everyone's address and what is on it.
    pub(super) fn addresses(&self, chain: &Chain) -> Vec<DemoAddress> {
        let balance = |wallet: &Wallet| {
            let coins = chain.coins_of(&wallet.script);
            Sats(
                coins
                    .map(|(_outpoint, coin)| coin.output.value.to_sat())
                    .sum(),
            )
        };
        let address = |wallet: &Wallet| DemoAddress {
            name: wallet.name,
            address: wallet.address(),
            wif: Some(wallet.wif()),
            balance: balance(wallet),
        };
        self.people.wallets().map(address).collect()
    }
}

impl People {
    fn new() -> Self {
        let secp = Secp256k1::new();
        let others = [
            ("alice", Kind::P2wpkh),
            ("bob", Kind::P2tr),
            ("carol", Kind::P2pkh),
            ("dave", Kind::P2shP2wpkh),
            ("erin", Kind::P2wpkh),
        ];
        Self {
            miner: Wallet::new(&secp, "miner", Kind::P2wpkh),
            others: others
                .map(|(name, kind)| Wallet::new(&secp, name, kind))
                .into(),
            secp,
        }
    }

    fn wallets(&self) -> impl Iterator<Item = &Wallet> + Clone {
        std::iter::once(&self.miner).chain(&self.others)
    }

    /// Opens the purse of someone who has enough for a payment.
    fn purse(&self, chain: &Chain, dice: &mut Dice) -> Option<Purse<'_>> {
        let count = self.wallets().count();
        let payers = self.wallets().cycle().skip(dice.below(count)).take(count);
        payers
            .map(|payer| Purse::open(payer, chain, dice))
            .find(|purse| purse.value() >= LEAST_PURSE)
    }

    /// Gives an output to someone else, and one back.
    fn outputs(&self, purse: &Purse<'_>, dice: &mut Dice) -> Vec<TxOut> {
        let is_other = |wallet: &&Wallet| wallet.name != purse.payer.name;
        let payees: Vec<_> = self.others.iter().filter(is_other).collect();
        let payee = payees
            .get(dice.below(payees.len()))
            .expect("five people, one paying");
        [&payee.script, &purse.payer.script]
            .map(|script| TxOut {
                value: Amount::ZERO,
                script_pubkey: script.clone(),
            })
            .into()
    }

    fn sign(&self, purse: &Purse<'_>, output: Vec<TxOut>, tip: Height) -> Transaction {
        let mut tx = Transaction {
            version: transaction::Version::TWO,
            // As Electrum and Bitcoin Core do it, against miners who would mine the past again.
            lock_time: LockTime::from_height(tip.0).unwrap_or(LockTime::ZERO),
            input: purse.outpoints.iter().copied().map(input).collect(),
            output,
        };
        purse.payer.sign(&self.secp, &mut tx, &purse.spent);
        tx
    }
}

impl<'a> Purse<'a> {
    /// Takes some coins of a wallet, if it has any.
    fn open(payer: &'a Wallet, chain: &Chain, dice: &mut Dice) -> Self {
        let coins = chain.coins_of(&payer.script);
        let mature: Vec<_> = coins
            .filter(|(_outpoint, coin)| chain.is_mature(coin))
            .collect();
        let (first, count) = (dice.below(mature.len()), 1 + dice.below(MAX_INPUTS));
        let taken = mature.iter().skip(first).take(count);
        let (outpoints, spent) = taken
            .map(|(outpoint, coin)| (**outpoint, coin.output.clone()))
            .unzip();
        Self {
            payer,
            outpoints,
            spent,
        }
    }

    fn value(&self) -> Amount {
        self.spent.iter().map(|output| output.value).sum()
    }
}

/// Shares the purse between the first output, the second one and the miner.
fn share(purse: &Purse<'_>, outputs: &mut [TxOut], dice: &mut Dice) {
    let outputs_vsize: usize = outputs.iter().map(TxOut::size).sum();
    let inputs_vsize = purse.payer.input_vsize() * purse.spent.len();
    let vsize = u64::try_from(FRAME_VSIZE + outputs_vsize + inputs_vsize).expect("a few inputs");
    let fee = Amount::from_sat(vsize * (1 + dice.roll(MAX_FEE_RATE)));
    let rest = purse.value() - fee;
    let paid = rest * (1 + dice.roll(50)) / 100;
    for (output, value) in outputs.iter_mut().zip([paid, rest - paid]) {
        output.value = value;
    }
}

fn message(number: u32) -> TxOut {
    let text = format!("electrode demo, payment {number}");
    let push = PushBytesBuf::try_from(text.into_bytes()).expect("a short text");
    let script_pubkey = ScriptBuf::builder()
        .push_opcode(OP_RETURN)
        .push_slice(push)
        .into_script();
    TxOut {
        value: Amount::ZERO,
        script_pubkey,
    }
}

fn input(previous_output: OutPoint) -> TxIn {
    TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    }
}

/// Numbers that look like chance and are the same at every start.
///
/// Source: `SplitMix64`.
#[derive(Clone, Copy, Debug)]
struct Dice(u64);

impl Dice {
    /// Gives a number below `sides`, 0 if there are none.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).checked_rem(sides).unwrap_or(0)
    }

    fn below(&mut self, len: usize) -> usize {
        // A number below `len` fits what `len` fits.
        u64::try_from(len)
            .ok()
            .and_then(|len| self.roll(len).try_into().ok())
            .unwrap_or(0)
    }
}
