//! How to reach Kafka: options, and what they come to together.

mod files;

use std::fmt;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use realtime_contract::environment;
use thiserror::Error;

use super::Secret;

/// How to reach Kafka. Read from the options below, which are refused where they contradict each other: what stands here works
/// together, and each file that it names was readable.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// Bootstrap brokers, `host:port` by comma.
    pub brokers: String,
    /// Client id; the binary's name when it is not given.
    pub client_id: Option<String>,
    /// The user; without it the connection is anonymous, or known by its certificate.
    pub user: Option<KafkaUser>,
    /// TLS; without it the connection is in clear text.
    pub tls: Option<KafkaTls>,
}

impl KafkaConfig {
    /// An anonymous connection in clear text.
    pub fn anonymous(brokers: impl Into<String>) -> Self {
        Self { brokers: brokers.into(), client_id: None, user: None, tls: None }
    }
}

/// Who the client is, by SASL.
#[derive(Clone, Debug)]
pub struct KafkaUser {
    /// How the password is proven.
    pub mechanism: SaslMechanism,
    /// Name.
    pub name: String,
    /// Password.
    pub password: Secret,
}

/// Mechanisms of SASL, by the names that they have in the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SaslMechanism {
    /// The password itself.
    #[default]
    #[value(name = "PLAIN")]
    Plain,
    /// RFC 7677.
    #[value(name = "SCRAM-SHA-256")]
    ScramSha256,
    /// The same with SHA-512.
    #[value(name = "SCRAM-SHA-512")]
    ScramSha512,
}

impl fmt::Display for SaslMechanism {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        })
    }
}

/// TLS to the brokers, whose names are always checked against their certificates. Paths of PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaTls {
    /// Authorities that the brokers' certificates are checked against.
    pub authorities: String,
    /// What the client shows of itself.
    pub identity: Option<KafkaIdentity>,
}

/// A client's certificate and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaIdentity {
    /// The certificate, with those between it and the authority.
    pub certificate: String,
    /// Its key, not encrypted.
    pub key: String,
}

/// Why options do not work together. Each says what to change, in the names of the variables.
#[derive(Debug, Error)]
enum Refusal {
    #[error(
        "KAFKA_USERNAME and KAFKA_PASSWORD go together, and {missing} is missing: set both, or none of them for an anonymous connection"
    )]
    Incomplete { missing: &'static str },
    #[error(
        "KAFKA_SASL_MECHANISM={mechanism} needs a user: set KAFKA_USERNAME and KAFKA_PASSWORD, or leave the mechanism out"
    )]
    NoUser { mechanism: SaslMechanism },
    #[error("{variable} is set, but TLS is off: set KAFKA_TLS=true, or leave {variable} out")]
    TlsOff { variable: &'static str },
    #[error("KAFKA_TLS_CERTIFICATE and KAFKA_TLS_KEY go together, and {missing} is missing: set both, or none of them")]
    HalfIdentity { missing: &'static str },
    #[error(
        "KAFKA_TLS=true needs authorities to check the brokers' certificates against, and this system has none, as is so in an image \
         that holds nothing but a program: set KAFKA_TLS_CA to the path of a PEM file"
    )]
    NoAuthorities,
    #[error(transparent)]
    File(#[from] files::Refusal),
}

/// The options as they are given.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Kafka")]
struct KafkaOptions {
    /// Bootstrap brokers, host:port by comma
    #[arg(id = "kafka-brokers", long = "kafka-brokers", env = environment::KAFKA_BROKERS, value_name = "KAFKA_BROKERS=host:9092,host:9092", value_parser = brokers)]
    brokers: String,

    /// Client id; the binary's name when it is not given
    #[arg(id = "kafka-client-id", long = "kafka-client-id", env = environment::KAFKA_CLIENT_ID, value_name = "KAFKA_CLIENT_ID")]
    client_id: Option<String>,

    /// User for SASL; without it the connection is anonymous
    #[arg(id = "kafka-username", long = "kafka-username", env = environment::KAFKA_USERNAME, value_name = "KAFKA_USERNAME")]
    username: Option<String>,

    /// Password for SASL
    #[arg(id = "kafka-password", long = "kafka-password", env = environment::KAFKA_PASSWORD, value_name = "KAFKA_PASSWORD", hide_env_values = true)]
    password: Option<Secret>,

    /// How the password is proven; PLAIN when there is a user
    #[arg(id = "kafka-sasl-mechanism", long = "kafka-sasl-mechanism", env = environment::KAFKA_SASL_MECHANISM, value_name = "KAFKA_SASL_MECHANISM", ignore_case = true)]
    mechanism: Option<SaslMechanism>,

    /// TLS to the brokers
    #[arg(id = "kafka-tls", long = "kafka-tls", env = environment::KAFKA_TLS, value_name = "KAFKA_TLS", action = ArgAction::Set, num_args = 0..=1, default_value_t = false, default_missing_value = "true")]
    tls: bool,

    /// PEM file with the authorities of the brokers' certificates; the system's when it is not given
    #[arg(id = "kafka-tls-ca", long = "kafka-tls-ca", env = environment::KAFKA_TLS_CA, value_name = "KAFKA_TLS_CA")]
    authorities: Option<PathBuf>,

    /// PEM file with the client's certificate
    #[arg(id = "kafka-tls-certificate", long = "kafka-tls-certificate", env = environment::KAFKA_TLS_CERTIFICATE, value_name = "KAFKA_TLS_CERTIFICATE")]
    certificate: Option<PathBuf>,

    /// PEM file with the client's key, not encrypted
    #[arg(id = "kafka-tls-key", long = "kafka-tls-key", env = environment::KAFKA_TLS_KEY, value_name = "KAFKA_TLS_KEY")]
    key: Option<PathBuf>,
}

impl TryFrom<KafkaOptions> for KafkaConfig {
    type Error = Refusal;

    fn try_from(options: KafkaOptions) -> Result<Self, Refusal> {
        // What this system has is asked for only where it is needed.
        let tls = tls(&options, || openssl_probe::probe().cert_file)?;
        let user = match (options.username, options.password, options.mechanism) {
            (Some(name), Some(password), mechanism) => {
                Some(KafkaUser { mechanism: mechanism.unwrap_or_default(), name, password })
            }
            (Some(_), None, _) => return Err(Refusal::Incomplete { missing: environment::KAFKA_PASSWORD }),
            (None, Some(_), _) => return Err(Refusal::Incomplete { missing: environment::KAFKA_USERNAME }),
            (None, None, Some(mechanism)) => return Err(Refusal::NoUser { mechanism }),
            (None, None, None) => None,
        };
        Ok(Self { brokers: options.brokers, client_id: options.client_id, user, tls })
    }
}

fn tls(options: &KafkaOptions, of_system: impl FnOnce() -> Option<PathBuf>) -> Result<Option<KafkaTls>, Refusal> {
    let given = [
        (environment::KAFKA_TLS_CA, &options.authorities),
        (environment::KAFKA_TLS_CERTIFICATE, &options.certificate),
        (environment::KAFKA_TLS_KEY, &options.key),
    ];
    if !options.tls {
        let useless = given.iter().find(|(_, path)| path.is_some());
        return useless.map_or(Ok(None), |(variable, _)| Err(Refusal::TlsOff { variable }));
    }
    let authorities = options.authorities.clone().or_else(of_system).ok_or(Refusal::NoAuthorities)?;
    let identity = match (&options.certificate, &options.key) {
        (Some(certificate), Some(key)) => Some(KafkaIdentity {
            certificate: files::certificates(environment::KAFKA_TLS_CERTIFICATE, certificate)?,
            key: files::key(environment::KAFKA_TLS_KEY, key)?,
        }),
        (Some(_), None) => return Err(Refusal::HalfIdentity { missing: environment::KAFKA_TLS_KEY }),
        (None, Some(_)) => return Err(Refusal::HalfIdentity { missing: environment::KAFKA_TLS_CERTIFICATE }),
        (None, None) => None,
    };
    Ok(Some(KafkaTls { authorities: files::certificates(environment::KAFKA_TLS_CA, &authorities)?, identity }))
}

impl Args for KafkaConfig {
    fn augment_args(command: Command) -> Command {
        KafkaOptions::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        KafkaOptions::augment_args_for_update(command)
    }
}

impl FromArgMatches for KafkaConfig {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let refused = |refusal| clap::Error::raw(ErrorKind::ValueValidation, format!("{refusal}\n"));
        Self::try_from(KafkaOptions::from_arg_matches(matches)?).map_err(refused)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn brokers(text: &str) -> Result<String, String> {
    let is_address = |broker: &str| {
        broker
            .trim()
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
    };
    if text.split(',').all(is_address) {
        Ok(text.to_owned())
    } else {
        Err("brokers are host:port by comma, such as kafka-0:9092,kafka-1:9092".to_owned())
    }
}

#[cfg(test)]
mod tests;
