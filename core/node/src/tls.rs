//! The certificate that the configuration asks for.

use std::sync::{Arc, OnceLock};

use electrode_server::{Tls, TlsError};

use crate::config::Config;

/// The certificate of services that are encrypted, once there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Certificate(Arc<OnceLock<Arc<Tls>>>);

impl Certificate {
    /// Reads the certificate, or makes one that lasts, and reads it again when its files change;
    /// does nothing if no service is encrypted.
    pub(crate) fn start(&self, config: &Config) -> Result<(), TlsError> {
        let mut services = config.serve.services.iter();
        if !services.any(|service| service.transport.is_encrypted()) {
            return Ok(());
        }
        let tls = match &config.tls {
            Some(files) => Tls::load(files.clone())?,
            None => Tls::load_or_make(&config.data_dir, &reported_hosts(config))?,
        };
        tracing::info!(
            fingerprint = tls.fingerprint(),
            "TLS; wallets may show the fingerprint (SHA-256)"
        );
        let watched = Arc::clone(self.0.get_or_init(|| Arc::new(tls)));
        tokio::spawn(async move { watched.watch().await });
        Ok(())
    }

    /// Gives what connections are encrypted with.
    pub(crate) fn tls(&self) -> Option<Arc<Tls>> {
        self.0.get().cloned()
    }

    /// Reads the files again; gives the fingerprint of what is in them, if that is another one.
    pub(crate) fn reload(&self) -> Result<Option<String>, TlsError> {
        let Some(tls) = self.0.get() else {
            return Ok(None);
        };
        let before = tls.fingerprint();
        tls.reload()?;
        Ok(Some(tls.fingerprint()).filter(|now| *now != before))
    }
}

/// Reads the certificate that the operator names, if there is one, to tell what is wrong with it.
pub(crate) fn check(config: &Config) -> Result<(), TlsError> {
    match &config.tls {
        Some(files) => Tls::load(files.clone()).map(drop),
        None => Ok(()),
    }
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
