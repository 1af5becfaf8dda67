//! Argentum and its test network.
//!
//! Source: Argentum Core's `chainparams.cpp`. ElectrumX gives the test network the genesis block
//! and the version bytes of others; these are the node's.

use electrode_coin::{Addresses, Descriptor, HeaderFamily, HeaderVector, Vectors};

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
    p2sh: &'static [u8],
}

const NETS: [Net; 2] = [
    Net {
        name: "mainnet",
        chain: "main",
        genesis_hash: "88c667bc63167685e4e4da058fffdfe8e007e5abffd6855de52ad59df7bb0bb2",
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         533dd487291ca9e65ac779726dfd7e3de1471bfb6112e6d428ebd39041afe4c710559c51\
                         f0ff0f1eac19c300",
        rpc_port: 13581,
        reorg_limit: 200,
        p2pkh: &[0x17],
        p2sh: &[0x05],
    },
    Net {
        name: "testnet",
        chain: "test",
        genesis_hash: "6bee778b0f99ee7a02635bc7de7d2c28f8a844f8c3aa01cb19b02adb9a169461",
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         533dd487291ca9e65ac779726dfd7e3de1471bfb6112e6d428ebd39041afe4c781f7675a\
                         f0ff0f1e36810400",
        rpc_port: 13556,
        reorg_limit: 2000,
        p2pkh: &[0x58],
        p2sh: &[0xbc],
    },
];

pub(crate) fn descriptors() -> Vec<Descriptor> {
    NETS.iter().map(descriptor).collect()
}

fn descriptor(net: &Net) -> Descriptor {
    let genesis_hash = net.genesis_hash.parse().expect("a constant of 64 digits");
    Descriptor {
        coin: "Argentum".into(),
        net: net.name.into(),
        chain: net.chain.into(),
        genesis_hash,
        rpc_port: net.rpc_port,
        reorg_limit: net.reorg_limit,
        header: HeaderFamily::AuxPow {},
        addresses: Addresses {
            p2pkh: versions(net.p2pkh),
            p2sh: versions(net.p2sh),
            bech32: None,
        },
        vectors: Vectors {
            headers: vec![HeaderVector::genesis(net.genesis_header, genesis_hash)],
            ..Vectors::default()
        },
        ..Descriptor::default()
    }
}
