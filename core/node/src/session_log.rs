//! The table of sessions in the log.

use std::{future::pending, sync::Arc, time::Duration};

use electrode_server::Service;

use crate::admin::session_table;

/// Sessions that are listed at a time; of more, only the number is told.
const MAX_ROWS: usize = 1000;

/// Logs the open sessions as often as is wanted, until the service is gone.
pub(crate) async fn run(service: Arc<Service>) {
    let mut rules = service.log_rules();
    loop {
        let every = rules.borrow_and_update().sessions;
        tokio::select! {
            () = pause(every) => log(&service),
            changed = rules.changed() => if changed.is_err() {
                return;
            }
        }
    }
}

async fn pause(every: Option<Duration>) {
    match every {
        Some(every) => tokio::time::sleep(every).await,
        None => pending().await,
    }
}

fn log(service: &Service) {
    let sessions = service.logged_sessions();
    let (listed, others) = sessions.split_at(sessions.len().min(MAX_ROWS));
    for line in session_table(listed) {
        tracing::info!("{line}");
    }
    if !others.is_empty() {
        tracing::info!("and {} more: see `electrode admin sessions`", others.len());
    }
}
