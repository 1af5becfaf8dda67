//! What the node says about fees, asked once per block or minute however many wallets ask.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use electrode_coin::BlockHash;
use electrode_daemon::{Daemon, DaemonError};
use electrode_protocol::{Answer, FeeMode, MempoolInfo};

use crate::costs::Origin;

/// How long the fee limits of the node's mempool are taken for granted.
const LIMITS_TTL: Duration = Duration::from_secs(10);

/// Targets that are estimated apart: the next one up stands for those between.
const TARGETS: [u32; 18] = [
    1, 2, 3, 4, 5, 6, 8, 10, 12, 18, 25, 36, 48, 72, 144, 288, 504, 1008,
];

/// What `estimatefee` answers when nobody knows.
const UNKNOWN: f64 = -1.0;

/// Remembers what the node said.
#[derive(Debug, Default)]
pub(crate) struct Fees {
    estimates: Memory<(u32, Option<FeeMode>), BlockHash, f64>,
    relay: Memory<(), Instant, f64>,
    limits: Memory<(), Instant, MempoolInfo>,
}

impl Fees {
    /// Estimates the fee to confirm within `blocks`; never fails, for wallets take a failure here
    /// for a broken server. Tells as well whether the node was asked.
    pub(crate) async fn estimate(
        &self,
        daemon: &Daemon,
        tip: BlockHash,
        blocks: u32,
        mode: Option<FeeMode>,
    ) -> (Answer, Origin) {
        let target = TARGETS
            .into_iter()
            .find(|target| *target >= blocks)
            .unwrap_or(1008);
        let fresh = |known_at: &BlockHash| *known_at == tip;
        if let Some(fee) = self.estimates.get(&(target, mode), fresh) {
            return (Answer::Number(fee), Origin::Remembered);
        }
        let fee = match daemon.estimate_fee(target, mode.map(FeeMode::name)).await {
            Ok(fee) => {
                let fee = fee.unwrap_or(UNKNOWN);
                self.estimates.set((target, mode), tip, fee);
                fee
            }
            Err(error) => {
                tracing::debug!(%error, target, "no fee estimate");
                UNKNOWN
            }
        };
        (Answer::Number(fee), Origin::Read)
    }

    /// Gives the lowest fee rate that the node relays.
    pub(crate) async fn relay(&self, daemon: &Daemon) -> Result<Answer, DaemonError> {
        if let Some(fee) = self.relay.get(&(), is_recent) {
            return Ok(Answer::Number(fee));
        }
        let fee = daemon.relay_fee().await?;
        self.relay.set((), Instant::now(), fee);
        Ok(Answer::Number(fee))
    }

    /// Gives the fee limits of the node's mempool.
    pub(crate) async fn limits(&self, daemon: &Daemon) -> Result<Answer, DaemonError> {
        if let Some(limits) = self.limits.get(&(), is_recent) {
            return Ok(Answer::MempoolInfo(limits));
        }
        let info = daemon.mempool_info().await?;
        let limits = MempoolInfo {
            mempoolminfee: info.mempoolminfee,
            minrelaytxfee: info.minrelaytxfee,
            incrementalrelayfee: info.incrementalrelayfee,
        };
        self.limits.set((), Instant::now(), limits);
        Ok(Answer::MempoolInfo(limits))
    }
}

fn is_recent(known_at: &Instant) -> bool {
    known_at.elapsed() < LIMITS_TTL
}

/// Values by key, each with a mark that tells whether it is still good. Its keys are few by
/// nature: targets and modes.
#[derive(Debug)]
struct Memory<K, M, V>(Mutex<HashMap<K, (M, V)>>);

impl<K, M, V> Default for Memory<K, M, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, M, V: Copy> Memory<K, M, V> {
    fn get(&self, key: &K, is_good: impl Fn(&M) -> bool) -> Option<V> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(key)
            .filter(|(mark, _)| is_good(mark))
            .map(|(_, value)| *value)
    }

    fn set(&self, key: K, mark: M, value: V) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, (mark, value));
    }
}
