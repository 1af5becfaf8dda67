//! Serving: everything put together, started in order, stopped in the reverse one.

use std::{io, sync::Arc, time::Duration};

use electrode_coin::Coin;
use electrode_daemon::Daemon;
use electrode_index::Index;
use electrode_protocol::{Host, Ports};
use electrode_server::{ServerConfig, Service, Transport, serve_admin, serve_http};
use tokio::{
    signal::unix::{SignalKind, signal},
    task,
};

use crate::{
    Failure,
    build::{AskFor, Blocks},
    chain,
    config::Config,
    data_dir,
    follow::Follower,
    limits,
    listen::{self, Listeners, Reservations},
    permissions,
    reload::{self, Reloader},
    session_log,
    tls::{self, Certificate},
};

/// Longest time that sessions get to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Serves the configured chain until `stop` is done.
///
/// `reread` puts the configuration together again, for a reload.
pub(crate) async fn serve(
    config: &Config,
    reread: impl Fn() -> Result<Config, Failure>,
    stop: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let coin = chain::coin(config)?;
    if let Some(note) = &coin.descriptor().note {
        tracing::warn!(coin = %config.coin, net = %config.net, %note, "a note on this chain");
    }
    let daemon = chain::daemon(&config.daemon, coin.as_ref())?;
    // What cannot be had is told now, and not when the index is built.
    tls::check(config)?;
    let reserved = listen::reserve_all(&config.serve).await?;
    let _data_dir = data_dir::take(&config.data_dir)?;
    let token = reload::admin_token(&config.data_dir, &config.serve)?;
    let certificate = Certificate::start(config)?;
    for warning in permissions::warnings(config) {
        tracing::warn!("{warning}");
    }
    let service = Service::start(
        Arc::clone(&coin),
        daemon.clone(),
        server_config(config),
        limits::server_limits(&config.limits),
        limits::bans(&config.data_dir)?,
    );
    reload::apply(config, token, &service);
    serve_operators(&reserved, &service)?;
    tokio::spawn(session_log::run(Arc::clone(&service)));
    let proxies = config.serve.proxy_protocol_from.clone();
    let wallets = reserved.services;
    let listeners = Listeners::new(Arc::clone(&service), wallets, proxies, certificate.clone());
    let reloader = Reloader::new(config.clone(), reread, Arc::clone(&service), certificate);
    let mut work = tokio::spawn(run(config.clone(), coin, daemon, listeners));
    let ended = tokio::select! {
        ended = &mut work => ended.unwrap_or_else(|error| {
            Err(Failure::System { what: "following the node", source: error.into() })
        }),
        stopped = stop => stopped,
        () = service.stop_ordered() => Ok(()),
        failed = reloader.run() => failed,
    };
    tracing::info!("stopping");
    // What is being written is either finished or, like after a crash, not there at all.
    work.abort();
    if tokio::time::timeout(STOP_TIMEOUT, service.stop())
        .await
        .is_err()
    {
        tracing::warn!("some sessions did not end in time");
    }
    ended
}

/// Opens what operators and monitoring use, which is there from the start.
fn serve_operators(reserved: &Reservations, service: &Arc<Service>) -> Result<(), Failure> {
    for rpc in &reserved.rpc {
        let listener = rpc.open()?;
        tracing::info!(service = rpc.name(), "serving operators");
        tokio::spawn(serve_admin(Arc::clone(service), listener));
    }
    if let Some(http) = &reserved.http {
        let listener = http.open()?;
        tracing::info!(address = http.name(), "status page");
        tokio::spawn(serve_http(Arc::clone(service), listener));
    }
    Ok(())
}

/// Follows the node, which opens the listeners once there is nothing that wallets would miss.
///
/// Nothing is written to the index before the node has said that it is on the coin's chain.
async fn run(
    config: Config,
    coin: Arc<dyn Coin>,
    daemon: Daemon,
    listeners: Listeners,
) -> Result<(), Failure> {
    chain::check_genesis(&daemon, coin.as_ref()).await?;
    let index = task::block_in_place(|| open_index(&config, coin.as_ref()))?;
    let changes = daemon.changes();
    let blocks = Blocks::new(coin, daemon, AskFor::WithSpent).await?;
    let service = Arc::clone(listeners.service());
    let follower = Follower::new(index, blocks, service, config.daemon.wait_for_download);
    follower.run(changes, listeners).await
}

fn open_index(config: &Config, coin: &dyn Coin) -> Result<Index, Failure> {
    let index = chain::index(config, coin)?;
    let descriptor = coin.descriptor();
    tracing::info!(
        coin = %descriptor.coin,
        net = %descriptor.net,
        data_dir = %config.data_dir.display(),
        height = index.tip().map_or(-1, |tip| i64::from(tip.height.0)),
        "opened the index"
    );
    Ok(index)
}

/// Waits until the operator or the system asks the program to end.
pub(crate) async fn until_signal() -> Result<(), Failure> {
    let failed = |source: io::Error| Failure::System {
        what: "cannot listen to signals",
        source,
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn server_config(config: &Config) -> ServerConfig {
    let serve = &config.serve;
    ServerConfig {
        name: format!("{} {}", serve.name, env!("CARGO_PKG_VERSION")),
        protocol_min: serve.protocol_min,
        hosts: hosts(config),
        services: serve
            .report_services
            .iter()
            .map(ToString::to_string)
            .collect(),
        ready_lag: serve.ready_lag,
    }
}

/// Gathers the ports of each host that is reported; of several for one transport the first counts.
fn hosts(config: &Config) -> Vec<Host> {
    let mut hosts: Vec<Host> = Vec::new();
    for service in &config.serve.report_services {
        let Some(name) = &service.address.host else {
            continue;
        };
        if !hosts.iter().any(|host| host.name == *name) {
            hosts.push(Host {
                name: name.clone(),
                ports: Ports::default(),
            });
        }
        let Some(host) = hosts.iter_mut().find(|host| host.name == *name) else {
            continue;
        };
        let port = match service.transport {
            Transport::Tcp => &mut host.ports.tcp_port,
            Transport::Ssl => &mut host.ports.ssl_port,
            Transport::Ws => &mut host.ports.ws_port,
            Transport::Wss => &mut host.ports.wss_port,
            Transport::Rpc => continue,
        };
        port.get_or_insert(service.address.port);
    }
    hosts
}
