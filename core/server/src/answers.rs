//! From a call to its answer.
//!
//! What takes a few rows is answered on the spot, on the network thread; a long scan goes to a
//! blocking thread, and what only the node knows is awaited, while the session goes on.

mod banner;
mod blocks;
mod fault;
mod read;
mod scripts;
mod server;
mod transactions;

use std::{pin::Pin, sync::Arc, time::Instant};

use electrode_protocol::{Answer, Call, Dialect, Method, RpcError};

use crate::{
    Service, Snapshot,
    costs::{Extra, Origin},
};
use fault::{Fault, rpc_error};
use read::Read;

pub(crate) use read::Asker;

/// An answer, and what it cost beyond the price of its call.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) answer: Answer,
    pub(crate) cost: f64,
}

impl From<Answer> for Found {
    fn from(answer: Answer) -> Self {
        Self { answer, cost: 0.0 }
    }
}

/// An answer, or the way to it.
pub(crate) enum Outcome {
    Now(Result<Found, RpcError>),
    Later(Pin<Box<dyn Future<Output = Result<Found, RpcError>> + Send>>),
}

impl Outcome {
    fn now(answer: Answer) -> Self {
        Self::Now(Ok(answer.into()))
    }

    fn later<T: Into<Found>>(
        answer: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Self {
        Self::Later(Box::pin(async {
            answer.await.map(T::into).map_err(rpc_error)
        }))
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
pub(crate) fn answer(asker: Asker<'_>, call: Call, dialect: Dialect) -> Outcome {
    let stopwatch = Stopwatch {
        service: Arc::clone(asker.service),
        method: call.method(),
        started: Instant::now(),
    };
    match start(asker, call, dialect) {
        Outcome::Later(answer) => Outcome::Later(Box::pin(async move {
            let answered = answer.await;
            drop(stopwatch);
            answered
        })),
        now => now,
    }
}

fn start(asker: Asker<'_>, call: Call, dialect: Dialect) -> Outcome {
    let Asker { service, info, .. } = asker;
    let this = Arc::clone(service);
    let method = call.method();
    match call {
        Call::GetBalance(script) => asker.read_of(method, script, scripts::balance(script)),
        Call::GetHistory(script) => asker.read_of(method, script, scripts::history(script)),
        Call::GetMempool(script) => asker.read(scripts::mempool(script)),
        Call::ListUnspent(script) => asker.read_of(method, script, scripts::unspent(script)),
        Call::Subscribe { script, .. } => asker.read_of(method, script, scripts::status(script)),
        Call::HeadersSubscribe => asker.read(blocks::tip),
        Call::BlockHeader { height, cp_height } => {
            asker.read(blocks::header(height, cp_height, dialect))
        }
        Call::BlockHeaders {
            start,
            count,
            cp_height,
        } => asker.read(blocks::headers(start, count, cp_height, dialect)),
        Call::GetMerkle { txid, height } => asker.read(blocks::merkle(txid, height)),
        Call::IdFromPos {
            height,
            tx_pos,
            merkle,
        } => asker.read(blocks::id_from_pos(height, tx_pos, merkle)),
        Call::TransactionGet {
            txid,
            verbose: true,
        } => Outcome::later(async move { transactions::explain(&this, txid).await }),
        Call::TransactionGet { txid, .. } => match transactions::remembered(service, &txid) {
            Some(answer) => Outcome::now(answer),
            None => Outcome::later(async move { transactions::get(&this, txid).await }),
        },
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
            let estimated = this.fees.estimate(&this.daemon, tip, blocks, mode);
            let (answer, origin) = estimated.await;
            let cost = match origin {
                Origin::Remembered => 0.0,
                Origin::Read => this.limits().costs.prices.of(Extra::FeeAsked),
            };
            Ok(Found { answer, cost })
        }),
        Call::RelayFee => Outcome::later(async move { Ok(this.fees.relay(&this.daemon).await?) }),
        Call::MempoolInfo => {
            Outcome::later(async move { Ok(this.fees.limits(&this.daemon).await?) })
        }
        Call::FeeHistogram => asker.read(|_: &Service, snapshot: &Snapshot, _| {
            Ok(Answer::FeeHistogram(snapshot.mempool.fee_histogram()).into())
        }),
        Call::Banner => {
            let connection = info.connection;
            Outcome::later(async move { Ok(banner::banner(&this, connection).await) })
        }
        Call::DonationAddress => {
            Outcome::now(Answer::Text(service.texts().donation_address.clone()))
        }
        Call::Features => Outcome::now(server::features(service)),
        Call::PeersSubscribe => Outcome::now(Answer::Peers(Vec::new())),
        Call::AddPeer { .. } => Outcome::now(Answer::Bool(false)),
        Call::Ping => Outcome::now(Answer::Null),
        Call::ServerVersion { .. } => Outcome::Now(Err(RpcError::version_already_sent())),
        Call::Unsubscribe(_) => Outcome::now(Answer::Bool(false)),
    }
}
