use clap::Parser;

use super::*;

/// The two ends of a certificate that is none: its bytes are not looked at here.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
const ENCRYPTED_KEY: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
const OLD_ENCRYPTED_KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n";

#[derive(Debug, Parser)]
struct Binary {
    #[command(flatten)]
    kafka: KafkaConfig,
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("realtime-kafka-config-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn parse(arguments: &[&str]) -> Result<KafkaConfig, String> {
    let all = ["binary", "--kafka-brokers=kafka:9092"].iter().chain(arguments);
    Binary::try_parse_from(all).map(|binary| binary.kafka).map_err(|error| error.to_string())
}

fn refusal(arguments: &[&str]) -> String {
    parse(arguments).unwrap_err()
}

#[test]
fn brokers_need_host_and_port_each() {
    assert!(brokers("a:9092,b:9093").is_ok());
    assert!(brokers("a:9092,b").is_err() && brokers(":9092").is_err() && brokers("").is_err());
}

#[test]
fn brokers_alone_are_an_anonymous_connection_in_clear_text() {
    let config = parse(&[]).unwrap();
    assert_eq!(config.brokers, "kafka:9092");
    assert!(config.user.is_none() && config.tls.is_none());
    assert!(parse(&["--kafka-tls=false"]).unwrap().tls.is_none());
}

#[test]
fn a_user_proves_the_password_by_plain_unless_another_mechanism_is_named() {
    let mechanism = |more: &[&str]| {
        let arguments = [&["--kafka-username=u", "--kafka-password=hunter2"], more].concat();
        let config = parse(&arguments).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        config.user.unwrap().mechanism
    };
    assert_eq!(mechanism(&[]), SaslMechanism::Plain);
    assert_eq!(mechanism(&["--kafka-sasl-mechanism=SCRAM-SHA-256"]), SaslMechanism::ScramSha256);
    assert_eq!(mechanism(&["--kafka-sasl-mechanism=scram-sha-512"]), SaslMechanism::ScramSha512);
}

#[test]
fn half_a_user_is_refused_by_what_is_missing() {
    assert!(refusal(&["--kafka-username=u"]).contains("KAFKA_PASSWORD is missing"));
    let error = refusal(&["--kafka-password=hunter2"]);
    assert!(error.contains("KAFKA_USERNAME is missing") && !error.contains("hunter2"), "{error}");
    let error = refusal(&["--kafka-sasl-mechanism=SCRAM-SHA-512"]);
    assert!(error.contains("KAFKA_SASL_MECHANISM=SCRAM-SHA-512 needs a user"), "{error}");
    assert!(refusal(&["--kafka-sasl-mechanism=GSSAPI"]).contains("PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"));
}

#[test]
fn tls_takes_authorities_and_identity() {
    let folder = Folder::new("identity");
    let authorities = folder.file("ca.pem", &[CERTIFICATE, CERTIFICATE].concat());
    let (certificate, key) = (folder.file("tls.crt", CERTIFICATE), folder.file("tls.key", KEY));
    let ca = format!("--kafka-tls-ca={authorities}");
    let config = parse(&["--kafka-tls", &ca]).unwrap();
    assert_eq!(config.tls, Some(KafkaTls { authorities: authorities.clone(), identity: None }));
    let own = [format!("--kafka-tls-certificate={certificate}"), format!("--kafka-tls-key={key}")];
    let config = parse(&["--kafka-tls=true", &ca, &own[0], &own[1]]).unwrap();
    assert_eq!(config.tls, Some(KafkaTls { authorities, identity: Some(KafkaIdentity { certificate, key }) }));
    for (given, missing) in [(&own[0], "KAFKA_TLS_KEY"), (&own[1], "KAFKA_TLS_CERTIFICATE")] {
        let error = refusal(&["--kafka-tls", &ca, given]);
        assert!(error.contains(&format!("{missing} is missing")), "{error}");
    }
}

#[test]
fn a_file_that_does_not_serve_is_named_with_its_variable() {
    let folder = Folder::new("files");
    let certificate = folder.file("tls.crt", CERTIFICATE);
    let broken = folder.file("broken.pem", &[CERTIFICATE, "-----BEGIN CERTIFICATE-----\nMAA="].concat());
    for path in ["/no/such/file", "/", &broken, &folder.file("empty.pem", ""), &folder.file("key.pem", KEY)] {
        let error = refusal(&["--kafka-tls", &format!("--kafka-tls-ca={path}")]);
        assert!(error.contains("KAFKA_TLS_CA") && error.contains(path), "{error}");
    }
    for text in ["", CERTIFICATE, ENCRYPTED_KEY, OLD_ENCRYPTED_KEY] {
        let key = folder.file("tls.key", text);
        let error = refusal(&[
            "--kafka-tls",
            &format!("--kafka-tls-ca={certificate}"),
            &format!("--kafka-tls-certificate={certificate}"),
            &format!("--kafka-tls-key={key}"),
        ]);
        assert!(error.contains("KAFKA_TLS_KEY") && error.contains("must not be encrypted"), "{text}: {error}");
    }
}

#[test]
fn a_setting_of_tls_without_tls_is_refused() {
    for option in ["ca", "certificate", "key"] {
        let error = refusal(&[&format!("--kafka-tls-{option}=/tmp/x")]);
        assert!(error.contains(&format!("KAFKA_TLS_{} is set, but TLS is off", option.to_uppercase())), "{error}");
    }
    assert!(refusal(&["--kafka-tls=perhaps"]).contains("true, false"));
}

#[test]
fn authorities_are_those_of_the_system_where_none_are_given() {
    let folder = Folder::new("system");
    let system = folder.file("system.pem", CERTIFICATE);
    let options = |arguments: &[&str]| {
        let all = ["binary", "--kafka-brokers=kafka:9092", "--kafka-tls"].iter().chain(arguments);
        let matches = KafkaOptions::augment_args(Command::new("binary")).get_matches_from(all);
        KafkaOptions::from_arg_matches(&matches).unwrap()
    };
    let found = tls(&options(&[]), || Some(PathBuf::from(&system))).unwrap();
    assert_eq!(found, Some(KafkaTls { authorities: system, identity: None }));
    let error = tls(&options(&[]), || None).unwrap_err().to_string();
    assert!(error.contains("set KAFKA_TLS_CA to the path of a PEM file"), "{error}");
    let own = folder.file("own.pem", CERTIFICATE);
    let chosen = tls(&options(&[&format!("--kafka-tls-ca={own}")]), || panic!("not asked")).unwrap();
    assert_eq!(chosen.unwrap().authorities, own);
}
