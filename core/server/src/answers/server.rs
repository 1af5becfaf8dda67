//! What the server says of itself.

use electrode_protocol::{Answer, Features};

use crate::{ServerConfig, Service};

/// `server.features`.
pub(super) fn features(service: &Service) -> Answer {
    let ServerConfig {
        name,
        protocol_min,
        hosts,
        services,
        ..
    } = &service.config;
    Answer::Features(Features {
        hosts: hosts.clone(),
        server_version: name.clone(),
        protocol_min: *protocol_min,
        protocol_max: ServerConfig::PROTOCOL_MAX,
        genesis_hash: service.coin.descriptor().genesis_hash,
        services: services.clone(),
    })
}
