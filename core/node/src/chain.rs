//! One chain as a run sees it: its coin, its node, its index, put together from the configuration.

use std::sync::Arc;

use electrode_coin::{Coin, Height};
use electrode_coins::KnownCoins;
use electrode_daemon::{BlockFilesConfig, Daemon, DaemonConfig, DaemonUrl};
pub(crate) use electrode_index::INDEX_DIR;
use electrode_index::{Index, IndexConfig};
use electrode_loader::{ForeignCoin, Wanted};

use crate::{Failure, config::Config};

/// Finds the coin that COIN and NET name.
pub(crate) fn coin(config: &Config) -> Result<Arc<dyn Coin>, Failure> {
    if let Some(coin) = plugin(config)? {
        return Ok(Arc::new(coin));
    }
    let known = KnownCoins::gather(config.coins_dir.as_deref())?;
    Ok(Arc::new(
        known.find(&config.coin, &config.net)?.coin.clone(),
    ))
}

/// Loads the plugin of the coin, if the folder of plugins has one.
fn plugin(config: &Config) -> Result<Option<ForeignCoin>, Failure> {
    let section = &config.plugins;
    let Some(dir) = &section.dir else {
        return Ok(None);
    };
    let Some(mut file) = electrode_loader::find(dir, &config.coin)? else {
        return Ok(None);
    };
    file.sha256 = section.pin(&file.path);
    let wanted = Wanted {
        options: &section.options.0,
        call_limit: section.call_limit,
        ..Wanted::new(&config.coin, &config.net)
    };
    let coin = electrode_loader::load(&file, wanted)?;
    let info = coin.info();
    tracing::info!(
        file = %info.path.display(),
        name = %info.name,
        version = %info.version,
        built_with = %info.built_with,
        pinned = file.sha256.is_some(),
        "loaded a coin plugin"
    );
    Ok(Some(coin))
}

/// Makes the client of the node; nothing is asked yet.
pub(crate) fn daemon(config: &Config, coin: &dyn Coin) -> Result<Daemon, Failure> {
    let section = &config.daemon;
    let port = coin.descriptor().rpc_port;
    let urls = section
        .urls
        .iter()
        .map(|url| DaemonUrl::parse(url.expose(), port));
    Ok(Daemon::new(DaemonConfig {
        urls: urls.collect::<Result<_, _>>()?,
        cookie_file: section.cookie_file.clone(),
        zmq: section.zmq.clone(),
        block_files: section.blocks_dir.clone().map(|dir| BlockFilesConfig {
            dir,
            chain: coin.descriptor().clone(),
        }),
        poll_blocks: section.poll_interval_blocks,
        poll_mempool: section.poll_interval_mempool,
        request_timeout: section.request_timeout,
        connections: section.connections,
        client_patience: section.client_patience,
        ..DaemonConfig::default()
    })?)
}

/// Gives the settings of the index.
pub(crate) fn index_config(config: &Config, coin: &dyn Coin) -> IndexConfig {
    IndexConfig {
        cache_bytes: config.index.cache.0,
        reorg_limit: config
            .index
            .reorg_limit
            .unwrap_or(coin.descriptor().reorg_limit),
        ..IndexConfig::default()
    }
}

/// Opens the index in the data folder.
pub(crate) fn index(config: &Config, coin: &dyn Coin) -> Result<Index, Failure> {
    Ok(Index::open(
        &config.data_dir,
        coin.descriptor(),
        index_config(config, coin),
    )?)
}

/// Compares the genesis block of the node with that of the coin.
pub(crate) async fn check_genesis(daemon: &Daemon, coin: &dyn Coin) -> Result<(), Failure> {
    let descriptor = coin.descriptor();
    let hashes = daemon.block_hashes(Height(0), 1).await?;
    let daemon = hashes.first().copied().unwrap_or_default();
    if daemon == descriptor.genesis_hash {
        return Ok(());
    }
    Err(Failure::Genesis {
        daemon,
        expected: descriptor.genesis_hash,
        coin: descriptor.coin.to_string(),
        net: descriptor.net.to_string(),
    })
}
