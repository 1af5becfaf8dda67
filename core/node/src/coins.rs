//! Looking at coins: listing them, and trying their rules on real blocks.

mod find;
mod fixture;
mod list;

use electrode_coin::Coin;
use electrode_coins::{KnownCoin, KnownCoins};
use electrode_loader::{PluginFile, Wanted};

use crate::{Failure, cli::CheckArgs, log::say};

use fixture::Fixture;

pub(crate) use find::find;
pub(crate) use list::list;

/// Reads blocks by the rules of a coin and says of each file whether they are as it says.
pub(crate) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let coin = coin(args)?;
    let mut differing = 0;
    for path in &args.blocks {
        let compared = Fixture::read(path).and_then(|fixture| fixture.compare(coin.as_ref()));
        match compared {
            Ok(()) => say(format_args!("{}: ok", path.display()))?,
            Err(difference) => {
                differing += 1;
                say(format_args!("{}: {difference}", path.display()))?;
            }
        }
    }
    match differing {
        0 => Ok(()),
        differing => Err(Failure::BlocksDiffer(differing)),
    }
}

fn coin(args: &CheckArgs) -> Result<Box<dyn Coin>, Failure> {
    if let Some(path) = &args.plugin {
        let path = std::path::absolute(path).map_err(|source| Failure::System {
            what: "cannot tell the current folder",
            source,
        })?;
        let file = PluginFile { path, sha256: None };
        let wanted = Wanted::new(&args.coin, &args.net);
        return Ok(Box::new(electrode_loader::load(&file, wanted)?));
    }
    let known = match &args.descriptor {
        Some(path) => KnownCoins::from(KnownCoin::from_file(path)?),
        None => KnownCoins::gather(None)?,
    };
    Ok(Box::new(known.find(&args.coin, &args.net)?.coin.clone()))
}
