//! Options of every process.

use std::time::Duration;

use clap::{Args, ValueEnum};
use realtime_contract::{environment, ports};

/// Where the ops server listens.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Ops server")]
pub struct OpsConfig {
    /// Port of /livez, /readyz, /dependencies and /metrics
    #[arg(id = "ops-port", long = "ops-port", env = environment::OPS_PORT, value_name = "REALTIME_OPS_PORT", default_value_t = ports::OPS)]
    pub port: u16,
}

/// How a process ends.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Shutdown")]
pub struct ShutdownConfig {
    /// Seconds that the process has to end its work after SIGTERM
    #[arg(long, env = environment::DRAIN_SECONDS, value_name = "REALTIME_DRAIN_SECONDS", default_value_t = 20)]
    pub drain_seconds: u16,
}

impl ShutdownConfig {
    /// The time as a duration.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds.into())
    }
}

/// Form of the log on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Logs and traces.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Telemetry")]
pub struct TelemetryConfig {
    /// Which log records are written, as in RUST_LOG: `info`, `info,realtime_api=debug`
    #[arg(id = "log", long = "log", env = environment::LOG, value_name = "REALTIME_LOG", default_value = "info")]
    pub filter: String,

    /// Form of the log; json by default
    #[arg(long, env = environment::LOG_FORMAT, value_name = "REALTIME_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,

    /// `development` makes text the default form of the log
    #[arg(long, env = environment::NODE_ENV, value_name = "NODE_ENV")]
    pub node_env: Option<String>,

    /// OTLP endpoint (HTTP, protobuf) for traces and logs, such as http://collector:4318; nothing is exported without it
    #[arg(long, env = environment::OTLP_ENDPOINT, value_name = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,

    /// Whole URL for traces, such as http://tempo:4318/v1/traces; wins over the OTLP endpoint
    #[arg(long, env = environment::TEMPO_ENDPOINT, value_name = "TEMPO_ENDPOINT")]
    pub tempo_endpoint: Option<String>,

    /// Base URL for traces, such as http://tempo:4318
    #[arg(long, env = environment::TEMPO_URL, value_name = "TEMPO_URL")]
    pub tempo_url: Option<String>,

    /// Base URL of Loki for logs, such as http://loki:3100; wins over the OTLP endpoint
    #[arg(long, env = environment::LOKI_URL, value_name = "LOKI_URL")]
    pub loki_url: Option<String>,

    /// The same, or its host alone, such as loki or loki:3100
    #[arg(long, env = environment::LOKI_HOST, value_name = "LOKI_HOST")]
    pub loki_host: Option<String>,
}

impl TelemetryConfig {
    /// Form of the log: as set, else text for who develops, as the services did that were replaced.
    pub(crate) fn form(&self) -> LogFormat {
        let develops = self.node_env.as_deref() == Some("development");
        self.log_format.unwrap_or(if develops { LogFormat::Text } else { LogFormat::Json })
    }
}

/// Which pod reports to which stack. The report is off unless all three are there.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Readiness report")]
pub struct ReportConfig {
    /// Name of the RealtimeStack that this pod belongs to
    #[arg(long, env = environment::STACK, value_name = "REALTIME_STACK")]
    pub stack: Option<String>,

    /// Namespace of the pod
    #[arg(long, env = environment::NAMESPACE, value_name = "REALTIME_NAMESPACE")]
    pub namespace: Option<String>,

    /// Name of the pod
    #[arg(long, env = environment::POD, value_name = "REALTIME_POD")]
    pub pod: Option<String>,
}
