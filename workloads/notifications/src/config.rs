//! Options of the notifications service.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser};
use ipnet::IpNet;
use realtime_chassis::config::{KafkaConfig, OpsConfig, ReportConfig, Secret, ShutdownConfig, TelemetryConfig};
use realtime_contract::{environment, ports, topic};

/// Bytes of a cursor key at least: fewer could be guessed.
const KEY_BYTES: usize = 16;

/// Kafka to browsers by server-sent events.
#[derive(Debug, Parser)]
#[command(version)]
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

/// How streams are served.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Streams")]
pub(crate) struct StreamConfig {
    /// Secret that signs cursors, the same for all instances; without it cursors end with the process
    #[arg(long, env = environment::CURSOR_KEY, value_name = "REALTIME_CURSOR_KEY", hide_env_values = true, value_parser = key)]
    pub(crate) cursor_key: Option<Secret>,

    /// Open streams at most; the limit of open files less 512 when it is not given
    #[arg(long = "stream-connections", env = environment::STREAM_CONNECTIONS, value_name = "REALTIME_STREAM_CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: Option<u32>,

    /// Open streams of one client address at most; no limit when it is not given
    #[arg(long = "stream-connections-per-address", env = environment::STREAM_CONNECTIONS_PER_ADDRESS, value_name = "REALTIME_STREAM_CONNECTIONS_PER_ADDRESS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections_per_address: Option<u32>,

    /// Networks by comma, as in 10.0.0.0/8, whose X-Forwarded-For is believed
    #[arg(long, env = environment::TRUSTED_PROXIES, value_name = "REALTIME_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub(crate) trusted_proxies: Vec<IpNet>,

    /// Seconds after which a stream is closed to come back, less up to a fifth by chance; 0 for never
    #[arg(long = "stream-age-seconds", env = environment::STREAM_AGE_SECONDS, value_name = "REALTIME_STREAM_AGE_SECONDS", default_value_t = 3600)]
    age_seconds: u32,

    /// Newest events that are kept in memory
    #[arg(long, env = environment::RING_EVENTS, value_name = "REALTIME_RING_EVENTS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) ring_events: u32,

    /// Bytes of the newest events that are kept in memory
    #[arg(long, env = environment::RING_BYTES, value_name = "REALTIME_RING_BYTES", default_value_t = 16 * 1024 * 1024)]
    pub(crate) ring_bytes: u32,
}

impl StreamConfig {
    /// After which a stream is renewed, if ever.
    pub(crate) fn age(&self) -> Option<Duration> {
        (self.age_seconds > 0).then(|| Duration::from_secs(self.age_seconds.into()))
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

fn key(text: &str) -> Result<Secret, String> {
    if text.len() < KEY_BYTES {
        return Err(format!("a cursor key has {KEY_BYTES} bytes or more; make one by `openssl rand -hex 32`"));
    }
    Ok(text.to_owned().into())
}

/// An address alone is a network of one.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let address = || text.parse::<IpAddr>().map(IpNet::from).ok();
    text.parse().ok().or_else(address).ok_or_else(|| "a network looks like 10.0.0.0/8 or fd00::/8".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use realtime_contract::Component;

    use super::*;

    fn parse(options: &[&str]) -> Result<Config, String> {
        let all = ["realtime-notifications", "--kafka-brokers", "kafka:9092"].iter().chain(options);
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
        let unread: Vec<_> =
            environment::of_workload(Component::Notifications).iter().filter(|name| !known.contains(name)).collect();
        assert!(unread.is_empty(), "{unread:?}");
    }

    #[test]
    fn without_options_it_reads_the_product_events() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.events.topics, ["product-events"]);
        assert_eq!((config.events.window, config.stream.ring_events), (10_000, 10_000));
        assert_eq!(config.stream.age(), Some(Duration::from_secs(3600)));
    }

    #[test]
    fn lists_are_read_by_comma() {
        let options =
            ["--stream-topics", "orders,product-events", "--trusted-proxies", "10.0.0.0/8, 192.0.2.7,fd00::/8"];
        let config = parse(&options).unwrap();
        assert_eq!(config.events.topics, ["orders", "product-events"]);
        let networks: Vec<_> = config.stream.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"]);
        assert_eq!(parse(&["--stream-age-seconds", "0"]).unwrap().stream.age(), None);
    }

    #[test]
    fn refuses_with_a_sentence_that_says_what_to_change() {
        for (option, value, sentence) in [
            ("--stream-topics", "orders,a b", "1 to 249 letters"),
            ("--cursor-key", "short", "openssl rand"),
            ("--trusted-proxies", "10.0.0.0/40", "10.0.0.0/8"),
            ("--stream-connections", "0", "1.."),
        ] {
            let error = parse(&[option, value]).unwrap_err();
            assert!(error.contains(sentence), "{error}");
        }
    }

    #[test]
    fn the_cursor_key_does_not_show_itself() {
        let config = parse(&["--cursor-key", "0123456789abcdef"]).unwrap();
        assert!(!format!("{config:?}").contains("0123456789"));
    }
}
