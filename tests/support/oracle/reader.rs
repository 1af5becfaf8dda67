//! From the node's JSON to what happened to each script.

use std::collections::{BTreeMap, HashMap};

use bitcoin::hex::FromHex as _;
use serde_json::{Value, json};

use super::{
    KnownBlock,
    account::{Account, Place, UNCONFIRMED},
    sats, script_hash,
};
use crate::Bitcoind;

const OP_RETURN: u8 = 0x6a;

/// Goes through the chain and then the mempool.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) accounts: BTreeMap<String, Account>,
    /// Every output that nothing spends, by txid and number.
    outputs: HashMap<(String, u64), Output>,
}

#[derive(Debug)]
struct Output {
    script_hash: String,
    place: Place,
    value: u64,
}

/// By how much a transaction changes the accounts that it touches.
type Deltas = BTreeMap<String, i64>;

impl Reader {
    pub(super) fn block(&mut self, node: &Bitcoind, height: u64) -> KnownBlock {
        let hash = node.rpc("getblockhash", &json!([height]));
        let block = node.rpc("getblock", &json!([hash, 2]));
        let mut txids = Vec::new();
        for (index, tx) in block["tx"].as_array().unwrap().iter().enumerate() {
            let txid = text(&tx["txid"]);
            for (script_hash, delta) in self.apply(tx, height, index) {
                let account = self.accounts.entry(script_hash).or_default();
                account.confirmed.push((height, txid.clone()));
                account.balance = account.balance.checked_add_signed(delta).unwrap();
            }
            txids.push(txid);
        }
        KnownBlock {
            height,
            hash: text(&hash),
            txids,
        }
    }

    pub(super) fn mempool(&mut self, node: &Bitcoind) {
        let entries = node.rpc("getrawmempool", &json!([true]));
        let mut entries: Vec<(&String, &Value)> = entries.as_object().unwrap().iter().collect();
        // Parents first.
        entries.sort_by_key(|(_, entry)| entry["ancestorcount"].as_u64());
        for (txid, entry) in entries {
            let tx = node.rpc("getrawtransaction", &json!([txid, 1]));
            let chained = entry["depends"] != json!([]);
            let fee = sats(&entry["fees"]["base"]);
            for (script_hash, delta) in self.apply(&tx, UNCONFIRMED, 0) {
                let account = self.accounts.entry(script_hash).or_default();
                account.mempool.insert((chained, txid.clone()), fee);
                account.mempool_delta += delta;
            }
        }
    }

    fn apply(&mut self, tx: &Value, height: u64, index: usize) -> Deltas {
        let mut deltas = Deltas::new();
        for input in tx["vin"].as_array().unwrap() {
            // A coinbase spends nothing.
            if input["txid"].is_string() {
                self.spend(input, &mut deltas);
            }
        }
        let txid = text(&tx["txid"]);
        for output in tx["vout"].as_array().unwrap() {
            let vout = output["n"].as_u64().unwrap();
            self.create(
                output,
                Place {
                    height,
                    index,
                    txid: txid.clone(),
                    vout,
                },
                &mut deltas,
            );
        }
        deltas
    }

    fn spend(&mut self, input: &Value, deltas: &mut Deltas) {
        let outpoint = (text(&input["txid"]), input["vout"].as_u64().unwrap());
        let spent = self.outputs.remove(&outpoint).unwrap();
        let account = self.accounts.get_mut(&spent.script_hash).unwrap();
        account.unspent.remove(&spent.place).unwrap();
        *deltas.entry(spent.script_hash).or_default() -= spent.value.cast_signed();
    }

    fn create(&mut self, output: &Value, place: Place, deltas: &mut Deltas) {
        let script = Vec::from_hex(&text(&output["scriptPubKey"]["hex"])).unwrap();
        let script_hash = script_hash(&script);
        let account = self.accounts.entry(script_hash.clone()).or_default();
        if script.first() == Some(&OP_RETURN) {
            // Its account stays empty: the server should know nothing about a data carrier.
            return;
        }
        let value = sats(&output["value"]);
        *deltas.entry(script_hash.clone()).or_default() += value.cast_signed();
        account.unspent.insert(place.clone(), value);
        let outpoint = (place.txid.clone(), place.vout);
        self.outputs.insert(
            outpoint,
            Output {
                script_hash,
                place,
                value,
            },
        );
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
