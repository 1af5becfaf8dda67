//! What the border costs: 3000 transactions with two inputs and two outputs each, walked by a coin
//! in this program and by the same coin behind the border, neither of which hashes anything.
//!
//! `cargo run --release -p electrode-loader --example border -- LIBRARY`, where LIBRARY is
//! `libelectrode_reexport.so`.

use std::{
    env,
    error::Error,
    hint::black_box,
    io::{self, Write as _},
    ops::ControlFlow,
    time::Instant,
};

use electrode_coin::{Coin, CoinError, Height, TxView};
use electrode_loader::{PluginFile, Wanted, load};
use electrode_plugin::CoinFactory as _;
use electrode_reexport::Reexport;

const TXS: u16 = 3000;
const ROUNDS: u32 = 3000;

/// Bytes of a record, as the coin walks them.
const RECORD_LEN: usize = 170;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os()
        .nth(1)
        .ok_or("expected the path of libelectrode_reexport.so")?;
    let path = std::path::absolute(path)?;
    let wanted = Wanted {
        options: "unhashed = true",
        ..Wanted::new("Bitcoin", "regtest")
    };
    let foreign = load(&PluginFile { path, sha256: None }, wanted)?;
    let plain = Reexport::create(wanted.net, wanted.options)?;
    let block = vec![7; 80 + RECORD_LEN * usize::from(TXS)];
    let (mut fastest, mut fastest_foreign) = (f64::MAX, f64::MAX);
    // In turn, so that what else the machine does hits both.
    for _ in 0..ROUNDS {
        fastest = fastest.min(walk(&plain, &block)?);
        fastest_foreign = fastest_foreign.min(walk(&foreign, &block)?);
    }
    writeln!(
        io::stdout(),
        "compiled in {fastest:.1} ns, through the border {fastest_foreign:.1} ns: \
         {:.1} ns a transaction",
        fastest_foreign - fastest
    )?;
    Ok(())
}

/// Gives the nanoseconds for a transaction.
fn walk(coin: &dyn Coin, block: &[u8]) -> Result<f64, CoinError> {
    let mut sum = 0;
    let mut sink = |tx: &TxView<'_>| {
        sum += tx
            .outputs
            .iter()
            .map(|output| output.script.len())
            .sum::<usize>();
        ControlFlow::Continue(())
    };
    let start = Instant::now();
    coin.parse_block(Height(1), black_box(block), &mut sink)?;
    black_box(sum);
    Ok(start.elapsed().as_secs_f64() * 1e9 / f64::from(TXS))
}
