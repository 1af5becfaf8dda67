//! `server.banner`: the operator's file with its `$` variables filled in, or a line of our own.

use std::path::Path;

use electrode_daemon::NetworkInfo;
use electrode_protocol::Answer;
use tokio::{fs::File, io::AsyncReadExt as _};

use crate::{Connection, ServerConfig, Service};

/// Longest banner. Units: bytes.
const MAX_LEN: u64 = 64 << 10;

/// Gives the banner for a wallet.
pub(super) async fn banner(service: &Service, connection: Connection) -> Answer {
    let own = || format!("You are connected to an {} server.", service.config.name);
    let texts = service.texts().clone();
    let path = match &texts.tor_banner_file {
        Some(path) if connection.is_local() => Some(path),
        _ => texts.banner_file.as_ref(),
    };
    let Some(path) = path else {
        return Answer::Text(own());
    };
    match read(path).await {
        Ok(template) => Answer::Text(filled(service, &template, &texts.donation_address).await),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot read the banner file");
            Answer::Text(own())
        }
    }
}

async fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = File::open(path).await?;
    file.take(MAX_LEN).read_to_string(&mut text).await?;
    Ok(text)
}

async fn filled(service: &Service, template: &str, donation_address: &str) -> String {
    let node = match template.contains("$DAEMON_") {
        true => service.daemon.network_info().await.ok(),
        false => None,
    };
    let (daemon_version, daemon_subversion) = node.map_or_else(unknown, |node| known(&node));
    let descriptor = service.coin.descriptor();
    // What begins like another comes after it.
    fill(
        template,
        &[
            ("$SERVER_VERSION", env!("CARGO_PKG_VERSION")),
            ("$SERVER_SUBVERSION", &service.config.name),
            ("$VERSION", &service.config.name),
            ("$DAEMON_VERSION", &daemon_version),
            ("$DAEMON_SUBVERSION", &daemon_subversion),
            ("$DONATION_ADDRESS", donation_address),
            ("$PROTOCOL_MIN", &service.config.protocol_min.to_string()),
            ("$PROTOCOL_MAX", &ServerConfig::PROTOCOL_MAX.to_string()),
            ("$GENESIS_HASH", &descriptor.genesis_hash.to_string()),
            ("$COIN", &descriptor.coin),
            ("$NETWORK", &descriptor.net),
        ],
    )
}

fn unknown() -> (String, String) {
    ("unknown".to_owned(), "unknown".to_owned())
}

/// Writes the node's version number with dots, as Bitcoin Core does since 22.
fn known(node: &NetworkInfo) -> (String, String) {
    let NetworkInfo { version, .. } = node;
    let dotted = format!(
        "{}.{}.{}",
        version / 10_000,
        version / 100 % 100,
        version % 100
    );
    (dotted, node.subversion.clone())
}

/// Puts values in the place of variables. Values are not looked through again: a `$` in one, such
/// as what a node calls itself, is only a `$`.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, variable)) = rest.find('$').and_then(|at| rest.split_at_checked(at)) {
        text.push_str(before);
        let found = values
            .iter()
            .find_map(|(name, value)| Some((*value, variable.strip_prefix(name)?)));
        let (shown, behind) =
            found.unwrap_or_else(|| ("$", variable.strip_prefix('$').unwrap_or_default()));
        text.push_str(shown);
        rest = behind;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_variables_once() {
        let values = [("$DAEMON_VERSION", "29.5.0"), ("$COIN", "$DAEMON_VERSION")];
        for (template, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("node $DAEMON_VERSION!", "node 29.5.0!"),
            ("$COIN$COIN", "$DAEMON_VERSION$DAEMON_VERSION"),
            ("costs 5$ or $UNKNOWN", "costs 5$ or $UNKNOWN"),
            ("$", "$"),
            ("é$COIN é", "é$DAEMON_VERSION é"),
        ] {
            assert_eq!(fill(template, &values), expected, "{template}");
        }
    }
}
