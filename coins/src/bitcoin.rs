//! Bitcoin and its test networks.
//!
//! Source: Bitcoin Core's `chainparams.cpp` and `chainparamsbase.cpp`.

use std::borrow::Cow;

use electrode_coin::{Addresses, Descriptor};

/// What differs between the networks.
struct Net {
    name: &'static str,
    chain: &'static str,
    genesis_hash: &'static str,
    rpc_port: u16,
    reorg_limit: u32,
    p2pkh: &'static [u8],
    p2sh: &'static [u8],
    bech32: &'static str,
}

const MAINNET: Net = Net {
    name: "mainnet",
    chain: "main",
    genesis_hash: "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    rpc_port: 8332,
    reorg_limit: 200,
    p2pkh: &[0x00],
    p2sh: &[0x05],
    bech32: "bc",
};

const TESTNET: Net = Net {
    name: "testnet",
    chain: "testnet3",
    genesis_hash: "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    rpc_port: 18332,
    reorg_limit: 8000,
    p2pkh: &[0x6f],
    p2sh: &[0xc4],
    bech32: "tb",
};

const NETS: [Net; 6] = [
    MAINNET,
    TESTNET,
    // The name ElectrumX gave the same chain once its blocks had witnesses.
    Net {
        name: "testnet-segwit",
        ..TESTNET
    },
    Net {
        name: "testnet4",
        chain: "testnet4",
        genesis_hash: "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
        rpc_port: 48332,
        ..TESTNET
    },
    Net {
        name: "signet",
        chain: "signet",
        genesis_hash: "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
        rpc_port: 38332,
        ..TESTNET
    },
    Net {
        name: "regtest",
        chain: "regtest",
        genesis_hash: "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
        rpc_port: 18443,
        // Nobody reorganises a private chain by thousands of blocks, as happens on testnet3.
        reorg_limit: 200,
        bech32: "bcrt",
        ..TESTNET
    },
];

pub(crate) fn descriptors() -> Vec<Descriptor> {
    NETS.iter().map(descriptor).collect()
}

fn descriptor(net: &Net) -> Descriptor {
    Descriptor {
        coin: "Bitcoin".into(),
        net: net.name.into(),
        chain: net.chain.into(),
        genesis_hash: net.genesis_hash.parse().expect("a constant of 64 digits"),
        addresses: Addresses {
            p2pkh: Cow::Borrowed(net.p2pkh),
            p2sh: Cow::Borrowed(net.p2sh),
            bech32: Some(net.bech32.into()),
        },
        reorg_limit: net.reorg_limit,
        rpc_port: net.rpc_port,
        ..Descriptor::default()
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::{Network, constants::genesis_block, hashes::Hash as _};

    use super::descriptors;

    #[test]
    fn has_the_genesis_blocks_of_rust_bitcoin() {
        let networks = [
            Network::Bitcoin,
            Network::Testnet,
            Network::Testnet,
            Network::Testnet4,
            Network::Signet,
            Network::Regtest,
        ];
        for (descriptor, network) in descriptors().iter().zip(networks) {
            let genesis = genesis_block(network).block_hash().to_byte_array();
            assert_eq!(descriptor.genesis_hash.0, genesis, "{}", descriptor.net);
        }
    }
}
