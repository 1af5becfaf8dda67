//! Looking after an index, and looking things up, without serving.

use electrode_coin::Height;
use electrode_index::{Index, Tip};

use crate::{
    Failure,
    build::{Blocks, build},
    chain,
    config::Config,
    log::say,
    progress::Progress,
};

/// Folder inside the data folder in which `verify` builds its own index.
const VERIFY_DIR: &str = "verify";

/// Tells what the index holds.
pub(crate) fn info(config: &Config, hash: bool) -> Result<(), Failure> {
    let coin = chain::coin(config)?;
    let index = chain::index(config, coin.as_ref())?;
    let view = index.view();
    say(format_args!(
        "coin          {} {}",
        coin.descriptor().coin,
        coin.descriptor().net
    ))?;
    match index.tip() {
        None => say("height        none: the index is empty")?,
        Some(Tip { height, hash }) => {
            say(format_args!("height        {height}"))?;
            say(format_args!("tip           {hash}"))?;
        }
    }
    say(format_args!("transactions  {}", view.tx_count()))?;
    say(format_args!("undo depth    {} blocks", view.undo_depth()?))?;
    if hash {
        let hash = view.content_hash()?;
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        say(format_args!("content hash  {hex}"))?;
    }
    Ok(())
}

/// Disconnects the last blocks.
pub(crate) fn rewind(config: &Config, blocks: u32) -> Result<(), Failure> {
    let coin = chain::coin(config)?;
    let mut index = chain::index(config, coin.as_ref())?;
    for _ in 0..blocks {
        index.disconnect()?;
    }
    let height = index.tip().map_or(Height(0), |tip| tip.height);
    say(format_args!("the index now ends at block {height}"))
}

/// Builds the index again from the node's blocks, beside, and compares the two.
pub(crate) async fn verify(config: &Config) -> Result<(), Failure> {
    let coin = chain::coin(config)?;
    let index = chain::index(config, coin.as_ref())?;
    let Some(tip) = index.tip() else {
        return say("the index is empty: no difference");
    };
    let daemon = chain::daemon(&config.daemon, coin.as_ref())?;
    chain::check_genesis(&daemon, coin.as_ref()).await?;
    if daemon.block_hashes(tip.height, 1).await?.first() != Some(&tip.hash) {
        return Err(Failure::OtherChain {
            height: tip.height.0,
        });
    }

    let dir = config.data_dir.join(VERIFY_DIR);
    remove(&dir)?;
    let index_config = chain::index_config(config, coin.as_ref());
    let mut fresh = Index::open(&dir, coin.descriptor(), index_config)?;
    let blocks = Blocks::new(coin, daemon).await?;
    let mut progress = Progress::new(Height(0), tip.height, |_| {});
    build(&mut fresh, &blocks, tip.height, &mut progress).await?;
    progress.finish();
    if fresh.tip() != Some(tip) {
        // The node changed its mind meanwhile.
        return Err(Failure::OtherChain {
            height: tip.height.0,
        });
    }

    let differences = index.view().differences(&fresh.view())?;
    drop(fresh);
    remove(&dir)?;
    differences.iter().try_for_each(say)?;
    if differences.is_empty() {
        return say(format_args!("no difference up to block {}", tip.height));
    }
    Err(Failure::Differences(differences.len()))
}

fn remove(dir: &std::path::Path) -> Result<(), Failure> {
    match std::fs::remove_dir_all(dir) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Failure::System {
            what: "cannot remove the folder of an earlier verify",
            source,
        }),
        _removed_or_not_there => Ok(()),
    }
}
