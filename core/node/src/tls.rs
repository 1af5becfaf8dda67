//! The certificate that the configuration asks for.

use std::sync::Arc;

use electrode_server::{Tls, TlsError};

use crate::config::Config;

/// Reads the certificate, or makes one that lasts, and reads it again when its files change;
/// nothing if no service is encrypted.
pub(crate) fn start(config: &Config) -> Result<Option<Arc<Tls>>, TlsError> {
    let services = &config.serve.services;
    if !services
        .iter()
        .any(|service| service.transport.is_encrypted())
    {
        return Ok(None);
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
    Ok(Some(tls))
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
