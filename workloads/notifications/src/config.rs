//! Options of the notifications service.

use clap::Parser;
use realtime_chassis::config::{KafkaConfig, OpsConfig, ReportConfig, ShutdownConfig, TelemetryConfig};
use realtime_contract::{environment, ports};

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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use realtime_contract::Component;

    use super::*;

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
}
