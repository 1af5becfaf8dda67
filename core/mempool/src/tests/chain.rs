//! What tests spend: transactions as real bytes, and a confirmed chain that answers for outputs.

use std::collections::BTreeMap;

use electrode_coin::{
    Descriptor, FamilyCoin, OutPoint, Sats, ScriptHash, ScriptKey, TransactionFamily, Txid, sha256d,
};

use crate::{Mempool, NewTx, Prevout, Prevouts, Touched};

/// Scripts that tests pay to; the last one can never be spent.
pub(super) const SCRIPTS: [&[u8]; 6] = [&[0x51], &[0x52], &[0x53], &[0x54], &[0x55], &[0x6a, 1, 7]];

/// Where in [`SCRIPTS`] the one that nobody can spend is.
pub(super) const BURN: usize = 5;

/// A transaction and the bytes that a node would give for it.
#[derive(Clone, Debug)]
pub(super) struct TestTx {
    pub(super) txid: Txid,
    pub(super) raw: Vec<u8>,
    pub(super) inputs: Vec<OutPoint>,
    /// Index into [`SCRIPTS`], value.
    pub(super) outputs: Vec<(usize, u64)>,
}

impl TestTx {
    /// Builds a transaction that takes up `padding` bytes more than it has to.
    pub(super) fn new(inputs: &[OutPoint], outputs: &[(usize, u64)], padding: u32) -> Self {
        let mut raw = 2u32.to_le_bytes().to_vec();
        raw.extend(compact_size(inputs.len()));
        for (position, input) in inputs.iter().enumerate() {
            let padding = if position == 0 { padding } else { 0 };
            raw.extend(input.txid.0);
            raw.extend(input.vout.to_le_bytes());
            raw.push(0xfe);
            raw.extend(padding.to_le_bytes());
            raw.extend(vec![0; padding as usize]);
            raw.extend([0xff; 4]);
        }
        raw.extend(compact_size(outputs.len()));
        for (script, value) in outputs {
            raw.extend(value.to_le_bytes());
            raw.extend(compact_size(SCRIPTS[*script].len()));
            raw.extend(SCRIPTS[*script]);
        }
        raw.extend([0; 4]);
        let (inputs, outputs) = (inputs.to_vec(), outputs.to_vec());
        Self {
            txid: Txid(sha256d(&raw)),
            raw,
            inputs,
            outputs,
        }
    }

    pub(super) fn parse(&self) -> NewTx {
        NewTx::parse(&coin(), self.txid, &self.raw)
            .unwrap()
            .unwrap()
    }

    pub(super) fn outpoint(&self, vout: u32) -> OutPoint {
        OutPoint {
            txid: self.txid,
            vout,
        }
    }

    /// Gives the outputs that can be spent.
    pub(super) fn spendable(&self) -> impl Iterator<Item = (OutPoint, Prevout)> {
        let outputs = (0..)
            .zip(&self.outputs)
            .filter(|(_, (script, _))| *script != BURN);
        outputs.map(|(vout, (script, value))| {
            (
                self.outpoint(vout),
                Prevout {
                    key: key(*script),
                    value: Sats(*value),
                },
            )
        })
    }
}

/// The confirmed and unspent outputs.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain(pub(super) BTreeMap<OutPoint, Prevout>);

impl Chain {
    /// Starts with outputs of these values to the first script.
    pub(super) fn paying(values: &[u64]) -> Self {
        let outputs = (0..).zip(values).map(|(vout, value)| {
            (
                funded(vout),
                Prevout {
                    key: key(0),
                    value: Sats(*value),
                },
            )
        });
        Self(outputs.collect())
    }

    /// Connects transactions and gives what they spend.
    pub(super) fn connect(&mut self, txs: &[&TestTx]) -> Vec<OutPoint> {
        self.0.extend(txs.iter().flat_map(|tx| tx.spendable()));
        let spent: Vec<OutPoint> = txs.iter().flat_map(|tx| tx.inputs.clone()).collect();
        self.0.retain(|outpoint, _| !spent.contains(outpoint));
        spent
    }
}

impl Prevouts for Chain {
    type Error = std::convert::Infallible;

    fn prevouts(&self, outpoints: &[OutPoint]) -> Result<Vec<Option<Prevout>>, Self::Error> {
        Ok(outpoints
            .iter()
            .map(|outpoint| self.0.get(outpoint).copied())
            .collect())
    }
}

/// An index that moves while it is read.
#[derive(Debug)]
pub(super) struct Moving;

impl Prevouts for Moving {
    type Error = &'static str;

    fn prevouts(&self, _outpoints: &[OutPoint]) -> Result<Vec<Option<Prevout>>, Self::Error> {
        Err("the chain moved")
    }
}

/// Names the n-th output of [`Chain::paying`].
pub(super) fn funded(vout: u32) -> OutPoint {
    OutPoint {
        txid: Txid([0xcb; 32]),
        vout,
    }
}

pub(super) fn key(script: usize) -> ScriptKey {
    ScriptHash::of(SCRIPTS[script]).key()
}

/// Lists these transactions, and fetches what is missing of them.
pub(super) fn sync(mempool: &mut Mempool, chain: &Chain, listed: &[&TestTx]) -> Touched {
    let listing: Vec<Txid> = listed.iter().map(|tx| tx.txid).collect();
    let missing = mempool.missing(&listing);
    let fetched = listed
        .iter()
        .filter(|tx| missing.contains(&tx.txid))
        .map(|tx| tx.parse());
    let Ok(touched) = mempool.reconcile(&listing, fetched.collect(), chain);
    touched
}

/// A coin without witnesses: the mempool sees nothing of a transaction's form but its size.
pub(super) fn coin() -> FamilyCoin {
    FamilyCoin::new(Descriptor {
        coin: "testcoin".into(),
        net: "regtest".into(),
        chain: "testcoin".into(),
        transactions: TransactionFamily::Legacy,
        ..Descriptor::default()
    })
}

fn compact_size(count: usize) -> Vec<u8> {
    let mut bytes = vec![0xfe];
    bytes.extend(u32::try_from(count).unwrap().to_le_bytes());
    bytes
}
