//! The coin that COIN and NET name, wherever it comes from.

use std::{fmt::Display, sync::Arc};

use electrode_coin::Coin;
use electrode_coins::KnownCoins;
use electrode_loader::{ForeignCoin, Wanted};

use crate::{Failure, config::CoinFolders};

/// Finds a coin: a plugin comes before all descriptors, and those of the operator before the
/// others. `tell` hears of descriptors that are passed over.
pub(crate) fn find(
    folders: &CoinFolders,
    coin: &str,
    net: &str,
    tell: impl Fn(&dyn Display),
) -> Result<Arc<dyn Coin>, Failure> {
    if let Some(coin) = plugin(folders, coin, net)? {
        return Ok(Arc::new(coin));
    }
    let known = KnownCoins::gather(folders.coins_dir.as_deref())?;
    let found = known.find(coin, net)?.coin.clone();
    known.faults().for_each(|fault| tell(fault));
    Ok(Arc::new(found))
}

/// Loads the plugin of the coin, if the folder of plugins has one.
fn plugin(folders: &CoinFolders, coin: &str, net: &str) -> Result<Option<ForeignCoin>, Failure> {
    let section = &folders.plugins;
    let Some(dir) = &section.dir else {
        return Ok(None);
    };
    let dir = std::path::absolute(dir).map_err(|source| Failure::System {
        what: "cannot tell the current folder",
        source,
    })?;
    let Some(mut file) = electrode_loader::find(&dir, coin)? else {
        return Ok(None);
    };
    file.sha256 = section.pin(&file.path);
    let wanted = Wanted {
        options: &section.options.0,
        call_limit: section.call_limit,
        ..Wanted::new(coin, net)
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
