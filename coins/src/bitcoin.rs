//! Bitcoin and its test networks.
//!
//! Source: Bitcoin Core's `chainparams.cpp` and `chainparamsbase.cpp`.

use electrode_coin::{Addresses, Descriptor, HeaderVector, Vectors};

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
    bech32: &'static str,
}

const MAINNET: Net = Net {
    name: "mainnet",
    chain: "main",
    genesis_hash: "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                     3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49\
                     ffff001d1dac2b7c",
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
    genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                     3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494d\
                     ffff001d1aa4ae18",
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
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         4e7b2b9128fe0291db0693af2ae418b767e657cd407e80cb1434221eaea7a07a046f3566\
                         ffff001dbb0c7817",
        rpc_port: 48332,
        ..TESTNET
    },
    Net {
        name: "signet",
        chain: "signet",
        genesis_hash: "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a008f4d5f\
                         ae77031e8ad22203",
        rpc_port: 38332,
        ..TESTNET
    },
    Net {
        name: "regtest",
        chain: "regtest",
        genesis_hash: "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
        genesis_header: "010000000000000000000000000000000000000000000000000000000000000000000000\
                         3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494d\
                         ffff7f2002000000",
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
    let genesis_hash = net.genesis_hash.parse().expect("a constant of 64 digits");
    Descriptor {
        coin: "Bitcoin".into(),
        net: net.name.into(),
        chain: net.chain.into(),
        genesis_hash,
        addresses: Addresses {
            p2pkh: versions(net.p2pkh),
            p2sh: versions(net.p2sh),
            bech32: Some(net.bech32.into()),
        },
        reorg_limit: net.reorg_limit,
        rpc_port: net.rpc_port,
        vectors: Vectors {
            headers: vec![HeaderVector::genesis(net.genesis_header, genesis_hash)],
            ..Vectors::default()
        },
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
