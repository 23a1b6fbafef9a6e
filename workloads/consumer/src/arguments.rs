//! The command line, each option with its environment variable.

use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use realtime_chassis::config::{
    KafkaConfig, OpsConfig, PostgresConfig, RedisConfig, ReportConfig, ShutdownConfig, TelemetryConfig,
};
use realtime_contract::environment;
use realtime_contract::topic::{DEFAULT_PARTITIONS, NOTIFICATIONS, PRODUCT_EVENTS, Topic};

/// Stores events, feeds them back, and prepares schema and topics
#[derive(Debug, Parser)]
#[command(name = "realtime-consumer", version)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the binary does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Consume until told to end (the default)
    Run(Box<RunArguments>),
    /// Bring schema and topics up to date, then end
    Prepare(Box<PrepareArguments>),
    /// Compare notifications with what their events lead to: a line of JSON for each difference, then a summary
    Rebuild(RebuildArguments),
}

/// Options of `run`.
#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) postgres: PostgresConfig,
    #[command(flatten)]
    pub(crate) kafka: KafkaConfig,
    #[command(flatten)]
    pub(crate) redis: RedisConfig,
    #[command(flatten)]
    pub(crate) ops: OpsConfig,
    #[command(flatten)]
    pub(crate) report: ReportConfig,
    #[command(flatten)]
    pub(crate) shutdown: ShutdownConfig,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryConfig,

    /// Hours that the feed keeps events for clients that come back; the newest 10,000 stay in any case
    #[arg(long, env = environment::FEED_RETENTION_HOURS, value_name = "REALTIME_FEED_RETENTION_HOURS", default_value_t = 24,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) feed_retention_hours: u16,
}

/// Options of `prepare`.
#[derive(Args, Debug)]
pub(crate) struct PrepareArguments {
    #[command(flatten)]
    pub(crate) postgres: PostgresConfig,
    #[command(flatten)]
    pub(crate) kafka: KafkaConfig,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryConfig,

    /// Topics as JSON: [{"name": "notifications", "partitions": 6}]
    #[arg(long, env = environment::TOPICS, value_name = "REALTIME_TOPICS", default_value_t)]
    pub(crate) topics: Topics,

    /// Replicas of each partition
    #[arg(long, env = environment::TOPIC_REPLICATION, value_name = "REALTIME_TOPIC_REPLICATION", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=7))]
    pub(crate) topic_replication: u16,

    /// Seconds to wait for Postgres and Kafka
    #[arg(long, env = environment::PREPARE_SECONDS, value_name = "REALTIME_PREPARE_SECONDS", default_value_t = 300)]
    pub(crate) prepare_seconds: u16,
}

/// Options of `rebuild`.
#[derive(Args, Debug)]
pub(crate) struct RebuildArguments {
    #[command(flatten)]
    pub(crate) postgres: PostgresConfig,

    /// Mend the differences: rows as their events say, and the events of rows that have none
    #[arg(long)]
    pub(crate) write: bool,
}

/// The topics of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topics(pub(crate) Vec<Topic>);

impl Default for Topics {
    fn default() -> Self {
        let topic = |name: &str| Topic { name: name.to_owned(), partitions: DEFAULT_PARTITIONS };
        Self(vec![topic(NOTIFICATIONS), topic(PRODUCT_EVENTS)])
    }
}

impl std::fmt::Display for Topics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let topics: Vec<String> = self.0.iter().map(|topic| serde_json::json!(topic).to_string()).collect();
        write!(formatter, "[{}]", topics.join(","))
    }
}

impl FromStr for Topics {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = r#"topics look like [{"name": "notifications", "partitions": 6}]"#;
        let topics: Vec<Topic> = serde_json::from_str(text).map_err(|error| format!("{form}: {error}"))?;
        match topics.iter().find(|topic| topic.name.is_empty() || topic.partitions == 0) {
            Some(topic) => Err(format!("{form}, with at least one partition, not {topic:?}")),
            None => Ok(Self(topics)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn topics_read_what_they_show() {
        let topics = Topics::default();
        assert_eq!(topics.to_string().parse(), Ok(topics));
    }

    #[test]
    fn topics_without_partitions_or_in_another_form_are_refused() {
        for text in [r#"[{"name":"a","partitions":0}]"#, r#"[{"name":"","partitions":1}]"#, "notifications", "{}"] {
            assert!(text.parse::<Topics>().unwrap_err().contains("look like"), "{text}");
        }
    }
}
