//! Options of the notifications service.

use std::path::PathBuf;

use clap::{Args, Parser};
use realtime_access::{AccessConfig, limits::LimitConfig};
use realtime_chassis::config::{
    KafkaConfig, OpsConfig, RedisConfig, ReportConfig, Secret, ShutdownConfig, StreamConfig, TelemetryConfig,
};
use realtime_contract::{environment, ports, topic};

/// Where Kafka is, and what it calls this client, as the service had it that is replaced.
const BROKERS: &str = "localhost:9092";
const CLIENT_ID: &str = "notifications-service";

/// Kafka to browsers by server-sent events.
#[derive(Debug, Parser)]
#[command(version, mut_arg("kafka-brokers", |brokers| brokers.required(false).default_value(BROKERS)))]
#[command(mut_arg("kafka-client-id", |id| id.default_value(CLIENT_ID).help("Client id")))]
pub(crate) struct Config {
    /// Port of the service
    #[arg(id = "service-port", long = "port", env = environment::PORT, value_name = "PORT", default_value_t = ports::HTTP)]
    pub(crate) port: u16,

    /// Origins by comma that may read answers, or *
    #[arg(long, env = environment::CORS_ORIGIN, value_name = "CORS_ORIGIN", default_value = "*")]
    pub(crate) cors_origin: String,

    #[command(flatten)]
    pub(crate) events: EventConfig,

    #[command(flatten)]
    pub(crate) stream: StreamConfig,

    #[command(flatten)]
    pub(crate) access: AccessConfig,

    #[command(flatten)]
    pub(crate) limits: LimitConfig,

    #[command(flatten)]
    pub(crate) peers: PeerConfig,

    #[command(flatten)]
    pub(crate) kafka: KafkaConfig,

    #[command(flatten)]
    pub(crate) ops: OpsConfig,

    #[command(flatten)]
    pub(crate) report: ReportConfig,

    #[command(flatten)]
    pub(crate) shutdown: ShutdownConfig,

    #[command(flatten)]
    pub(crate) telemetry: TelemetryConfig,
}

/// What is read from Kafka.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Events")]
pub(crate) struct EventConfig {
    /// Topics of the stream by comma
    #[arg(long = "stream-topics", env = environment::STREAM_TOPICS, value_name = "REALTIME_STREAM_TOPICS", value_delimiter = ',', value_parser = topic_name, default_value = topic::PRODUCT_EVENTS)]
    pub(crate) topics: Vec<String>,

    /// JSON file [{"type", "schema"}] with the event types beside the product events
    #[arg(long, env = environment::SCHEMAS, value_name = "REALTIME_SCHEMAS")]
    pub(crate) schemas: Option<PathBuf>,

    /// Offsets of a partition within which an event id counts once
    #[arg(long = "deduplication-window", env = environment::DEDUPLICATION_WINDOW, value_name = "REALTIME_DEDUPLICATION_WINDOW", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) window: u32,
}

/// Where instances meet: they count together there, and tell what they have done. Each counts by itself without it.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Redis")]
pub(crate) struct PeerConfig {
    /// Address, such as redis://host:6379; without it limits count for this instance alone
    #[arg(id = "redis-url", long = "redis-url", env = environment::REDIS_URL, value_name = "REDIS_URL=redis://host:6379", hide_env_values = true)]
    url: Option<Secret>,

    /// Password; wins over one in the address
    #[arg(id = "redis-password", long = "redis-password", env = environment::REDIS_PASSWORD, value_name = "REDIS_PASSWORD", hide_env_values = true, requires = "redis-url")]
    password: Option<Secret>,
}

impl PeerConfig {
    /// How to reach Redis, if there is one.
    pub(crate) fn redis(&self) -> Option<RedisConfig> {
        let url = self.url.clone()?;
        Some(RedisConfig { url: Some(url), host: None, port: ports::REDIS, password: self.password.clone() })
    }
}

/// As Kafka allows it.
fn topic_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if (1..=249).contains(&name.len()) && name.chars().all(allowed) {
        Ok(name.to_owned())
    } else {
        Err("a topic's name has 1 to 249 letters, digits, '.', '_' or '-', as in product-events,orders".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use realtime_access::Auth;
    use realtime_contract::Component;

    use super::*;

    fn parse(options: &[&str]) -> Result<Config, String> {
        let all = ["realtime-notifications"].iter().chain(options);
        Config::try_parse_from(all).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Config::command().debug_assert();
    }

    #[test]
    fn reads_every_variable_that_the_operator_sets() {
        let command = Config::command();
        let known: Vec<&str> =
            command.get_arguments().filter_map(|argument| argument.get_env().and_then(|name| name.to_str())).collect();
        let unread: Vec<_> = environment::of_workload(Component::Notifications)
            .into_iter()
            .filter(|name| !known.contains(name))
            .collect();
        assert!(unread.is_empty(), "{unread:?}");
    }

    #[test]
    fn without_options_it_reads_the_product_events() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.events.topics, ["product-events"]);
        assert_eq!((config.events.window, config.stream.ring_events), (10_000, 10_000));
    }

    #[test]
    fn without_options_nobody_is_asked_and_nothing_is_limited() {
        let config = parse(&[]).unwrap();
        assert_eq!((config.access.auth, config.limits), (Auth::Anonymous, LimitConfig::default()));
        assert!(config.peers.redis().is_none());
    }

    #[test]
    fn the_password_of_redis_needs_its_address() {
        let error = parse(&["--redis-password", "secret"]).unwrap_err();
        assert!(error.contains("--redis-url"), "{error}");
        let config = parse(&["--redis-url", "redis://host:6379", "--redis-password", "secret"]).unwrap();
        assert_eq!(config.peers.redis().unwrap().password.unwrap().expose(), "secret");
    }

    #[test]
    fn kafka_is_where_it_was_for_the_service_that_is_replaced_unless_told_otherwise() {
        let kafka = |options: &[&str]| {
            let KafkaConfig { brokers, client_id, .. } = parse(options).unwrap().kafka;
            (brokers, client_id.unwrap())
        };
        assert_eq!(kafka(&[]), ("localhost:9092".to_owned(), "notifications-service".to_owned()));
        let options = ["--kafka-brokers", "kafka:9093", "--kafka-client-id", "mine"];
        assert_eq!(kafka(&options), ("kafka:9093".to_owned(), "mine".to_owned()));
        assert!(parse(&["--kafka-brokers", "kafka"]).unwrap_err().contains("host:port"));
    }

    #[test]
    fn lists_are_read_by_comma() {
        let config = parse(&["--stream-topics", "orders,product-events"]).unwrap();
        assert_eq!(config.events.topics, ["orders", "product-events"]);
    }

    #[test]
    fn refuses_with_a_sentence_that_says_what_to_change() {
        let error = parse(&["--stream-topics", "orders,a b"]).unwrap_err();
        assert!(error.contains("1 to 249 letters"), "{error}");
    }
}
