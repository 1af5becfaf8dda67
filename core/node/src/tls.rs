//! The certificate that the configuration asks for.

use std::sync::Arc;

use electrode_server::{Tls, TlsError};

use crate::config::Config;

/// The certificate of services that are encrypted; none if no service is.
#[derive(Clone, Debug)]
pub(crate) struct Certificate(Option<Arc<Tls>>);

impl Certificate {
    /// Reads the certificate, or makes one that lasts, and reads it again when its files change;
    /// does nothing if no service is encrypted.
    pub(crate) fn start(config: &Config) -> Result<Self, TlsError> {
        if !is_needed(config) {
            return Ok(Self(None));
        }
        let tls = match &config.tls {
            Some(files) => Tls::load(files.clone())?,
            None => Tls::load_or_make(&config.data_dir, &reported_hosts(config))?,
        };
        tracing::info!(
            fingerprint = tls.fingerprint(),
            "TLS; wallets may show the fingerprint (SHA-256)"
        );
        let tls = Arc::new(tls);
        let watched = Arc::clone(&tls);
        tokio::spawn(async move { watched.watch().await });
        Ok(Self(Some(tls)))
    }

    /// Gives what connections are encrypted with.
    pub(crate) fn tls(&self) -> Option<Arc<Tls>> {
        self.0.clone()
    }

    /// Reads the files again; gives the fingerprint of what is in them, if that is another one.
    pub(crate) fn reload(&self) -> Result<Option<String>, TlsError> {
        let Some(tls) = &self.0 else {
            return Ok(None);
        };
        let before = tls.fingerprint();
        tls.reload()?;
        Ok(Some(tls.fingerprint()).filter(|now| *now != before))
    }
}

/// Reads the certificate that the operator names, or the one that was made, if there is any, to
/// tell what is wrong with it.
pub(crate) fn check(config: &Config) -> Result<(), TlsError> {
    match &config.tls {
        Some(files) => Tls::load(files.clone()).map(drop),
        None if is_needed(config) => Tls::check_made(&config.data_dir),
        None => Ok(()),
    }
}

fn is_needed(config: &Config) -> bool {
    let mut services = config.serve.services.iter();
    services.any(|service| service.transport.is_encrypted())
}

fn reported_hosts(config: &Config) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for service in &config.serve.report_services {
        let new = service
            .address
            .host
            .iter()
            .filter(|host| !hosts.contains(host));
        hosts.extend(new.cloned().collect::<Vec<_>>());
    }
    hosts
}
