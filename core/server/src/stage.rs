//! How far the server is from serving, and what keeps it from the node's latest state.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use electrode_coin::Height;

/// What the server is busy with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits for the node to answer.
    WaitingForDaemon,
    /// It has all that the node has, which is still downloading the chain.
    Downloading {
        /// Height of the node.
        height: Height,
        /// Height that the node is on its way to.
        target: Height,
    },
    /// It builds the index.
    Indexing {
        /// Height of the index.
        height: Height,
        /// Height of the node.
        target: Height,
    },
    /// It waits for the node, which is still reading its mempool from disk.
    DaemonLoadingMempool,
    /// It reads the node's mempool for the first time.
    LoadingMempool,
    /// It answers.
    Serving,
    /// The node has a part of the index's chain, and no other chain.
    DaemonBehind {
        /// Height of the node.
        daemon: Height,
        /// Height of the index.
        index: Height,
    },
    /// The node lacks the next block of its own chain.
    MissingBlock {
        /// Height of the block.
        height: Height,
        /// Why, in words for an operator.
        why: Arc<str>,
    },
    /// The node answers, but not what is asked of it.
    DaemonRefuses {
        /// What came.
        why: Arc<str>,
    },
    /// It cannot go on at this height.
    Stuck {
        /// Height of the index.
        height: Height,
        /// What stands in the way.
        why: Arc<str>,
    },
}

impl Stage {
    /// Every name there is.
    pub(crate) const NAMES: [&'static str; 10] = [
        "waiting_for_daemon",
        "downloading",
        "indexing",
        "daemon_loading_mempool",
        "loading_mempool",
        "serving",
        "daemon_behind",
        "missing_block",
        "daemon_refuses",
        "stuck",
    ];

    /// Gives the name that metrics know it by.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::WaitingForDaemon => "waiting_for_daemon",
            Self::Downloading { .. } => "downloading",
            Self::Indexing { .. } => "indexing",
            Self::DaemonLoadingMempool => "daemon_loading_mempool",
            Self::LoadingMempool => "loading_mempool",
            Self::Serving => "serving",
            Self::DaemonBehind { .. } => "daemon_behind",
            Self::MissingBlock { .. } => "missing_block",
            Self::DaemonRefuses { .. } => "daemon_refuses",
            Self::Stuck { .. } => "stuck",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WaitingForDaemon => write!(f, "waiting for the node"),
            Self::Downloading { height, target } => {
                write!(f, "the node is downloading the chain, {height} of {target}")
            }
            Self::Indexing { height, target } => write!(f, "indexing block {height} of {target}"),
            Self::DaemonLoadingMempool => {
                write!(f, "the node is still reading its mempool from disk")
            }
            Self::LoadingMempool => write!(f, "loading the mempool"),
            Self::Serving => write!(f, "serving"),
            Self::DaemonBehind { daemon, index } => {
                write!(f, "the node is behind, at block {daemon} of {index}")
            }
            Self::MissingBlock { height, why } => {
                write!(f, "the node does not have block {height}: {why}")
            }
            Self::DaemonRefuses { why } => write!(f, "cannot follow the node: {why}"),
            Self::Stuck { height, why } => write!(f, "stuck behind block {height}: {why}"),
        }
    }
}

/// What the follower of the node does, and for how long what is served may have been stale.
#[derive(Clone, Debug)]
pub(crate) struct Following {
    stage: Stage,
    /// Since when there may be something on the node that is not served.
    behind_since: Option<Instant>,
    has_served: bool,
}

impl Default for Following {
    fn default() -> Self {
        Self {
            stage: Stage::WaitingForDaemon,
            behind_since: None,
            has_served: false,
        }
    }
}

impl Following {
    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Takes note of what the follower does; while it serves, there is nothing that it does not
    /// know of.
    pub(crate) fn enter(&mut self, stage: Stage) {
        if stage == Stage::Serving {
            self.has_served = true;
            self.behind_since = None;
        } else {
            self.fall_behind();
        }
        self.stage = stage;
    }

    /// Takes note that the node may have something new.
    pub(crate) fn fall_behind(&mut self) {
        self.behind_since.get_or_insert_with(Instant::now);
    }

    /// Tells what keeps the server from being ready; once it has served, no trouble counts that is
    /// over within `lag`.
    pub(crate) fn hindrance(&self, lag: Duration) -> Option<String> {
        if !self.has_served {
            return Some(self.stage.to_string());
        }
        let behind = self.behind_since?.elapsed();
        if behind <= lag {
            return None;
        }
        Some(match &self.stage {
            Stage::Serving => format!("behind the node for {} seconds", behind.as_secs()),
            trouble => trouble.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_millis(1);

    /// Lets the lag pass.
    fn told(following: &Following) -> String {
        loop {
            if let Some(hindrance) = following.hindrance(LAG) {
                return hindrance;
            }
        }
    }

    #[test]
    fn is_not_ready_before_it_has_served() {
        let mut following = Following::default();
        let lag = Duration::from_secs(3600);
        assert!(following.hindrance(lag).is_some());
        following.enter(Stage::LoadingMempool);
        assert_eq!(following.hindrance(lag).unwrap(), "loading the mempool");
        following.enter(Stage::Serving);
        assert_eq!(following.hindrance(Duration::ZERO), None);
    }

    #[test]
    fn is_not_ready_once_it_is_stale_for_long() {
        let mut following = Following::default();
        following.enter(Stage::Serving);
        following.fall_behind();
        assert!(told(&following).starts_with("behind the node"));
        let behind = Stage::DaemonBehind {
            daemon: Height(3),
            index: Height(5),
        };
        following.enter(behind.clone());
        assert_eq!(told(&following), "the node is behind, at block 3 of 5");
        following.enter(Stage::Serving);
        assert_eq!(following.hindrance(Duration::ZERO), None);
        following.enter(behind);
        assert_eq!(following.hindrance(Duration::from_secs(3600)), None);
    }
}
