//! TLS with a server whose certificate nobody vouches for, as wallets speak it: the certificate is
//! taken as it comes, or must be the one that is known.

use std::{
    fmt, io,
    sync::{Arc, OnceLock},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{CallError, fingerprint::Fingerprint, place::Place};

/// What TLS has shown of a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    fingerprint: Fingerprint,
    version: Option<ProtocolVersion>,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match self.version {
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            _ => "1.3",
        };
        let fingerprint = self.fingerprint;
        write!(f, "TLS {version}, certificate (SHA-256) {fingerprint}")
    }
}

/// Shakes hands; with a `pin`, only with the server that has this certificate and its key.
pub(super) async fn over(
    tcp: TcpStream,
    server: &Place,
    pin: Option<Fingerprint>,
) -> Result<(TlsStream<TcpStream>, Seen), CallError> {
    let failed = |source| CallError::Handshake {
        server: server.to_string(),
        protocol: "TLS",
        source,
    };
    let verifier = Arc::new(Verifier {
        provider: Arc::new(ring::default_provider()),
        pin,
        shown: OnceLock::new(),
    });
    let name = ServerName::try_from(server.host.clone());
    let name = name.map_err(|error| failed(io::Error::other(error)))?;
    let config = config(&verifier).map_err(|error| failed(io::Error::other(error)))?;
    let shaken = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await;
    match (pin, verifier.shown.get().copied()) {
        (Some(expected), Some(came)) if expected != came => Err(CallError::OtherCertificate {
            server: server.to_string(),
            expected,
            came,
        }),
        (_, shown) => {
            let stream = shaken.map_err(failed)?;
            let fingerprint = shown.ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))?;
            let version = stream.get_ref().1.protocol_version();
            Ok((
                stream,
                Seen {
                    fingerprint,
                    version,
                },
            ))
        }
    }
}

fn config(verifier: &Arc<Verifier>) -> Result<ClientConfig, Error> {
    let config = ClientConfig::builder_with_provider(Arc::clone(&verifier.provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(verifier) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    Ok(config)
}

/// Takes any certificate, or the one that is pinned, and remembers it.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    pin: Option<Fingerprint>,
    shown: OnceLock<Fingerprint>,
}

impl Verifier {
    /// Judges whether the server has the key of the certificate that it shows.
    ///
    /// Certificates of X.509 version 1, as ElectrumX's instructions make them, cannot be read for
    /// their key. Where none is pinned nothing rests on it; where one is, it does.
    fn judge(
        &self,
        verified: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        match verified {
            Err(Error::InvalidCertificate(CertificateError::BadSignature)) => verified,
            Err(Error::InvalidCertificate(_)) if self.pin.is_none() => {
                Ok(HandshakeSignatureValid::assertion())
            }
            verified => verified,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = *self.shown.get_or_init(|| Fingerprint::of(end_entity));
        match self.pin {
            Some(pin) if pin != shown => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.judge(verify_tls12_signature(message, cert, dss, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.judge(verify_tls13_signature(message, cert, dss, algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests;
