//! A set of keys from an address.

use std::{env, error::Error as StdError, time::Duration};

use axum::{
    body::Body,
    http::{Request, StatusCode, Uri, header::ACCEPT},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer};
use thiserror::Error;
use tokio::time::timeout;
use tracing::warn;

use super::{KeySet, ReadKeys};

/// Within which the whole answer comes.
const TIME: Duration = Duration::from_secs(5);
/// Bytes of a set of keys at most.
const BYTES: usize = 256 * 1024;

/// The keys cannot be had from the address.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("failed to build the client for keys")]
    BuildClient(#[source] rustls::Error),
    #[error("failed to read the address of keys")]
    ReadAddress(#[source] axum::http::Error),
    #[error("failed to get the keys within {} s", TIME.as_secs())]
    Slow,
    #[error("failed to get the keys")]
    Get(#[source] Box<dyn StdError + Send + Sync>),
    #[error("failed to get the keys: the answer has the status {0}")]
    Status(StatusCode),
    #[error("failed to get the keys: the answer has more than {BYTES} bytes")]
    TooLarge,
    #[error("failed to use the keys")]
    Use(#[source] ReadKeys),
}

/// Asks one address. Redirects are not followed.
#[derive(Clone)]
pub(crate) struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    address: Uri,
}

impl Fetcher {
    /// Trusts Mozilla's authorities, since an image may hold none, and those of the system, which `SSL_CERT_FILE` names.
    pub(crate) fn new(address: &str) -> Result<Self, Error> {
        let address = address.parse().map_err(|error: axum::http::uri::InvalidUri| Error::ReadAddress(error.into()))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        roots.add_parsable_certificates(of_system());
        let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(Error::BuildClient)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), address })
    }

    /// For the log.
    pub(crate) const fn address(&self) -> &Uri {
        &self.address
    }

    /// The keys that stand there now.
    pub(crate) async fn fetch(&self) -> Result<KeySet, Error> {
        let body = timeout(TIME, self.get()).await.map_err(|_| Error::Slow)??;
        KeySet::of_document(&body, true).map_err(Error::Use)
    }

    async fn get(&self) -> Result<Bytes, Error> {
        let request = Request::get(self.address.clone())
            .header(ACCEPT, "application/jwk-set+json, application/json")
            .body(Body::empty())
            .map_err(Error::ReadAddress)?;
        let response = self.client.request(request).await.map_err(|error| Error::Get(error.into()))?;
        if response.status() != StatusCode::OK {
            return Err(Error::Status(response.status()));
        }
        let mut body = response.into_body();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Error::Get(error.into()))?;
            let data = frame.into_data().unwrap_or_default();
            if bytes.len() + data.len() > BYTES {
                return Err(Error::TooLarge);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.freeze())
    }
}

/// What cannot be read there is left out: the others may be enough. That the system has none is usual, so only what was named is missed.
fn of_system() -> Vec<CertificateDer<'static>> {
    let found = rustls_native_certs::load_native_certs();
    if env::var_os("SSL_CERT_FILE").or_else(|| env::var_os("SSL_CERT_DIR")).is_some() {
        for error in &found.errors {
            warn!(error = error as &dyn StdError, "authorities named by SSL_CERT_FILE or SSL_CERT_DIR left out");
        }
    }
    found.certs
}
