//! How far the initial build is: a bar on a terminal, a line now and then otherwise.

use std::{
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

use electrode_coin::Height;
use electrode_index::BlockRows;
use indicatif::{ProgressBar, ProgressStyle};

/// Time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Tells of the blocks of one build.
pub(crate) struct Progress {
    bar: ProgressBar,
    target: Height,
    transactions: u64,
    started: Instant,
    told: Instant,
    on_block: Box<dyn FnMut(Height) + Send>,
}

impl Progress {
    /// Starts at the block `next`; `on_block` hears of every block too.
    pub(crate) fn new(
        next: Height,
        target: Height,
        on_block: impl FnMut(Height) + Send + 'static,
    ) -> Self {
        let bar = if io::stderr().is_terminal() {
            ProgressBar::no_length()
        } else {
            ProgressBar::hidden()
        };
        bar.set_style(
            ProgressStyle::with_template(
                "indexing {bar:32} block {pos} of {len}, {msg}, {eta} left",
            )
            .unwrap_or_else(|_bad_template| ProgressStyle::default_bar()),
        );
        bar.set_length(u64::from(target.0));
        bar.set_position(u64::from(next.0));
        bar.reset_eta();
        let now = Instant::now();
        Self {
            bar,
            target,
            transactions: 0,
            started: now,
            told: now,
            on_block: Box::new(on_block),
        }
    }

    /// Counts a block.
    pub(crate) fn block(&mut self, rows: &BlockRows) {
        let height = rows.height();
        // A block has fewer transactions than bytes.
        self.transactions += u64::try_from(rows.txids().len()).unwrap_or_default();
        self.bar.set_position(u64::from(height.0));
        self.bar.set_message(format!("{:.0} tx/s", self.rate()));
        (self.on_block)(height);
        if self.bar.is_hidden() && self.told.elapsed() >= INTERVAL {
            self.told = Instant::now();
            let rate = format!("{:.0}", self.rate());
            tracing::info!(%height, target = %self.target, tx_per_s = rate, "indexing");
        }
    }

    /// Ends the bar, with a line in the log for good.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
        tracing::info!(
            height = %self.target,
            transactions = self.transactions,
            seconds = format!("{:.1}", self.started.elapsed().as_secs_f64()),
            "indexed"
        );
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn rate(&self) -> f64 {
        self.transactions as f64 / self.started.elapsed().as_secs_f64().max(0.001)
    }
}
