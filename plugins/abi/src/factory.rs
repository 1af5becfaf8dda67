//! What an author writes besides [`Coin`].

use electrode_coin::Coin;

/// A coin that a server can ask for by the name of a net.
pub trait CoinFactory: Coin + Sized {
    /// Makes the coin for a net, such as `mainnet`; `options` is what the operator says to the
    /// plugin, as TOML.
    ///
    /// # Errors
    /// The net or an option is not known; the text says which are, and reaches the operator.
    fn create(net: &str, options: &str) -> Result<Self, String>;
}
