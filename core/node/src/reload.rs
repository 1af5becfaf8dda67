//! What can change while the server runs: applied at the start, and again at each reload.

use std::sync::Arc;

use electrode_server::{Service, Texts};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Failure, admin, config::Config, limits, log};

/// Limits that only a restart changes: room is made for them once.
const FIXED_LIMITS: &[&str] = &["limits.concurrent_scans", "limits.answer_cache"];

/// Settings besides those of `[limits]` that a reload puts into force.
const LIVE: &[&str] = &[
    "serve.rpc_token_file",
    "serve.banner_file",
    "serve.tor_banner_file",
    "serve.donation_address",
    "log.level",
];

/// Reads the configuration again when the operator wants it.
pub(crate) struct Reloader<R> {
    config: Config,
    reread: R,
    service: Arc<Service>,
}

impl<R: Fn() -> Result<Config, Failure>> Reloader<R> {
    pub(crate) fn new(config: Config, reread: R, service: Arc<Service>) -> Self {
        Self {
            config,
            reread,
            service,
        }
    }

    /// Reloads at each SIGHUP and each `reload` of the admin RPC; never ends by itself.
    pub(crate) async fn run(mut self) -> Result<(), Failure> {
        let mut hangup = signal(SignalKind::hangup()).map_err(|source| Failure::System {
            what: "cannot listen to signals",
            source,
        })?;
        loop {
            tokio::select! {
                _ = hangup.recv() => {}
                () = self.service.reload_ordered() => {}
            }
            let outcome = self.reload().map_err(|failure| failure.to_string());
            match &outcome {
                Ok(done) => tracing::info!("{done}"),
                Err(error) => tracing::error!(%error, "not reloaded, everything stays as it was"),
            }
            self.service.reloaded(&outcome);
        }
    }

    /// Tells what changed. A configuration that cannot be used changes nothing.
    fn reload(&mut self) -> Result<String, Failure> {
        let config = (self.reread)()?;
        apply(&config, &self.service)?;
        self.service.bans().reload()?;
        let (live, fixed): (Vec<_>, Vec<_>) = self
            .config
            .differences(&config)
            .into_iter()
            .partition(|path| is_live(path));
        // What needs a restart stays as it was, and is told again next time.
        if fixed.is_empty() {
            self.config = config;
        }
        Ok(told(&live, &fixed))
    }
}

fn is_live(path: &str) -> bool {
    let is_limit = path.starts_with("limits.");
    LIVE.contains(&path) || is_limit && !FIXED_LIMITS.contains(&path)
}

/// Puts into force what can change while the server runs.
pub(crate) fn apply(config: &Config, service: &Service) -> Result<(), Failure> {
    let serve = &config.serve;
    let token = serve.rpc_token_file.as_deref().map(admin::read_token);
    let token = token.transpose()?;
    log::set_level(config.log.level);
    service.set_admin_token(token);
    service.set_limits(limits::server_limits(&config.limits));
    service.set_texts(Texts {
        banner_file: serve.banner_file.clone(),
        tor_banner_file: serve.tor_banner_file.clone(),
        donation_address: serve.donation_address.clone().unwrap_or_default(),
    });
    Ok(())
}

fn told(live: &[&str], fixed: &[&str]) -> String {
    let mut told = match live {
        [] => "reloaded: no setting has changed".to_owned(),
        changed => format!("reloaded: {}", changed.join(", ")),
    };
    if !fixed.is_empty() {
        told.push_str(&format!("; only a restart changes {}", fixed.join(", ")));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_changed_and_what_did_not() {
        for (live, fixed, expected) in [
            (&[][..], &[][..], "reloaded: no setting has changed"),
            (&["log.level"], &[], "reloaded: log.level"),
            (
                &["log.level"],
                &["index.cache", "net"],
                "reloaded: log.level; only a restart changes index.cache, net",
            ),
        ] {
            assert_eq!(told(live, fixed), expected);
        }
    }
}
