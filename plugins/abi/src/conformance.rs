//! What every coin must do whatever it is like: for the tests of authors.

use std::ops::ControlFlow;

use serde::Deserialize;

use crate::{
    BlockHash, Coin, CoinError, Descriptor, Height, MerkleTree, Parsed, TxView, Txid, Unspendable,
    VectorError, merkle_root,
};

/// Places at which a block is cut and spoilt.
const SPOILT: usize = 500;

/// A block as a node tells of it.
///
/// Shape: the JSON of `getblock`, of which these keys are read, and the block itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Fixture {
    /// The block in hex: `getblock <hash> false`.
    pub block: String,
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
    /// Hash of the block before; none for the genesis block.
    #[serde(default)]
    pub previousblockhash: BlockHash,
    /// Its txids in order.
    pub tx: Vec<Txid>,
    /// The root of the tree over them.
    pub merkleroot: Txid,
}

/// What a coin gets wrong.
#[derive(Debug)]
pub struct Violation(String);

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

impl From<VectorError> for Violation {
    fn from(error: VectorError) -> Self {
        Self(error.to_string())
    }
}

/// Tries the examples of the coin's descriptor, and every block as it is, cut and spoilt.
///
/// # Errors
/// The first thing that the coin gets wrong.
///
/// # Panics
/// The coin does.
pub fn run(coin: &dyn Coin, fixtures: &[&str]) -> Result<(), Violation> {
    let descriptor = coin.descriptor();
    let text = descriptor.to_toml().map_err(said)?;
    if Descriptor::from_toml(&text).map_err(said)? != *descriptor {
        return wrong("the descriptor does not survive being written and read");
    }
    descriptor.vectors.check(coin)?;
    fixtures.iter().try_for_each(|fixture| {
        let fixture: Fixture =
            serde_json::from_str(fixture).map_err(|error| Violation(error.to_string()))?;
        let block = from_hex(&fixture.block)?;
        Trial {
            coin,
            fixture: &fixture,
            block: &block,
        }
        .run()
    })
}

/// One block under test.
struct Trial<'a> {
    coin: &'a dyn Coin,
    fixture: &'a Fixture,
    block: &'a [u8],
}

impl Trial<'_> {
    fn run(&self) -> Result<(), Violation> {
        self.header()?;
        self.transactions()?;
        self.stops_when_told()?;
        self.survives_damage();
        Ok(())
    }

    fn header(&self) -> Result<(), Violation> {
        let Fixture { height, hash, .. } = *self.fixture;
        let len = self.coin.header_len(height, self.block).map_err(said)?;
        let Some(header) = self.block.get(..len) else {
            return wrong(format!("block {hash}: its header is longer than the block"));
        };
        let got = self.coin.header_hash(height, header).map_err(said)?;
        if got.is_some_and(|got| got != hash) {
            return wrong(format!("block {hash}: header_hash gives {got:?}"));
        }
        let prev = self.coin.header_prev(header).map_err(said)?;
        if prev != self.fixture.previousblockhash {
            return wrong(format!("block {hash}: header_prev gives {prev}"));
        }
        let in_header = header.get(36..68) == Some(&self.fixture.merkleroot.0);
        let is_tree = self.coin.descriptor().merkle_tree == MerkleTree::Sha256d;
        if is_tree && !(in_header && merkle_root(&self.fixture.tx) == self.fixture.merkleroot.0) {
            return wrong(format!("block {hash}: the Merkle root does not fit"));
        }
        Ok(())
    }

    fn transactions(&self) -> Result<(), Violation> {
        let Fixture { height, hash, .. } = *self.fixture;
        let mut txids = Vec::new();
        let mut verdict = Ok(());
        let mut next = None;
        let mut sink = |tx: &TxView<'_>| {
            txids.push(tx.txid);
            let follows = next.is_none_or(|next| next == tx.offset);
            next = tx.offset.checked_add(tx.len);
            verdict = match (follows, self.block.get(tx.offset..next.unwrap_or(0))) {
                (true, Some(raw)) => self.lone(tx, raw).and_then(|()| self.outputs(tx)),
                _ => wrong(format!(
                    "transaction {} does not follow the one before",
                    tx.txid
                )),
            };
            match verdict {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        };
        let parsed = self.coin.parse_block(height, self.block, &mut sink);
        verdict?;
        parsed.map_err(said)?;
        if txids != self.fixture.tx {
            return wrong(format!(
                "block {hash}: other transactions than the node has"
            ));
        }
        Ok(())
    }

    /// Reads a transaction of the block as if it came alone.
    fn lone(&self, tx: &TxView<'_>, raw: &[u8]) -> Result<(), Violation> {
        let mut txid = None;
        let mut sink = |lone: &TxView<'_>| {
            txid = Some(lone.txid);
            ControlFlow::Continue(())
        };
        match self.coin.parse_tx(raw, &mut sink).map_err(said)? {
            Parsed::Tx if txid != Some(tx.txid) => {
                wrong(format!("transaction {} gets another txid alone", tx.txid))
            }
            Parsed::Tx | Parsed::Skip(_) => Ok(()),
        }
    }

    fn outputs(&self, tx: &TxView<'_>) -> Result<(), Violation> {
        let rule = self.coin.descriptor().unspendable;
        for output in tx.outputs {
            let mut filed = Vec::new();
            self.coin
                .index_scripts(output.script, &mut |script| filed.push(script.to_vec()));
            let by_rule: &[&[u8]] = if rule.matches(output.script) {
                &[]
            } else {
                &[output.script]
            };
            if rule != Unspendable::Custom && filed != by_rule {
                return wrong("index_scripts differs: say `unspendable = \"custom\"`");
            }
            let Some(address) = self.coin.script_to_address(output.script) else {
                continue;
            };
            if self.coin.address_to_script(&address).map_err(said)? != output.script
                && rule != Unspendable::Custom
            {
                return wrong(format!("{address} is not the address of its script"));
            }
        }
        Ok(())
    }

    fn stops_when_told(&self) -> Result<(), Violation> {
        let mut calls = 0;
        let mut sink = |_: &TxView<'_>| {
            calls += 1;
            ControlFlow::Break(())
        };
        let stopped = self
            .coin
            .parse_block(self.fixture.height, self.block, &mut sink);
        match (stopped, calls) {
            (Err(CoinError::Stopped), 1) => Ok(()),
            _ => wrong("parse_block goes on after the sink said stop"),
        }
    }

    /// A block cut anywhere, or with one bit flipped, may be refused or not, but must not panic.
    fn survives_damage(&self) {
        let step = (self.block.len() / SPOILT).max(1);
        let mut spoilt = self.block.to_vec();
        for at in (0..self.block.len()).step_by(step) {
            self.feed(self.block.get(..at).unwrap_or_default());
            flip(&mut spoilt, at);
            self.feed(&spoilt);
            flip(&mut spoilt, at);
        }
    }

    fn feed(&self, block: &[u8]) {
        let height = self.fixture.height;
        let mut sink = |_: &TxView<'_>| ControlFlow::Continue(());
        // Whether it is refused does not matter here.
        let _read = self.coin.parse_block(height, block, &mut sink);
        let _read = self.coin.parse_tx(block, &mut sink);
        let _hash = self.coin.header_hash(height, block);
        let _prev = self.coin.header_prev(block);
        let _header = self.coin.client_header(height, block);
    }
}

fn flip(block: &mut [u8], at: usize) {
    if let Some(byte) = block.get_mut(at) {
        *byte ^= 1 << (at % 8);
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>, Violation> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let pairs = digits.filter(|digits| digits.len() % 2 == 0);
    let bytes = pairs.and_then(|digits| {
        let byte =
            |pair: &[u32]| u8::try_from(pair.iter().fold(0, |byte, digit| byte << 4 | digit)).ok();
        digits.chunks(2).map(byte).collect()
    });
    bytes.ok_or_else(|| Violation("the fixture's block is not hex".to_owned()))
}

fn said(error: impl std::fmt::Display) -> Violation {
    Violation(error.to_string())
}

fn wrong<T>(what: impl Into<String>) -> Result<T, Violation> {
    Err(Violation(what.into()))
}
