//! Networks that are not served: named, taken back, listed.

use std::time::{Duration, SystemTime};

use electrode_protocol::{BanRow, RpcError};
use ipnet::IpNet;

use crate::{BanError, Service, parse_network};

/// Bans a network, for some seconds or for ever.
pub(super) fn ban(
    service: &Service,
    network: &str,
    reason: Option<&str>,
    secs: Option<u32>,
) -> Result<String, RpcError> {
    let time = secs.map(|secs| Duration::from_secs(secs.into()));
    let banned = service.ban(parse(network)?, reason.unwrap_or_default(), time);
    let banned = banned.map_err(refused)?;
    Ok(match secs {
        Some(secs) => format!("banned {} for {secs} s", banned.net),
        None => format!("banned {}", banned.net),
    })
}

/// Takes a ban back.
pub(super) fn unban(service: &Service, network: &str) -> Result<String, RpcError> {
    let net = parse(network)?;
    match service.bans().remove(net) {
        Ok(true) => Ok(format!("no longer banned: {}", net.trunc())),
        Ok(false) => Err(RpcError::bad_request(format!(
            "expected a network that is banned as such, came {network}; see `banned`"
        ))),
        Err(error) => Err(refused(error)),
    }
}

/// Lists the bans that hold.
pub(super) fn table(service: &Service) -> Vec<BanRow> {
    let bans = service.bans().list(SystemTime::now()).into_iter();
    bans.map(|ban| BanRow {
        network: ban.net.to_string(),
        reason: ban.reason,
        since: ban.since,
        until: ban.until,
    })
    .collect()
}

#[expect(clippy::needless_pass_by_value, reason = "how errors are mapped")]
fn refused(error: BanError) -> RpcError {
    RpcError::bad_request(error.to_string())
}

fn parse(network: &str) -> Result<IpNet, RpcError> {
    parse_network(network).ok_or_else(|| {
        RpcError::bad_request(format!(
            "expected an address or a network such as 192.0.2.0/24, came \"{network}\""
        ))
    })
}
