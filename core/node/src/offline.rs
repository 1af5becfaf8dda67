//! Looking after an index, and looking things up, without serving.

use std::{fs, sync::Arc};

use electrode_coin::Height;
use electrode_index::{BlockRows, Index, IndexError, Tip};
use tokio::{runtime::Handle, task};

use crate::{
    Failure,
    build::{AskFor, Blocks, build},
    chain::{self, INDEX_DIR},
    config::Config,
    log::say,
    progress::Progress,
};

/// Folder inside the data folder in which `verify` builds its own index.
const VERIFY_DIR: &str = "verify";

/// Folder inside the data folder in which `repair` builds an index anew.
const REPAIR_DIR: &str = "repair";

/// Folder inside that one in which the damaged index waits to be removed.
const DAMAGED_DIR: &str = "damaged";

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

/// Mends a damaged index: its flat files from the blocks they hold something of; where its tables
/// are damaged, by building it anew beside.
pub(crate) async fn repair(config: &Config) -> Result<(), Failure> {
    let coin = chain::coin(config)?;
    let daemon = chain::daemon(&config.daemon, coin.as_ref())?;
    chain::check_genesis(&daemon, coin.as_ref()).await?;
    let blocks = Blocks::new(Arc::clone(&coin), daemon, AskFor::BlockOnly).await?;
    let repaired = task::block_in_place(|| {
        let index_config = chain::index_config(config, coin.as_ref());
        let read = |height| Handle::current().block_on(read_at(&blocks, height));
        Index::repair(&config.data_dir, coin.descriptor(), &index_config, read)
    });
    let damage = match repaired {
        Ok(repaired) => {
            if repaired.pages > 0 {
                say(format_args!(
                    "mended {} pages of its files with {} blocks",
                    repaired.pages, repaired.blocks
                ))?;
            }
            let index = chain::index(config, coin.as_ref())?;
            tracing::info!("reading everything in the index");
            task::block_in_place(|| index.view().content_hash()).err()
        }
        Err(Failure::Index(error)) => Some(error),
        Err(failure) => return Err(failure),
    };
    match damage {
        None => {
            say("nothing else is damaged; \"electrode index verify\" compares it with the node")
        }
        Some(error @ IndexError::Damaged { .. }) => {
            say(format_args!("{error}"))?;
            rebuild(config, &blocks).await
        }
        Some(error) => Err(error.into()),
    }
}

async fn read_at(blocks: &Blocks, height: Height) -> Result<BlockRows, Failure> {
    let hashes = blocks.daemon.block_hashes(height, 1).await?;
    let behind = Failure::DaemonBehind { height: height.0 };
    let hash = hashes.first().ok_or(behind)?;
    blocks.read(height, *hash).await
}

/// Builds the index anew beside the damaged one, and puts it in its place. Begun before and cut
/// short, it goes on.
async fn rebuild(config: &Config, blocks: &Blocks) -> Result<(), Failure> {
    let failed = |source| Failure::System {
        what: "cannot put the index that was built anew in its place",
        source,
    };
    say("building it anew, which takes as long as it did at first; until then the old one stays")?;
    let dir = config.data_dir.join(REPAIR_DIR);
    let coin = blocks.coin.as_ref();
    let index_config = chain::index_config(config, coin);
    let mut fresh = Index::open(&dir, coin.descriptor(), index_config)?;
    let target = blocks.daemon.tip().await?.height;
    let mut progress = Progress::new(fresh.next_height(), target, |_| {});
    build(&mut fresh, blocks, target, &mut progress).await?;
    progress.finish();
    drop(fresh);
    let (index, old) = (config.data_dir.join(INDEX_DIR), dir.join(DAMAGED_DIR));
    fs::rename(&index, &old).map_err(failed)?;
    fs::rename(dir.join(INDEX_DIR), &index).map_err(failed)?;
    fs::remove_dir_all(&dir).map_err(failed)?;
    say(format_args!("the index is built anew up to block {target}"))
}

/// Builds the index again from the node's blocks, beside, and compares the two. Nothing is believed
/// of the node but which blocks are of its chain: blocks prove themselves, and what they spend the
/// new index finds by itself.
pub(crate) async fn verify(config: &Config) -> Result<(), Failure> {
    let coin = chain::coin(config)?;
    let index = chain::index(config, coin.as_ref())?;
    let Some(tip) = index.tip() else {
        return say("the index is empty: no difference");
    };
    let daemon = chain::daemon(&config.daemon, coin.as_ref())?;
    chain::check_genesis(&daemon, coin.as_ref()).await?;
    let height = tip.height.0;
    match daemon.block_hashes(tip.height, 1).await?.first() {
        Some(hash) if *hash == tip.hash => {}
        Some(_other) => return Err(Failure::OtherChain { height }),
        None => return Err(Failure::DaemonBehind { height }),
    }

    let dir = config.data_dir.join(VERIFY_DIR);
    remove(&dir)?;
    let index_config = chain::index_config(config, coin.as_ref());
    let mut fresh = Index::open(&dir, coin.descriptor(), index_config)?;
    let blocks = Blocks::new(coin, daemon, AskFor::BlockOnly).await?;
    let mut progress = Progress::new(Height(0), tip.height, |_| {});
    build(&mut fresh, &blocks, tip.height, &mut progress).await?;
    progress.finish();
    if fresh.tip() != Some(tip) {
        // The node changed its mind meanwhile.
        return Err(Failure::OtherChain { height });
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
    match fs::remove_dir_all(dir) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Failure::System {
            what: "cannot remove the folder of an earlier verify",
            source,
        }),
        _removed_or_not_there => Ok(()),
    }
}
