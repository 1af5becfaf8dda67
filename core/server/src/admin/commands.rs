//! Carrying commands out.

use std::sync::Arc;

use electrode_daemon::DaemonUrl;
use electrode_protocol::{AdminAnswer, AdminCall, RpcError};

use super::{bans, groups, info, query, sessions};
use crate::{Service, Stage};

/// Does what an operator asks. Of `stop` and `auth` the connection does its part.
pub(super) async fn carry_out(
    service: &Arc<Service>,
    call: AdminCall,
) -> Result<AdminAnswer, RpcError> {
    match call {
        AdminCall::GetInfo => Ok(AdminAnswer::Info(Box::new(info::server_info(service)))),
        AdminCall::Sessions => Ok(AdminAnswer::Sessions(sessions::table(service))),
        AdminCall::Groups => Ok(AdminAnswer::Groups(groups::table(service))),
        AdminCall::Peers => Ok(AdminAnswer::Lines(Vec::new())),
        AdminCall::AddPeer { .. } => Err(RpcError::bad_request(
            "expected a server that looks for peers, which this version does not do yet: nothing \
             was added",
        )),
        AdminCall::Disconnect { session_ids } => {
            let done = sessions::disconnect(service, &session_ids);
            Ok(AdminAnswer::Lines(done))
        }
        AdminCall::Log { session_ids } => {
            let done = sessions::toggle_log(service, &session_ids);
            Ok(AdminAnswer::Lines(done))
        }
        AdminCall::DaemonUrl { urls } => {
            daemon_url(service, urls.as_deref()).map(AdminAnswer::Text)
        }
        AdminCall::Reorg { count } => reorg(service, count).map(AdminAnswer::Text),
        AdminCall::Query {
            items,
            limit,
            verbose,
        } => query::query(service, items, limit, verbose).await,
        AdminCall::Reload => match service.orders.reload().await {
            Ok(done) => Ok(AdminAnswer::Text(done)),
            Err(error) => Err(RpcError::bad_request(error)),
        },
        AdminCall::Stop => Ok(AdminAnswer::Text("stopping".to_owned())),
        AdminCall::Auth(_) => Ok(AdminAnswer::Text("welcome".to_owned())),
        AdminCall::Ban {
            network,
            reason,
            secs,
        } => bans::ban(service, &network, reason.as_deref(), secs).map(AdminAnswer::Text),
        AdminCall::Unban { network } => bans::unban(service, &network).map(AdminAnswer::Text),
        AdminCall::Banned => Ok(AdminAnswer::Bans(bans::table(service))),
    }
}

/// Uses other nodes, or the configured ones when none are named.
fn daemon_url(service: &Service, urls: Option<&str>) -> Result<String, RpcError> {
    let refused =
        |error| RpcError::bad_request(format!("an error occurred setting the daemon URL: {error}"));
    let port = service.coin.descriptor().rpc_port;
    let urls = match urls.map(str::trim) {
        None | Some("") => service.daemon.configured_urls().to_vec(),
        Some(urls) => urls
            .split(',')
            .map(|url| DaemonUrl::parse(url, port))
            .collect::<Result<_, _>>()
            .map_err(refused)?,
    };
    service.daemon.set_urls(urls).map_err(refused)?;
    let url = service.daemon.current_url();
    tracing::info!(%url, "the operator has set the node");
    Ok(format!("now using daemon at {url}"))
}

fn reorg(service: &Service, count: u32) -> Result<String, RpcError> {
    let catching_up = || RpcError::bad_request("still catching up with daemon");
    if service.stage() != Stage::Serving {
        return Err(catching_up());
    }
    let snapshot = service.snapshot().ok_or_else(catching_up)?;
    let possible = snapshot.index.undo_depth().map_err(|error| {
        tracing::error!(%error, "the depth of undo data cannot be read");
        RpcError::internal()
    })?;
    if !(1..=possible).contains(&count) {
        return Err(RpcError::bad_request(format!(
            "expected 1 to {possible} blocks, which can be taken back, came {count}"
        )));
    }
    service.orders.reorganise(count);
    Ok(format!("scheduled a reorg of {count} blocks"))
}
