//! The coins that are compiled into Electrode, one short file each.

mod bitcoin;

use electrode_coin::{Descriptor, FamilyCoin};

/// Gives the descriptor of every coin and net that is built in.
#[must_use]
pub fn descriptors() -> Vec<Descriptor> {
    bitcoin::descriptors()
}

/// Finds a coin by COIN and NET; case does not matter.
///
/// # Errors
/// The pair is unknown; the error lists what is known.
pub fn find(coin: &str, net: &str) -> Result<FamilyCoin, UnknownCoinError> {
    let known = descriptors();
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let nets: Vec<_> = known
        .iter()
        .filter(|known| same(&known.coin, coin))
        .collect();
    if let Some(found) = nets.iter().find(|known| same(&known.net, net)) {
        return Ok(FamilyCoin::new(Descriptor::clone(found)));
    }
    let (what, choices) = if nets.is_empty() {
        let mut coins: Vec<_> = known.iter().map(|known| known.coin.as_ref()).collect();
        coins.dedup();
        (format!("coin \"{coin}\""), coins.join(", "))
    } else {
        let nets: Vec<_> = nets.iter().map(|known| known.net.as_ref()).collect();
        (format!("net \"{net}\" of coin \"{coin}\""), nets.join(", "))
    };
    Err(UnknownCoinError { what, choices })
}

/// A pair of COIN and NET that names no coin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not known: expected one of {choices}")]
pub struct UnknownCoinError {
    what: String,
    choices: String,
}

#[cfg(test)]
mod tests {
    use electrode_coin::Coin as _;

    use super::find;

    #[test]
    fn finds_coins_whatever_the_case() {
        assert_eq!(
            find("bitcoin", "RegTest").unwrap().descriptor().net,
            "regtest"
        );
    }

    #[test]
    fn lists_what_is_known() {
        let coin = find("Bitcoln", "mainnet").unwrap_err().to_string();
        assert_eq!(
            coin,
            "coin \"Bitcoln\" is not known: expected one of Bitcoin"
        );
        let net = find("Bitcoin", "main").unwrap_err().to_string();
        assert_eq!(
            net,
            "net \"main\" of coin \"Bitcoin\" is not known: expected one of \
             mainnet, testnet, testnet-segwit, testnet4, signet, regtest"
        );
    }
}
