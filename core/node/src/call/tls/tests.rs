use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::FromText as _;

const KNOWN: &[u8] = include_bytes!("fixtures/known.crt");
/// X.509 version 1, of the same key, made as ElectrumX's instructions have it.
const VERSION_ONE: &[u8] = include_bytes!("fixtures/version-one.crt");
const KNOWN_KEY: &[u8] = include_bytes!("fixtures/known.key");
const OTHER_KEY: &[u8] = include_bytes!("fixtures/other.key");

/// Shows a certificate whatever it is, as no other test server does.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn certificate(pem: &[u8]) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem).unwrap()
}

/// Shakes hands with a server that shows `cert` and signs with `key`, in this version of TLS.
async fn shake(
    [cert, key]: [&[u8]; 2],
    version: &'static rustls::SupportedProtocolVersion,
    pin: Option<Fingerprint>,
) -> Result<Seen, CallError> {
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    let key = ring::sign::any_supported_type(&key).unwrap();
    let shown = CertifiedKey::new(vec![certificate(cert)], key);
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Shows(Arc::new(shown))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        drop(TlsAcceptor::from(Arc::new(config)).accept(tcp).await);
    });
    let tcp = TcpStream::connect(address).await.unwrap();
    let place = Place::from_text(&format!("ssl://{address}")).unwrap();
    let shaken = over(tcp, &place, pin).await.map(|(_stream, seen)| seen);
    server.await.unwrap();
    shaken
}

#[tokio::test]
async fn takes_any_certificate_and_remembers_it() {
    for version in rustls::ALL_VERSIONS {
        for cert in [KNOWN, VERSION_ONE] {
            let seen = shake([cert, KNOWN_KEY], version, None).await.unwrap();
            assert_eq!(seen.fingerprint, Fingerprint::of(&certificate(cert)));
            assert_eq!(seen.version, Some(version.version));
        }
    }
}

#[tokio::test]
async fn takes_only_the_certificate_that_is_pinned() {
    let pin = Fingerprint::of(&certificate(KNOWN));
    for version in rustls::ALL_VERSIONS {
        let seen = shake([KNOWN, KNOWN_KEY], version, Some(pin)).await.unwrap();
        assert_eq!(seen.fingerprint, pin);
        let refused = shake([VERSION_ONE, KNOWN_KEY], version, Some(pin)).await;
        let Err(CallError::OtherCertificate { expected, came, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(
            (expected, came),
            (pin, Fingerprint::of(&certificate(VERSION_ONE)))
        );
    }
}

#[tokio::test]
async fn refuses_a_server_that_has_not_the_key_of_its_certificate() {
    let pin = Fingerprint::of(&certificate(KNOWN));
    for version in rustls::ALL_VERSIONS {
        for pin in [None, Some(pin)] {
            let refused = shake([KNOWN, OTHER_KEY], version, pin).await;
            assert!(
                matches!(refused, Err(CallError::Handshake { .. })),
                "{refused:?}"
            );
        }
    }
}

/// Its key cannot be read, so that nobody could tell whether the server has it.
#[tokio::test]
async fn refuses_to_rely_on_a_certificate_of_version_one() {
    let pin = Fingerprint::of(&certificate(VERSION_ONE));
    for version in rustls::ALL_VERSIONS {
        let refused = shake([VERSION_ONE, KNOWN_KEY], version, Some(pin)).await;
        assert!(
            matches!(refused, Err(CallError::Handshake { .. })),
            "{refused:?}"
        );
    }
}
