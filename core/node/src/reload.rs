//! What can change while the server runs: applied at the start, and again at each reload.

use std::{path::Path, sync::Arc};

use electrode_protocol::Token;
use electrode_server::{LogRules, Service, Texts, TokenFile};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    Failure,
    config::{Config, ServeSection},
    limits, log,
    tls::Certificate,
};

/// Limits that only a restart changes: room is made for them once.
const FIXED_LIMITS: &[&str] = &["limits.concurrent_scans", "limits.answer_cache"];

/// Settings besides those of `[limits]` that a reload puts into force.
const LIVE: &[&str] = &[
    "serve.rpc_token_file",
    "serve.rpc_without_token",
    "serve.http_hosts",
    "serve.banner_file",
    "serve.tor_banner_file",
    "serve.donation_address",
    "log.level",
    "log.sessions",
    "log.anonymous",
];

/// Reads the configuration again when the operator wants it.
pub(crate) struct Reloader<R> {
    config: Config,
    reread: R,
    service: Arc<Service>,
    certificate: Certificate,
}

impl<R: Fn() -> Result<Config, Failure>> Reloader<R> {
    pub(crate) fn new(
        config: Config,
        reread: R,
        service: Arc<Service>,
        certificate: Certificate,
    ) -> Self {
        Self {
            config,
            reread,
            service,
            certificate,
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

    /// Tells what changed. What cannot be used changes nothing: all that can fail comes first.
    fn reload(&mut self) -> Result<String, Failure> {
        let config = (self.reread)()?;
        // The directory that is in use, whatever a restart would take.
        let token = admin_token(&self.config.data_dir, &config.serve)?;
        let bans = self.service.bans().read_again()?;
        let certificate = self.certificate.reload()?;
        self.service
            .set_limits(limits::server_limits(&config.limits));
        apply(&config, token, &self.service);
        bans.into_iter()
            .for_each(|bans| self.service.bans().replace(bans));
        let (live, fixed): (Vec<_>, Vec<_>) = self
            .config
            .differences(&config)
            .into_iter()
            .partition(|path| is_live(path));
        // What needs a restart stays as it was, and is told again next time.
        if fixed.is_empty() {
            self.config = config;
        }
        Ok(told(&live, &fixed, certificate.as_deref()))
    }
}

fn is_live(path: &str) -> bool {
    let is_limit = path.starts_with("limits.");
    LIVE.contains(&path) || is_limit && !FIXED_LIMITS.contains(&path)
}

/// Reads the token of the admin RPC, which is made where none is; `None` where it needs none.
pub(crate) fn admin_token(data_dir: &Path, serve: &ServeSection) -> Result<Option<Token>, Failure> {
    let file = token_file(data_dir, serve);
    Ok(file.map(|file| file.read_or_make()).transpose()?)
}

/// Tells where the token of the admin RPC is; `None` where it needs none.
pub(crate) fn token_file(data_dir: &Path, serve: &ServeSection) -> Option<TokenFile> {
    if serve.rpc.is_empty() || serve.rpc_without_token {
        return None;
    }
    Some(match &serve.rpc_token_file {
        Some(path) => TokenFile::named(path.clone()),
        None => TokenFile::in_folder(data_dir),
    })
}

/// Puts into force what can change while the server runs, but its limits, which it has from the start.
pub(crate) fn apply(config: &Config, token: Option<Token>, service: &Service) {
    let serve = &config.serve;
    log::set_level(config.log.level);
    service.set_log_rules(LogRules {
        anonymous: config.log.anonymous,
        sessions: config.log.sessions.0,
    });
    service.set_admin_token(token);
    service.set_http_hosts(serve.http_hosts.clone());
    service.set_texts(Texts {
        banner_file: serve.banner_file.clone(),
        tor_banner_file: serve.tor_banner_file.clone(),
        donation_address: serve.donation_address.clone().unwrap_or_default(),
    });
}

/// Says what a reload changed; `certificate` is the fingerprint of a new one.
fn told(live: &[&str], fixed: &[&str], certificate: Option<&str>) -> String {
    let mut told = match live {
        [] => "reloaded: no setting has changed".to_owned(),
        changed => format!("reloaded: {}", changed.join(", ")),
    };
    if !fixed.is_empty() {
        told.push_str(&format!("; only a restart changes {}", fixed.join(", ")));
    }
    if let Some(fingerprint) = certificate {
        told.push_str(&format!("; the certificate is now {fingerprint}"));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_changed_and_what_did_not() {
        for (live, fixed, certificate, expected) in [
            (&[][..], &[][..], None, "reloaded: no setting has changed"),
            (&["log.level"], &[], None, "reloaded: log.level"),
            (
                &["log.level"],
                &["index.cache", "net"],
                None,
                "reloaded: log.level; only a restart changes index.cache, net",
            ),
            (
                &[],
                &[],
                Some("5f5f"),
                "reloaded: no setting has changed; the certificate is now 5f5f",
            ),
        ] {
            assert_eq!(told(live, fixed, certificate), expected);
        }
    }
}
