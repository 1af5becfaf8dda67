//! Litecoin and its test networks.
//!
//! Source: Litecoin Core 0.21's `chainparams.cpp` and `chainparamsbase.cpp`; reorg limits as
//! ElectrumX has them.

use electrode_coin::{
    AddressVector, Addresses, Descriptor, HeaderVector, TransactionFamily, Vectors,
};

use crate::versions::versions;

/// What differs between the networks.
struct Net {
    name: &'static str,
    chain: &'static str,
    genesis_hash: &'static str,
    genesis_header: &'static str,
    rpc_port: u16,
    reorg_limit: u32,
    p2pkh: &'static [u8],
    /// Both forms name the same script; the first is the one of today.
    p2sh: &'static [u8],
    bech32: &'static str,
    /// An address, and the script behind it.
    example: (&'static str, &'static str),
}

const NETS: [Net; 3] = [
    Net {
        name: "mainnet",
        chain: "main",
        genesis_hash: "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2",
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97b9aa8e4e\
                         f0ff0f1ecd513f7c",
        rpc_port: 9332,
        reorg_limit: 800,
        p2pkh: &[0x30],
        p2sh: &[0x32, 0x05],
        bech32: "ltc",
        example: (
            "MVcg9uEvtWuP5N6V48EHfEtbz48qR8TKZ9",
            "a914ee34ac676bdaf6e370c8c820b948edfad3a873d887",
        ),
    },
    Net {
        name: "testnet",
        chain: "test",
        genesis_hash: "4966625a4b2851d9fdee139e56211a0d88575f59ed816ff5e6a63deb4e3e29a0",
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97f60ba158\
                         f0ff0f1ee1790400",
        rpc_port: 19332,
        reorg_limit: 4000,
        p2pkh: &[0x6f],
        p2sh: &[0x3a, 0xc4],
        bech32: "tltc",
        example: (
            "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
            "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac",
        ),
    },
    Net {
        name: "regtest",
        chain: "regtest",
        genesis_hash: "530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9",
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97dae5494d\
                         ffff7f2000000000",
        rpc_port: 19443,
        reorg_limit: 4000,
        p2pkh: &[0x6f],
        p2sh: &[0x3a, 0xc4],
        bech32: "rltc",
        example: (
            "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc",
            "a9144e9f39ca4688ff102128ea4ccda34105324305b087",
        ),
    },
];

pub(crate) fn descriptors() -> Vec<Descriptor> {
    NETS.iter().map(descriptor).collect()
}

fn descriptor(net: &Net) -> Descriptor {
    let genesis_hash = net.genesis_hash.parse().expect("a constant of 64 digits");
    let (address, script) = net.example;
    Descriptor {
        coin: "Litecoin".into(),
        net: net.name.into(),
        chain: net.chain.into(),
        genesis_hash,
        rpc_port: net.rpc_port,
        reorg_limit: net.reorg_limit,
        transactions: TransactionFamily::Mweb,
        addresses: Addresses {
            p2pkh: versions(net.p2pkh),
            p2sh: versions(net.p2sh),
            bech32: Some(net.bech32.into()),
        },
        vectors: Vectors {
            headers: vec![HeaderVector::genesis(net.genesis_header, genesis_hash)],
            addresses: vec![AddressVector {
                address: address.into(),
                script: script.into(),
            }],
        },
        ..Descriptor::default()
    }
}
