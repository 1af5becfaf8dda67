//! Reading: a little at once, much on a blocking thread, and once for all who ask.

use std::sync::Arc;

use electrode_coin::ScriptHash;
use electrode_index::IndexError;
use electrode_protocol::Method;
use tokio::{sync::Semaphore, task};

use super::{Fault, Found, Outcome, rpc_error};
use crate::{Service, Snapshot, flights::Question, session_info::SessionInfo};

/// Rows that are read on a network thread; more are read elsewhere.
const INLINE_ROWS: usize = 200;

/// Times that a request starts over because blocks were replaced while it was answered.
const MAX_RETRIES: usize = 5;

/// Reads an answer from the latest snapshot. The number is how many rows may be read.
pub(super) trait Read:
    Fn(&Service, &Snapshot, usize) -> Result<Found, Fault> + Send + Sync + 'static
{
}

impl<F> Read for F where
    F: Fn(&Service, &Snapshot, usize) -> Result<Found, Fault> + Send + Sync + 'static
{
}

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) service: &'a Arc<Service>,
    pub(crate) info: &'a Arc<SessionInfo>,
    /// Bounds the long scans of the session.
    pub(crate) scans: &'a Arc<Semaphore>,
}

impl Asker<'_> {
    pub(super) fn read(self, work: impl Read) -> Outcome {
        self.start(None, work)
    }

    /// Reads what others may ask for at the same time: a method about a script.
    pub(super) fn read_of(self, method: Method, script: ScriptHash, work: impl Read) -> Outcome {
        self.start(Some((method, script)), work)
    }

    fn start(self, shared: Option<(Method, ScriptHash)>, work: impl Read) -> Outcome {
        let Some(snapshot) = self.service.snapshot() else {
            return Outcome::Now(Err(rpc_error(Fault::NotReady)));
        };
        match work(self.service, &snapshot, INLINE_ROWS) {
            Err(Fault::Index(IndexError::HistoryTooLarge | IndexError::Reorganised)) => {
                let service = Arc::clone(self.service);
                let scans = Arc::clone(self.scans);
                let work = Arc::new(work);
                Outcome::later(async move {
                    // First of all, so that nobody who asks the same waits for it.
                    let _own = scans.acquire_owned().await;
                    retry(&service, shared, &work).await
                })
            }
            answered => Outcome::Now(answered.map_err(rpc_error)),
        }
    }
}

/// Scans anew when the blocks that the snapshot stands on were replaced meanwhile.
async fn retry(
    service: &Arc<Service>,
    shared: Option<(Method, ScriptHash)>,
    work: &Arc<impl Read>,
) -> Result<Found, Fault> {
    let mut published = service.published();
    for _ in 0..MAX_RETRIES {
        let snapshot = *published.borrow_and_update();
        let scanned = match shared {
            None => scan(service, work).await,
            Some((method, script)) => {
                let question = Question {
                    method,
                    script,
                    snapshot,
                };
                let flight = service.flights.join(question);
                flight.answer(scan(service, work)).await
            }
        };
        match scanned {
            Err(Fault::Index(IndexError::Reorganised)) => {}
            answered => return answered,
        }
        if published.changed().await.is_err() {
            return Err(Fault::Stopped);
        }
    }
    Err(Fault::Index(IndexError::Reorganised))
}

/// Reads as many rows as an answer may have, on a blocking thread.
async fn scan(service: &Arc<Service>, work: &Arc<impl Read>) -> Result<Found, Fault> {
    // The scan holds it to its end, even when nobody waits for the answer any more.
    let permit = Arc::clone(&service.scans).acquire_owned().await;
    let (service, work) = (Arc::clone(service), Arc::clone(work));
    let scanned = task::spawn_blocking(move || {
        let snapshot = service.snapshot().ok_or(Fault::NotReady)?;
        let answered = work(&service, &snapshot, service.limits().max_history());
        drop(permit);
        answered
    });
    scanned.await.unwrap_or(Err(Fault::Stopped))
}
