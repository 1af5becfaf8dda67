//! What happens when the node, or a block, cannot be used: most of it passes.

use std::time::{Duration, Instant};

use electrode_coin::Height;
use electrode_daemon::DaemonError;
use electrode_index::IndexError;
use electrode_server::Stage;

use super::Follower;
use crate::Failure;

/// Least time between two lines about the same trouble.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

impl Follower {
    /// Says what went wrong; what is indexed is served meanwhile, if it was complete once.
    ///
    /// # Errors
    /// The failure is one that waiting does not mend.
    pub(super) async fn endure(&mut self, failure: Failure) -> Result<(), Failure> {
        let stage = match &failure {
            Failure::Index(
                IndexError::Database(_)
                | IndexError::File { .. }
                | IndexError::Damaged { .. }
                | IndexError::Moved { .. },
            ) => return Err(failure),
            Failure::Index(_)
            | Failure::Broken(_)
            | Failure::Genesis { .. }
            | Failure::System { .. } => Stage::Stuck {
                height: self.index.tip().map(|tip| tip.height).unwrap_or_default(),
                why: failure.to_string().into(),
            },
            Failure::NoBlock { height, source } => Stage::MissingBlock {
                height: *height,
                why: self.why_missing(*height, source).await?.into(),
            },
            Failure::Daemon(error) => Stage::DaemonRefuses {
                why: error.to_string().into(),
            },
            _ => return Err(failure),
        };
        self.complaints.of(&stage);
        self.service.set_stage(stage);
        // Blocks that older snapshots stand on may have been replaced before it went wrong.
        if self.service.has_snapshot() {
            self.publish().await?;
        }
        Ok(())
    }

    /// Finds out why the node lacks a block of its own chain.
    async fn why_missing(&self, height: Height, error: &DaemonError) -> Result<String, Failure> {
        let daemon = &self.blocks.daemon;
        let chain = match daemon.chain().await {
            Ok(chain) => chain,
            Err(_also_failed) => return Ok(error.to_string()),
        };
        if let Some(first) = chain.pruned_to.filter(|first| height < *first) {
            return Ok(format!(
                "it is pruned and has blocks from {first} on, but the index needs all of them; \
                 set prune=0 in its configuration and download the chain again, or use another \
                 node"
            ));
        }
        Ok(match daemon.background_height().await {
            Ok(Some(checked)) if checked < chain.tip.height => format!(
                "it began with a snapshot of the chain (assumeutxo) and is still downloading what \
                 lies before, {checked} so far; the index goes on as it does"
            ),
            _ => error.to_string(),
        })
    }
}

/// Tells the log what keeps the follower from the node's latest state: each trouble once, and
/// again every minute.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    last: Option<(Stage, Instant)>,
}

impl Complaints {
    /// Tells of what there is now.
    pub(super) fn of(&mut self, stage: &Stage) {
        let is_told = self.last.as_ref().is_some_and(|(last, at)| {
            std::mem::discriminant(last) == std::mem::discriminant(stage)
                && at.elapsed() < BETWEEN_LINES
        });
        if is_told {
            return;
        }
        self.last = Some((stage.clone(), Instant::now()));
        match stage {
            Stage::Downloading { .. } | Stage::DaemonLoadingMempool => tracing::info!("{stage}"),
            Stage::Stuck { .. } | Stage::MissingBlock { .. } => tracing::error!("{stage}"),
            _ => tracing::warn!("{stage}"),
        }
    }

    /// Takes note that there is none any more.
    pub(super) fn end(&mut self) {
        if let Some((stage, _)) = self.last.take() {
            tracing::info!(after = stage.to_string(), "in step with the node again");
        }
    }
}
