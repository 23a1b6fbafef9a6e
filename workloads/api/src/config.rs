//! Options of the API.

mod sockets;

use std::path::PathBuf;

use clap::Parser;
use realtime_access::{AccessConfig, limits::LimitConfig};
use realtime_chassis::config::{
    KafkaConfig, OpsConfig, PostgresConfig, RedisConfig, ReportConfig, ShutdownConfig, StreamConfig, TelemetryConfig,
};
use realtime_contract::{environment, ports};

pub(crate) use self::sockets::{ContradictingDelays, SocketConfig};

/// Origins of the front ends that a developer starts: React's and Vite's servers.
const DEVELOPMENT_ORIGINS: &str = "http://localhost:3000,http://localhost:5173";

/// REST, Socket.IO and SSE in front of the notification path.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Config {
    /// Port of the service
    #[arg(id = "service-port", long = "port", env = environment::PORT, value_name = "PORT")]
    port: Option<u16>,

    /// Older name of PORT
    #[arg(long, env = environment::API_PORT, value_name = "API_PORT")]
    api_port: Option<u16>,

    /// Origins by comma that may read answers, or *
    #[arg(long, env = environment::CORS_ORIGIN, value_name = "CORS_ORIGIN", default_value = DEVELOPMENT_ORIGINS)]
    pub(crate) cors_origin: String,

    /// Folder with the files of the console; without it there is no page
    #[arg(long, env = environment::CONSOLE, value_name = "PATH")]
    pub(crate) console: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) access: AccessConfig,

    #[command(flatten)]
    pub(crate) limits: LimitConfig,

    #[command(flatten)]
    pub(crate) stream: StreamConfig,

    #[command(flatten)]
    pub(crate) sockets: SocketConfig,

    #[command(flatten)]
    pub(crate) postgres: PostgresConfig,

    #[command(flatten)]
    pub(crate) redis: RedisConfig,

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

impl Config {
    /// PORT, else its older name, else the port of every stack.
    pub(crate) fn port(&self) -> u16 {
        self.port.or(self.api_port).unwrap_or(ports::HTTP)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::CommandFactory;
    use realtime_contract::Component;

    use super::*;

    const REQUIRED: [&str; 6] = [
        "realtime-api",
        "--postgres-url=postgresql://u@h/d",
        "--redis-url=redis://h",
        "--kafka-brokers=h:9092",
        "--postgres-password=p",
        "--redis-password=p",
    ];

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
            environment::of_workload(Component::Api).into_iter().filter(|name| !known.contains(name)).collect();
        assert!(unread.is_empty(), "{unread:?}");
    }

    fn with(options: &[&str]) -> Config {
        Config::parse_from(REQUIRED.iter().chain(options))
    }

    #[test]
    fn the_demo_does_what_the_service_did_that_it_replaces_unless_told_otherwise() {
        let demo = with(&[]).sockets.demo;
        assert_eq!((demo.connections_per_address, demo.pings, demo.show_addresses), (10, 100, false));
        assert_eq!(demo.delays().unwrap(), Duration::from_secs(5)..=Duration::from_secs(15));
        assert!(with(&["--demo-show-addresses", "true"]).sockets.demo.show_addresses);
        assert!(!with(&["--demo-show-addresses", "false"]).sockets.demo.show_addresses);
    }

    #[test]
    fn refuses_delays_that_contradict_each_other_and_names_both() {
        let demo = with(&["--demo-shortest-seconds", "20"]).sockets.demo;
        let error = demo.delays().unwrap_err().to_string();
        assert!(
            error.contains("REALTIME_DEMO_SHORTEST_SECONDS (20) and REALTIME_DEMO_LONGEST_SECONDS (15)"),
            "{error}"
        );
    }

    #[test]
    fn the_port_wins_over_its_older_name() {
        let port = |options: &[&str]| with(options).port();
        assert_eq!(port(&[]), 3001);
        assert_eq!(port(&["--api-port=4000"]), 4000);
        assert_eq!(port(&["--api-port=4000", "--port=5000"]), 5000);
    }
}
