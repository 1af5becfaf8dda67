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

/// `server.banner`: the operator's file with its `$` variables filled in, or a line of our own.
pub(super) async fn banner(service: &Service) -> Answer {
    let config = &service.config;
    let own = format!("You are connected to an {} server.", config.name);
    let Some(path) = &config.banner_file else {
        return Answer::Text(own);
    };
    let text = match tokio::fs::read_to_string(path).await {
        Ok(text) => text,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot read the banner file");
            return Answer::Text(own);
        }
    };
    let node = service.daemon.network_info().await.ok();
    let (version, subversion) = node.map_or_else(
        || ("unknown".to_owned(), "unknown".to_owned()),
        |node| (dotted(node.version), node.subversion),
    );
    let filled = text
        .replace("$SERVER_VERSION", env!("CARGO_PKG_VERSION"))
        .replace("$SERVER_SUBVERSION", &config.name)
        .replace("$DAEMON_VERSION", &version)
        .replace("$DAEMON_SUBVERSION", &subversion)
        .replace("$DONATION_ADDRESS", &config.donation_address);
    Answer::Text(filled)
}

/// Writes the node's version number with dots, as Bitcoin Core does since 22.
fn dotted(version: u64) -> String {
    format!(
        "{}.{}.{}",
        version / 10_000,
        version / 100 % 100,
        version % 100
    )
}
