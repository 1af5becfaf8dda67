//! What servers say about themselves and each other. Short and seldom asked, so serde writes it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::json;
use crate::{Features, Peer, Ports};

/// The features as JSON has them.
#[derive(Serialize)]
struct FeaturesJson<'a> {
    hosts: BTreeMap<&'a str, Ports>,
    /// Null: no history is missing.
    pruning: (),
    server_version: &'a str,
    protocol_min: String,
    protocol_max: String,
    genesis_hash: String,
    hash_function: &'static str,
    services: &'a [String],
}

pub(super) fn encode_features(out: &mut Vec<u8>, features: &Features) {
    json(
        out,
        &FeaturesJson {
            hosts: features
                .hosts
                .iter()
                .map(|host| (&*host.name, host.ports))
                .collect(),
            pruning: (),
            server_version: &features.server_version,
            protocol_min: features.protocol_min.to_string(),
            protocol_max: features.protocol_max.to_string(),
            genesis_hash: features.genesis_hash.to_string(),
            hash_function: "sha256",
            services: &features.services,
        },
    );
}

pub(super) fn encode_peers(out: &mut Vec<u8>, peers: &[Peer]) {
    let peers: Vec<_> = peers
        .iter()
        .map(|peer| (&peer.ip, &peer.host, &peer.details))
        .collect();
    json(out, &peers);
}
