//! An address by https, read by a process of its own: whom it trusts is decided by the environment that it begins with.

use std::{
    env, fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use clap::Parser;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer as Authority, KeyPair};
use realtime_chassis::{config::TelemetryConfig, telemetry};
use rustls::{
    ServerConfig, ServerConnection, Stream,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::*;

/// This test, as the process is told that does the work of it.
const TEST: &str =
    "keys::remote::tests::tls::keys_by_https_come_only_from_whom_an_authority_vouches_for_that_is_trusted";
/// To that process, the host that it reads the keys of, and what comes of it.
const HOST: &str = "REALTIME_TEST_HOST";
const OUTCOME: &str = "REALTIME_TEST_OUTCOME";
/// To that process, the folder with [`AUTHORITY`], [`CERTIFICATE`] and [`KEY`].
const FOLDER: &str = "REALTIME_TEST_FOLDER";

const AUTHORITY: &str = "authority.pem";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    /// With an authority, and a certificate by it for `localhost`.
    fn with_certificates() -> Self {
        let path = env::temp_dir().join(format!("realtime-access-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let folder = Self(path);
        let [authority_key, key] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        fs::write(folder.file(AUTHORITY), authority.self_signed(&authority_key).unwrap().pem()).unwrap();
        let authority = Authority::new(authority, authority_key);
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        fs::write(folder.file(CERTIFICATE), certificate.pem()).unwrap();
        fs::write(folder.file(KEY), key.serialize_pem()).unwrap();
        folder
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Serves the document by https until the process ends; the port.
fn serve(folder: &Path, document: &str) -> u16 {
    let certificates = CertificateDer::pem_file_iter(folder.join(CERTIFICATE)).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join(KEY)).unwrap();
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(certificates, key).unwrap());
    let answer =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{document}", document.len());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (mut socket, mut tls) = (socket.unwrap(), ServerConnection::new(config.clone()).unwrap());
            let mut stream = Stream::new(&mut tls, &mut socket);
            // The head of a GET comes in one record. Who does not trust the certificate ends the connection before.
            if stream.read(&mut [0; 4096]).is_ok() {
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    port
}

/// What the other process does: reads the keys, and checks a token with them.
async fn read(folder: &Path, host: &str) -> String {
    let _telemetry = telemetry::init("test", &Options::parse_from(["test"]).telemetry).unwrap();
    let (_, document) = keys(&[(Signer::Ed, "a")]);
    let config = AccessConfig {
        auth: Auth::Jwt,
        jwt_jwks_url: Some(format!("https://{host}:{}/keys", serve(folder, &document))),
        jwt_jwks_seconds: Some(300),
        ..AccessConfig::default()
    };
    let gate = Gate::start(&config, b"0123456789abcdef", CancellationToken::new()).unwrap();
    let outcome = check(&gate, "EdDSA", Signer::Ed, "a").await;
    format!("{:?}", outcome.map(|access| access.user))
}

#[tokio::test]
async fn keys_by_https_come_only_from_whom_an_authority_vouches_for_that_is_trusted() {
    if let [Ok(folder), Ok(host), Ok(outcome)] = [FOLDER, HOST, OUTCOME].map(env::var) {
        return assert_eq!(read(Path::new(&folder), &host).await, outcome);
    }
    let folder = Folder::with_certificates();
    let (authority, other) = (folder.file(AUTHORITY), folder.file(KEY));
    for (trusted, host, outcome, told) in [
        (&authority, "localhost", r#"Ok(Some("7"))"#, "keys of tokens read"),
        (&authority, "127.0.0.1", "Err(KeysAway)", "certificate not valid for name \"127.0.0.1\""),
        (&other, "localhost", "Err(KeysAway)", "invalid peer certificate: UnknownIssuer"),
    ] {
        let mut process = Command::new(env::current_exe().unwrap());
        process.args(["--exact", TEST, "--nocapture"]).env_remove("SSL_CERT_DIR").env("SSL_CERT_FILE", trusted);
        process.env(FOLDER, &folder.0).env(HOST, host).env(OUTCOME, outcome);
        let output = process.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let line = text.lines().find(|line| line.contains("keys of tokens")).unwrap_or_else(|| panic!("{text}"));
        assert!(line.contains(&format!("https://{host}:")), "{line}");
        assert!(line.replace('\\', "").contains(told), "{line}");
    }
}
