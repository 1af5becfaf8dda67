//! From a published snapshot to the notifications it means.

use std::sync::{Arc, Weak};

use electrode_coin::ScriptHash;
use electrode_index::{IndexError, Tip};
use electrode_mempool::Touched;
use electrode_protocol::{Method, encode_headers_notification, encode_status_notification};
use tokio::{sync::mpsc, task};

use crate::{Service, Snapshot, costs::Origin, status_cache::Computed, subscriptions::Notice};

/// A new snapshot and the scripts that may have changed with it.
pub(crate) struct Update {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) touched: Touched,
}

/// Notifies of updates until the service is gone. When several wait, they are taken as one.
pub(crate) async fn run(service: Weak<Service>, mut updates: mpsc::Receiver<Update>) {
    let mut told_tip = None;
    let mut untold = Touched::default();
    while let Some(mut update) = updates.recv().await {
        while let Ok(newer) = updates.try_recv() {
            update.snapshot = newer.snapshot;
            update.touched.extend(newer.touched);
        }
        update.touched.extend(untold.drain());
        let Some(service) = service.upgrade() else {
            return;
        };
        let notified = task::spawn_blocking(move || {
            let untold = notify(&service, &update, &mut told_tip);
            (told_tip, untold)
        });
        match notified.await {
            Ok(after) => (told_tip, untold) = after,
            Err(error) => tracing::error!(%error, "a notification failed"),
        }
    }
}

/// Tells of the block first, then of the scripts. Gives back the scripts that cannot be read now,
/// for the next update: nearly always because blocks were replaced meanwhile.
fn notify(service: &Service, update: &Update, told_tip: &mut Option<Tip>) -> Touched {
    let tip = update.snapshot.tip();
    if told_tip.replace(tip) != Some(tip) {
        let notice = Notice {
            line: encoded(|out| {
                encode_headers_notification(out, update.snapshot.tip_header(), tip.height);
            }),
            cost: 0.0,
        };
        service.subscriptions.tell_headers(&notice);
        service.proofs.follow(&update.snapshot.index);
    }
    let mut untold = Touched::default();
    for script in service
        .subscriptions
        .watched(update.touched.iter().copied())
    {
        match status(service, &update.snapshot, &script) {
            Ok(computed) => tell(service, &script, &computed),
            // As the protocol has it, the subscription ends with a notification of nothing.
            Err(IndexError::HistoryTooLarge) => {
                let nothing = Computed {
                    status: None,
                    entries: 0,
                    origin: Origin::Remembered,
                };
                tell(service, &script, &nothing);
                service.subscriptions.drop_script(&script);
            }
            Err(error) => {
                if !matches!(error, IndexError::Reorganised) {
                    tracing::error!(%script, %error, "no status to tell");
                }
                untold.insert(script.key());
            }
        }
    }
    untold
}

fn status(
    service: &Service,
    snapshot: &Snapshot,
    script: &ScriptHash,
) -> Result<Computed, IndexError> {
    let max = service.limits().max_history();
    service.statuses.status(snapshot, &script.key(), max, max)
}

fn tell(service: &Service, script: &ScriptHash, computed: &Computed) {
    let Computed {
        status,
        entries,
        origin,
    } = *computed;
    let limits = service.limits();
    let prices = &limits.costs.prices;
    let notice = Notice {
        line: encoded(|out| encode_status_notification(out, script, status.as_ref())),
        cost: prices.method(Method::Subscribe) + prices.status(entries, origin),
    };
    service.subscriptions.tell_status(script, status, &notice);
}

fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Arc<[u8]> {
    let mut line = Vec::new();
    encode(&mut line);
    line.push(b'\n');
    line.into()
}
