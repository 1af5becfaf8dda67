//! One chain as a run sees it: its coin, its node, its index, put together from the configuration.

use std::sync::Arc;

use electrode_coin::{BlockHash, Coin, Height};
use electrode_daemon::{BlockFilesConfig, Daemon, DaemonConfig, DaemonUrl};
pub(crate) use electrode_index::INDEX_DIR;
use electrode_index::{Index, IndexConfig};

use crate::{
    Failure, coins,
    config::{Config, DaemonSection},
};

/// Finds the coin that COIN and NET name.
pub(crate) fn coin(config: &Config) -> Result<Arc<dyn Coin>, Failure> {
    coins::find(&config.coins, &config.coin, &config.net, |fault| {
        tracing::warn!(%fault, "a descriptor cannot be used and is passed over");
    })
}

/// Makes the client of the node; nothing is asked yet.
pub(crate) fn daemon(section: &DaemonSection, coin: &dyn Coin) -> Result<Daemon, Failure> {
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
    let hashes = daemon.block_hashes(Height(0), 1).await?;
    compare_genesis(hashes.first().copied().unwrap_or_default(), coin)
}

/// Compares the hash that a node says its genesis block has with that of the coin.
pub(crate) fn compare_genesis(daemon: BlockHash, coin: &dyn Coin) -> Result<(), Failure> {
    let descriptor = coin.descriptor();
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
