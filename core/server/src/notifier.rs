//! From a published snapshot to the notifications it means.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
};

use electrode_coin::ScriptHash;
use electrode_index::{IndexError, Tip};
use electrode_mempool::Touched;
use electrode_protocol::Method;
use tokio::{sync::mpsc, task};

use crate::{Service, Snapshot, costs::Origin, notice::Notice, status_cache::Computed};

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
        let update = Arc::new(update);
        let taken = Arc::clone(&update);
        let notified = task::spawn_blocking(move || {
            let untold = notify(&service, &taken, &mut told_tip);
            (told_tip, untold)
        });
        match notified.await {
            Ok(after) => (told_tip, untold) = after,
            // What of it was told is not known: the next update tells it all.
            Err(error) => {
                tracing::error!(%error, "a notification failed");
                untold.clone_from(&update.touched);
            }
        }
    }
}

/// Tells of the block first, then of the scripts. Gives back the scripts that cannot be read now,
/// for the next update: nearly always because blocks were replaced meanwhile.
fn notify(service: &Service, update: &Update, told_tip: &mut Option<Tip>) -> Touched {
    let tip = update.snapshot.tip();
    if told_tip.replace(tip) != Some(tip) {
        let notice = Notice::of_tip(update.snapshot.tip_header(), tip.height);
        service.subscriptions.tell_headers(&Arc::new(notice));
        unharmed(|| service.proofs.follow(&update.snapshot.index));
    }
    let touched = update.touched.iter().copied();
    tell_each(service.subscriptions.watched(touched), |script| {
        match status(service, &update.snapshot, script) {
            Ok(computed) => tell(service, script, &computed),
            // As the protocol has it, the subscription ends with a notification of nothing.
            Err(IndexError::HistoryTooLarge) => {
                let nothing = Computed {
                    status: None,
                    entries: 0,
                    origin: Origin::Remembered,
                };
                tell(service, script, &nothing);
                service.subscriptions.drop_script(script);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    })
}

/// Tells of scripts one by one, and gives back those that could not be told of. A script at which
/// the program breaks down, as at a damaged index, keeps none of the others from being told.
fn tell_each(
    scripts: Vec<ScriptHash>,
    tell: impl Fn(&ScriptHash) -> Result<(), IndexError>,
) -> Touched {
    let mut untold = Touched::default();
    for script in scripts {
        match unharmed(|| tell(&script)) {
            Some(Ok(())) => continue,
            Some(Err(IndexError::Reorganised)) => {}
            Some(Err(error)) => tracing::error!(%script, %error, "no status to tell"),
            None => tracing::error!(%script, "no status to tell: it cannot be worked out"),
        }
        untold.insert(script.key());
    }
    untold
}

/// Survives a panic, which has said itself what it is; `None` stands for it.
fn unharmed<T>(work: impl FnOnce() -> T) -> Option<T> {
    // What a panic could leave half done here are caches, whose entries are replaced whole.
    catch_unwind(AssertUnwindSafe(work)).ok()
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
    let cost = prices.method(Method::Subscribe) + prices.status(entries, origin);
    let notice = Notice::of_status(*script, status, cost);
    service
        .subscriptions
        .tell_status(script, status, &Arc::new(notice));
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn tells_of_the_others_when_one_script_breaks_down() {
        let scripts = [1, 2, 3, 4].map(|byte| ScriptHash([byte; 32]));
        let [first, broken, unreadable, last] = scripts;
        let told = RefCell::new(Vec::new());
        let untold = tell_each(scripts.to_vec(), |script| {
            assert!(*script != broken, "what a damaged index may do");
            if *script == unreadable {
                return Err(IndexError::Reorganised);
            }
            told.borrow_mut().push(*script);
            Ok(())
        });
        assert_eq!(told.into_inner(), [first, last]);
        let again = [broken, unreadable].map(|script| script.key());
        assert_eq!(untold, again.into_iter().collect::<Touched>());
    }
}
