//! From a call to its answer.
//!
//! What takes a few rows is answered on the spot, on the network thread; a long scan goes to a
//! blocking thread, and what only the node knows is awaited, while the session goes on.

mod banner;
mod blocks;
mod fault;
mod scripts;
mod server;
mod transactions;

use std::{pin::Pin, sync::Arc, time::Instant};

use electrode_index::IndexError;
use electrode_protocol::{Answer, Call, Dialect, Method, RpcError};
use tokio::task;

use crate::{Service, Snapshot, session_info::SessionInfo};
use fault::{Fault, rpc_error};

/// Rows that are read on a network thread; more are read elsewhere.
const INLINE_ROWS: usize = 200;

/// Times that a request starts over because blocks were replaced while it was answered.
const MAX_RETRIES: usize = 5;

/// An answer, or the way to it.
pub(crate) enum Outcome {
    Now(Result<Answer, RpcError>),
    Later(Pin<Box<dyn Future<Output = Result<Answer, RpcError>> + Send>>),
}

impl Outcome {
    fn later(answer: impl Future<Output = Result<Answer, Fault>> + Send + 'static) -> Self {
        Self::Later(Box::pin(async { answer.await.map_err(rpc_error) }))
    }
}

/// Measures the time until it is dropped: when an answer is there, or nobody waits for it.
struct Stopwatch {
    service: Arc<Service>,
    method: Method,
    started: Instant,
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        let latencies = self.service.metrics.of(self.method);
        latencies.record(self.started.elapsed());
    }
}

/// Starts answering a call. Calls about the session itself are the session's.
pub(crate) fn answer(
    service: &Arc<Service>,
    info: &Arc<SessionInfo>,
    call: Call,
    dialect: Dialect,
) -> Outcome {
    let stopwatch = Stopwatch {
        service: Arc::clone(service),
        method: call.method(),
        started: Instant::now(),
    };
    match start(service, info, call, dialect) {
        Outcome::Later(answer) => Outcome::Later(Box::pin(async move {
            let answered = answer.await;
            drop(stopwatch);
            answered
        })),
        now => now,
    }
}

fn start(service: &Arc<Service>, info: &Arc<SessionInfo>, call: Call, dialect: Dialect) -> Outcome {
    let this = Arc::clone(service);
    match call {
        Call::GetBalance(script) => read(service, scripts::balance(script)),
        Call::GetHistory(script) => read(service, scripts::history(script)),
        Call::GetMempool(script) => read(service, scripts::mempool(script)),
        Call::ListUnspent(script) => read(service, scripts::unspent(script)),
        Call::Subscribe(script) => read(service, scripts::status(script)),
        Call::HeadersSubscribe => read(service, blocks::tip),
        Call::BlockHeader { height, cp_height } => {
            read(service, blocks::header(height, cp_height, dialect))
        }
        Call::BlockHeaders {
            start,
            count,
            cp_height,
        } => read(service, blocks::headers(start, count, cp_height, dialect)),
        Call::GetMerkle { txid, height } => read(service, blocks::merkle(txid, height)),
        Call::IdFromPos {
            height,
            tx_pos,
            merkle,
        } => read(service, blocks::id_from_pos(height, tx_pos, merkle)),
        Call::TransactionGet { txid, verbose } => {
            Outcome::later(async move { transactions::get(&this, txid, verbose).await })
        }
        Call::Broadcast { raw } => {
            let info = Arc::clone(info);
            Outcome::later(async move { transactions::broadcast(&this, &info, raw).await })
        }
        Call::BroadcastPackage { raws, verbose } => {
            let info = Arc::clone(info);
            Outcome::later(async move {
                transactions::broadcast_package(&this, &info, raws, verbose).await
            })
        }
        Call::EstimateFee { blocks, mode } => Outcome::later(async move {
            let tip = this.snapshot().ok_or(Fault::NotReady)?.tip().hash;
            Ok(this.fees.estimate(&this.daemon, tip, blocks, mode).await)
        }),
        Call::RelayFee => Outcome::later(async move { Ok(this.fees.relay(&this.daemon).await?) }),
        Call::MempoolInfo => {
            Outcome::later(async move { Ok(this.fees.limits(&this.daemon).await?) })
        }
        Call::FeeHistogram => read(service, |_: &Service, snapshot: &Snapshot, _| {
            Ok(Answer::FeeHistogram(snapshot.mempool.fee_histogram()))
        }),
        Call::Banner => {
            let connection = info.connection;
            Outcome::later(async move { Ok(banner::banner(&this, connection).await) })
        }
        Call::DonationAddress => {
            Outcome::Now(Ok(Answer::Text(service.texts().donation_address.clone())))
        }
        Call::Features => Outcome::Now(Ok(server::features(service))),
        Call::PeersSubscribe => Outcome::Now(Ok(Answer::Peers(Vec::new()))),
        Call::AddPeer { .. } => Outcome::Now(Ok(Answer::Bool(false))),
        Call::Ping => Outcome::Now(Ok(Answer::Null)),
        Call::ServerVersion { .. } => Outcome::Now(Err(RpcError::version_already_sent())),
        Call::Unsubscribe(_) => Outcome::Now(Ok(Answer::Bool(false))),
    }
}

/// Reads an answer from the latest snapshot. The number is how many rows may be read.
trait Read: Fn(&Service, &Snapshot, usize) -> Result<Answer, Fault> + Send + Sync + 'static {}

impl<F> Read for F where
    F: Fn(&Service, &Snapshot, usize) -> Result<Answer, Fault> + Send + Sync + 'static
{
}

fn read(service: &Arc<Service>, work: impl Read) -> Outcome {
    let Some(snapshot) = service.snapshot() else {
        return Outcome::Now(Err(rpc_error(Fault::NotReady)));
    };
    match work(service, &snapshot, INLINE_ROWS) {
        Err(Fault::Index(IndexError::HistoryTooLarge | IndexError::Reorganised)) => {
            let service = Arc::clone(service);
            Outcome::later(async move { scan(service, work).await })
        }
        answered => Outcome::Now(answered.map_err(rpc_error)),
    }
}

/// Reads as many rows as an answer may have, on a blocking thread, anew when the blocks that the
/// snapshot stands on were replaced meanwhile.
async fn scan(service: Arc<Service>, work: impl Read) -> Result<Answer, Fault> {
    let mut published = service.published();
    let work = Arc::new(work);
    for _ in 0..MAX_RETRIES {
        published.mark_unchanged();
        // The scan holds it to its end, even when nobody waits for the answer any more.
        let permit = Arc::clone(&service.scans).acquire_owned().await;
        let (service, work) = (Arc::clone(&service), Arc::clone(&work));
        let scanned = task::spawn_blocking(move || {
            let snapshot = service.snapshot().ok_or(Fault::NotReady)?;
            let answered = work(&service, &snapshot, service.limits().max_history());
            drop(permit);
            answered
        });
        match scanned.await.unwrap_or(Err(Fault::Stopped)) {
            Err(Fault::Index(IndexError::Reorganised)) => {}
            answered => return answered,
        }
        if published.changed().await.is_err() {
            return Err(Fault::Stopped);
        }
    }
    Err(Fault::Index(IndexError::Reorganised))
}
