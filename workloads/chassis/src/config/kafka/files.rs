//! PEM files of certificates and keys, looked at before librdkafka gets their paths: its own errors name neither file nor
//! variable, and some come long after the start.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Why a file does not serve, and what it should be.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    #[error("{variable} is not the path of a readable file: {path}: {source}")]
    Read { variable: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{variable} names a file without a certificate in PEM form: {path}: {source}")]
    Certificate { variable: &'static str, path: PathBuf, source: pem::Error },
    #[error("{variable} names a file without a key in PEM form; a key must not be encrypted: {path}: {source}")]
    Key { variable: &'static str, path: PathBuf, source: pem::Error },
    #[error("{variable} is no path that can be given on, because it is not UTF-8: {path}")]
    Name { variable: &'static str, path: PathBuf },
}

/// The path, when all certificates in the file can be read and there is one at least.
pub(super) fn certificates(variable: &'static str, path: &Path) -> Result<String, Refusal> {
    let text = read(variable, path)?;
    let mut certificates = CertificateDer::pem_slice_iter(&text);
    let first = certificates.next().unwrap_or(Err(pem::Error::NoItemsFound));
    let outcome = first.and_then(|_| certificates.try_for_each(|certificate| certificate.map(drop)));
    outcome.map_err(|source| Refusal::Certificate { variable, path: path.to_owned(), source })?;
    name(variable, path)
}

/// The path, when the file holds a key.
pub(super) fn key(variable: &'static str, path: &Path) -> Result<String, Refusal> {
    PrivateKeyDer::from_pem_slice(&read(variable, path)?).map_err(|source| Refusal::Key {
        variable,
        path: path.to_owned(),
        source,
    })?;
    name(variable, path)
}

fn read(variable: &'static str, path: &Path) -> Result<Vec<u8>, Refusal> {
    std::fs::read(path).map_err(|source| Refusal::Read { variable, path: path.to_owned(), source })
}

fn name(variable: &'static str, path: &Path) -> Result<String, Refusal> {
    path.to_str().map(ToOwned::to_owned).ok_or_else(|| Refusal::Name { variable, path: path.to_owned() })
}
