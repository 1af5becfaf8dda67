//! `DigiByte` and its test networks.
//!
//! Whichever of the five algorithms mined a block, its hash is double SHA-256. The test network
//! was started anew several times: this is that of versions 7 to 8.22, and a descriptor in
//! `coins_dir` stands in for another one.
//!
//! Source: `DigiByte` Core's `chainparams.cpp` and `chainparamsbase.cpp`. With a block every 15
//! seconds the reorg limits are larger than ElectrumX's 200, which lasts for 50 minutes; the RPC
//! ports that it has, 12022 and 15022, are not the node's.

use electrode_coin::{Addresses, Descriptor, HeaderVector, Vectors};

use crate::versions::versions;

/// What differs between the networks.
struct Net {
    name: &'static str,
    chain: &'static str,
    genesis_hash: &'static str,
    genesis_header: &'static str,
    rpc_port: u16,
    p2pkh: &'static [u8],
    /// The first is the one of today.
    p2sh: &'static [u8],
    bech32: &'static str,
}

const NETS: [Net; 3] = [
    Net {
        name: "mainnet",
        chain: "main",
        genesis_hash: "7497ea1b465eb39f1c8f507bc877078fe016d6fcb6dfad3a64c98dcc6e1e8496",
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         ad0f7d7518fc1e90ed28bd0e444ccd8e24d94688355705ed2142006b49d9dd726a62d052\
                         f0ff0f1e24592500",
        rpc_port: 14022,
        p2pkh: &[0x1e],
        p2sh: &[0x3f, 0x05],
        bech32: "dgb",
    },
    Net {
        name: "testnet",
        chain: "test",
        genesis_hash: "308ea0711d5763be2995670dd9ca9872753561285a84da1d58be58acaa822252",
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         ad0f7d7518fc1e90ed28bd0e444ccd8e24d94688355705ed2142006b49d9dd72d2a86a5a\
                         f0ff0f1ed1cb2400",
        rpc_port: 14023,
        p2pkh: &[0x7e],
        p2sh: &[0x8c],
        bech32: "dgbt",
    },
    Net {
        name: "regtest",
        chain: "regtest",
        genesis_hash: "4598a0f2b823aaf9e77ee6d5e46f1edb824191dcd48b08437b7cec17e6ae6e26",
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         ad0f7d7518fc1e90ed28bd0e444ccd8e24d94688355705ed2142006b49d9dd723a22915a\
                         ffff7f2004000000",
        rpc_port: 18443,
        p2pkh: &[0x7e],
        p2sh: &[0x8c],
        bech32: "dgbrt",
    },
];

pub(crate) fn descriptors() -> Vec<Descriptor> {
    NETS.iter().map(descriptor).collect()
}

fn descriptor(net: &Net) -> Descriptor {
    let genesis_hash = net.genesis_hash.parse().expect("a constant of 64 digits");
    Descriptor {
        coin: "DigiByte".into(),
        net: net.name.into(),
        chain: net.chain.into(),
        genesis_hash,
        rpc_port: net.rpc_port,
        reorg_limit: 2000,
        addresses: Addresses {
            p2pkh: versions(net.p2pkh),
            p2sh: versions(net.p2sh),
            bech32: Some(net.bech32.into()),
        },
        vectors: Vectors {
            headers: vec![HeaderVector::genesis(net.genesis_header, genesis_hash)],
            ..Vectors::default()
        },
        ..Descriptor::default()
    }
}
