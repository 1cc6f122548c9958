//! How far a server's certificate is trusted, for each of PostgreSQL's `sslmode`s.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// What must be true of a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    /// Nothing: the line is encrypted, to whomever.
    Nothing,
    /// An authority that we trust has signed it, for whatever name.
    Chain,
    /// It is signed so, and for the server's name.
    Full,
}

/// TLS that verifies so far. `root_cert` is a PEM file of authorities, or `system`, which is also the default; `identity`
/// are the PEM files of our own certificate and its key.
///
/// # Errors
///
/// Which file cannot be used, and why.
pub(super) fn client(
    verify: Verify,
    root_cert: Option<&str>,
    identity: Option<(&str, &str)>,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot be spoken to by TLS: {error}"))?;
    let builder = match verify {
        Verify::Full => builder.with_root_certificates(roots(root_cert)?),
        Verify::Nothing => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Lenient {
                chain: None,
                provider,
            })),
        Verify::Chain => {
            let roots = Arc::new(roots(root_cert)?);
            let chain = WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
                .build()
                .map_err(|error| format!("names no usable sslrootcert: {error}"))?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Lenient {
                    chain: Some(chain),
                    provider,
                }))
        }
    };
    let Some((cert, key)) = identity else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates("sslcert", cert)?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("names the sslkey {key}, which is no PEM key: {error}"))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| format!("names the sslcert {cert}, which does not fit its key: {error}"))
}

fn certificates(option: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    match read() {
        Ok(found) if found.is_empty() => Err(format!(
            "names the {option} {path}, which holds no PEM certificate"
        )),
        Ok(found) => Ok(found),
        Err(error) => Err(format!(
            "names the {option} {path}, which cannot be read: {error}"
        )),
    }
}

fn roots(file: Option<&str>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match file {
        None | Some("system") => {
            // One broken file among the system's is no reason to refuse the others.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(path) => {
            for cert in certificates("sslrootcert", path)? {
                roots.add(cert).map_err(|error| {
                    format!("names the sslrootcert {path}, which is no authority's: {error}")
                })?;
            }
        }
    }
    Ok(roots)
}

/// Checks less than rustls would by itself: the chain but no name, or nothing.
#[derive(Debug)]
struct Lenient {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The chain has been followed before the name is looked at.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
