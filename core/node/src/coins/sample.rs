//! A block to try a coin on, and what a node says of it.

use std::{fs::File, io::Read as _, path::Path};

use bitcoin::hex::FromHex as _;
use electrode_coin::{BlockHash, Height, Txid};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

/// The most bytes of a file that are read: twice the largest block of a chain in use, in hex.
const MAX_FILE_LEN: u64 = 1 << 30;

/// A raw block, and what a node says of it, if anything.
#[derive(Debug)]
pub(super) struct Sample {
    /// The block.
    pub(super) block: Vec<u8>,
    /// What is to come out.
    pub(super) told: Option<Told>,
}

/// What `getblock` prints of a block; what else is there is not looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    /// Where it stands.
    pub(super) height: Height,
    /// Its hash.
    #[serde(deserialize_with = "digits")]
    pub(super) hash: BlockHash,
    /// The block before; the genesis block builds on none.
    #[serde(default, rename = "previousblockhash", deserialize_with = "digits")]
    pub(super) prev: BlockHash,
    /// The root of the tree over its transactions, printed in the same order as a txid.
    #[serde(rename = "merkleroot", deserialize_with = "digits")]
    pub(super) merkle_root: Txid,
    /// Its transactions.
    #[serde(rename = "tx")]
    pub(super) txs: Vec<ToldTx>,
}

/// A transaction as `getblock` prints it: its txid alone, or with verbosity 2 all of it.
#[derive(Debug)]
pub(super) struct ToldTx(pub(super) Txid);

/// Why there is no block to try a coin on.
#[derive(Debug, thiserror::Error)]
pub(super) enum SampleError {
    #[error("{0}")]
    File(#[from] std::io::Error),
    #[error("expected at most {MAX_FILE_LEN} bytes, is it a block?")]
    TooLong,
    #[error(
        "expected what `getblock HASH` prints, and under the key `block` what `getblock HASH \
         false` prints; or the latter alone: {0}"
    )]
    Json(#[from] serde_json::Error),
    #[error("the node answered with an error, not a block: {0}")]
    Refused(Value),
    #[error(
        "expected the raw block in hex, which `getblock HASH false` prints, under the key `block`, \
         got none; --daemon-url URL HEIGHT fetches both"
    )]
    NoBlock,
    #[error("the raw block is not hex: {0}")]
    Hex(#[from] bitcoin::hex::HexToBytesError),
}

impl Sample {
    /// Reads a file: JSON of a block with the raw block in it, or a raw block alone, as `curl` or
    /// the node's own client prints them.
    pub(super) fn read(path: &Path) -> Result<Self, SampleError> {
        let mut text = Vec::new();
        let read = File::open(path)?
            .take(MAX_FILE_LEN + 1)
            .read_to_end(&mut text)?;
        if u64::try_from(read).is_ok_and(|len| len > MAX_FILE_LEN) {
            return Err(SampleError::TooLong);
        }
        match text.trim_ascii_start().first() {
            Some(b'{' | b'"' | b'[') => Self::of_json(serde_json::from_slice(&text)?),
            _ => Self::of_hex(&String::from_utf8_lossy(&text)),
        }
    }

    fn of_json(mut json: Value) -> Result<Self, SampleError> {
        let block = json.get_mut("block").map(Value::take);
        // The envelope that a node's answer comes in.
        if let Some(error) = json.get("error").filter(|error| !error.is_null()) {
            return Err(SampleError::Refused(error.clone()));
        }
        if let Some(result) = json.get_mut("result") {
            json = result.take();
        }
        let block = block.or_else(|| json.get_mut("block").map(Value::take));
        match (block, json) {
            (None, Value::String(block)) => Self::of_hex(&block),
            (Some(mut block), told) => {
                if let Some(result) = block.get_mut("result") {
                    block = result.take();
                }
                Ok(Self {
                    block: from_hex(&String::deserialize(block)?)?,
                    told: Some(Told::deserialize(told)?),
                })
            }
            (None, _) => Err(SampleError::NoBlock),
        }
    }

    fn of_hex(text: &str) -> Result<Self, SampleError> {
        Ok(Self {
            block: from_hex(text)?,
            told: None,
        })
    }
}

impl<'de> Deserialize<'de> for ToldTx {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut tx = Value::deserialize(deserializer)?;
        if let Some(txid) = tx.get_mut("txid") {
            tx = txid.take();
        }
        digits(tx).map(Self).map_err(D::Error::custom)
    }
}

/// Reads a hash; blanks between its digits are what a wrapped line left.
fn digits<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    without_blanks(&text).parse().map_err(D::Error::custom)
}

fn from_hex(text: &str) -> Result<Vec<u8>, SampleError> {
    Ok(Vec::from_hex(&without_blanks(text))?)
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    const HASH: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";

    fn told() -> Value {
        json!({ "height": 0, "hash": HASH, "merkleroot": HASH, "tx": [HASH] })
    }

    /// Reads a file with this in it.
    fn read(text: impl AsRef<[u8]>) -> Result<Sample, SampleError> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), text)?;
        Sample::read(file.path())
    }

    #[test]
    fn reads_what_programs_print() {
        let mut with_block = told();
        with_block["block"] = json!("01AB\n");
        let mut wrapped = json!({ "result": told(), "error": null, "id": 1 });
        wrapped["block"] = json!({ "result": "01 ab", "error": null, "id": 1 });
        let mut verbose = with_block.clone();
        verbose["tx"] = json!([{ "txid": HASH, "vin": [] }]);
        let mut wrapped_lines = with_block.clone();
        let (start, end) = HASH.split_at(30);
        for key in ["hash", "merkleroot", "previousblockhash"] {
            wrapped_lines[key] = json!(format!("{start} \n  {end}"));
        }
        let inside = json!({ "result": with_block });
        for text in [with_block, wrapped, verbose, wrapped_lines, inside] {
            let sample = read(text.to_string()).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(sample.block, [0x01, 0xab], "{text}");
            let told = sample.told.unwrap();
            assert_eq!(told.hash.to_string(), HASH, "{text}");
            assert_eq!(told.txs[0].0.to_string(), HASH, "{text}");
        }
    }

    #[test]
    fn reads_a_raw_block_alone() {
        for text in [
            "01ab",
            " 01\nAB \n",
            "\"01ab\"\n",
            "{\"result\":\"01ab\",\"error\":null,\"id\":\"curltest\"}\n",
        ] {
            let sample = read(text).unwrap();
            assert_eq!(sample.block, [0x01, 0xab], "{text}");
            assert!(sample.told.is_none(), "{text}");
        }
    }

    #[test]
    fn says_what_is_missing() {
        for (text, expected) in [
            (told().to_string(), "under the key `block`, got none"),
            ("{".to_owned(), "expected what `getblock HASH` prints"),
            ("{\"block\": \"00\"}".to_owned(), "missing field `height`"),
            ("zz".to_owned(), "is not hex"),
            ("abc".to_owned(), "is not hex"),
            (
                json!({ "result": null, "error": { "code": -5, "message": "none" } }).to_string(),
                "the node answered with an error, not a block: {\"code\":-5",
            ),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let absent = Sample::read(Path::new("/nowhere/block.json")).unwrap_err();
        assert!(matches!(absent, SampleError::File(_)), "{absent}");
    }
}
