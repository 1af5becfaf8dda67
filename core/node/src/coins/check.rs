//! `coin check`: a coin's rules tried on blocks, from files or from a node.

use std::{fmt::Display, path::Path, sync::Arc};

use electrode_coin::{BlockHash, Coin, Height};
use electrode_coins::{KnownCoin, KnownCoins};
use electrode_daemon::{BlockSource, Daemon};
use electrode_loader::{PluginFile, Wanted};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::{
    find::find,
    sample::{Sample, Told},
    trial,
};
use crate::{
    Failure, chain,
    cli::{CheckArgs, SourceArgs},
    log::{complain, say},
};

/// What came of the blocks so far.
#[derive(Default)]
struct Tally {
    unread: usize,
    differing: usize,
}

/// Reads blocks by the rules of a coin and says of each whether it is as it should be.
pub(crate) async fn check(args: &CheckArgs, source: &SourceArgs) -> Result<(), Failure> {
    let coin = coin(args, source)?;
    if source.names_a_node() {
        return of_node(args, source, coin.as_ref()).await;
    }
    let mut tally = Tally::default();
    for path in &args.blocks {
        let name = path.display();
        match Sample::read(path) {
            Ok(sample) => tally.take(name, coin.as_ref(), &sample)?,
            Err(error) => {
                tally.unread += 1;
                say(format_args!("{name}: {error}"))?;
            }
        }
    }
    tally.end()
}

/// Checks blocks of a running node; the arguments are their heights.
async fn of_node(args: &CheckArgs, source: &SourceArgs, coin: &dyn Coin) -> Result<(), Failure> {
    let heights = args.blocks.iter().map(|text| height(text));
    let heights: Vec<Height> = heights.collect::<Result<_, _>>()?;
    let daemon = chain::daemon(&source.daemon()?, coin)?;
    // Asked once: a node that is not there is told, not waited for.
    let genesis: BlockHash = daemon.call_once("getblockhash", json!([0])).await?;
    chain::compare_genesis(genesis, coin)?;
    let blocks = daemon.block_source().await?;
    let mut tally = Tally::default();
    for height in heights {
        let name = format_args!("height {height}");
        match fetch(&daemon, blocks.as_ref(), height).await? {
            Some(sample) => tally.take(name, coin, &sample)?,
            None => {
                tally.unread += 1;
                say(format_args!("{name}: the node has no such block yet"))?;
            }
        }
    }
    tally.end()
}

fn height(text: &Path) -> Result<Height, Failure> {
    let number = text.to_str().and_then(|text| text.parse().ok());
    number
        .map(Height)
        .ok_or_else(|| Failure::Height(text.to_owned()))
}

/// Fetches a block and what the node says of it; `None` if its chain ends before.
async fn fetch(
    daemon: &Daemon,
    blocks: &dyn BlockSource,
    height: Height,
) -> Result<Option<Sample>, Failure> {
    let hashes = daemon.block_hashes(height, 1).await?;
    let Some(hash) = hashes.first() else {
        return Ok(None);
    };
    let block = blocks.fetch_block(hash).await?.to_vec();
    // `true` is what nodes of every age take.
    let mut told: Value = daemon
        .call("getblock", json!([hash.to_string(), true]))
        .await?;
    if let Some(told) = told.as_object_mut() {
        told.insert("height".to_owned(), json!(height));
        told.insert("hash".to_owned(), json!(hash.to_string()));
    }
    let told = match Told::deserialize(told) {
        Ok(told) => Some(told),
        Err(error) => {
            complain(format_args!(
                "height {height}: the node says too little of it ({error}): compared with itself"
            ));
            None
        }
    };
    Ok(Some(Sample { block, told }))
}

/// Finds the coin: that of the plugin or descriptor that is named, or any that is known.
fn coin(args: &CheckArgs, source: &SourceArgs) -> Result<Arc<dyn Coin>, Failure> {
    if let Some(path) = &args.plugin {
        let path = std::path::absolute(path).map_err(|source| Failure::System {
            what: "cannot tell the current folder",
            source,
        })?;
        let file = PluginFile { path, sha256: None };
        let wanted = Wanted::new(&args.coin, &args.net);
        return Ok(Arc::new(electrode_loader::load(&file, wanted)?));
    }
    if let Some(path) = &args.descriptor {
        let known = KnownCoins::from(KnownCoin::from_file(path)?);
        return Ok(Arc::new(known.find(&args.coin, &args.net)?.coin.clone()));
    }
    let folders = source.coin_folders()?;
    find(&folders, &args.coin, &args.net, |fault| {
        complain(format_args!("{fault}: passed over"));
    })
}

impl Tally {
    /// Tries a block and says what came of it.
    fn take(
        &mut self,
        name: impl Display,
        coin: &dyn Coin,
        sample: &Sample,
    ) -> Result<(), Failure> {
        match trial::attempt(coin, sample) {
            Ok(read) => say(format_args!("{name}: {read}")),
            Err(difference) => {
                self.differing += 1;
                say(format_args!("{name}: {difference}"))
            }
        }
    }

    fn end(self) -> Result<(), Failure> {
        match self {
            Self {
                unread: 0,
                differing: 0,
            } => Ok(()),
            Self { unread: 0, .. } => Err(Failure::BlocksDiffer(self.differing)),
            Self { .. } => Err(Failure::BlocksUnread(self.unread)),
        }
    }
}
