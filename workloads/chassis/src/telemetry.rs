//! Logs and traces of a process.
//!
//! Logs go to standard output. Traces always exist, so that a log line has its trace id and contexts travel on, and are exported together with
//! the logs when an OTLP endpoint is set.

mod export;
mod json;
mod recheck;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::config::{LogFormat, TelemetryConfig};
use recheck::Recheck;

/// How long the last export may take.
const FLUSH_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(3);

/// Telemetry cannot start.
#[derive(Debug, Error)]
pub enum Error {
    /// The filter is malformed.
    #[error("failed to read the log filter {filter:?}, which looks like info,realtime_api=debug")]
    ReadFilter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The endpoint is not one.
    #[error("failed to read the telemetry endpoint {endpoint:?}, which looks like http://collector:4318")]
    ReadEndpoint {
        /// What was given.
        endpoint: String,
    },
    /// An exporter was refused.
    #[error("failed to build the exporter of {signal} to {endpoint}")]
    BuildExporter {
        /// `traces` or `logs`.
        signal: &'static str,
        /// Where to.
        endpoint: String,
        /// The exporter's reason.
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// Telemetry runs already.
    #[error("failed to install the log subscriber")]
    InstallSubscriber {
        /// The reason.
        #[source]
        source: tracing_subscriber::util::TryInitError,
    },
}

/// Holds what is not exported yet.
#[must_use = "telemetry that was not flushed at the end is lost"]
pub struct Guard {
    traces: SdkTracerProvider,
    logs: Option<SdkLoggerProvider>,
}

impl Guard {
    /// Exports the rest, for 3 s at most per signal. Last thing of a process.
    pub async fn flush(self) {
        let flushed = tokio::task::spawn_blocking(move || {
            // A failure has nowhere to go: the collector is away, and the log's own end is here.
            drop(self.traces.shutdown_with_timeout(FLUSH_TIMEOUT));
            drop(self.logs.map(|logs| logs.shutdown_with_timeout(FLUSH_TIMEOUT)));
        });
        drop(flushed.await);
    }
}

/// Starts logs and traces of this process.
///
/// # Errors
/// [`Error`] when a setting is malformed, or when telemetry was started before.
pub fn init(service_name: &'static str, config: &TelemetryConfig) -> Result<Guard, Error> {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let destinations = export::destinations(config)?;
    let traces = export::traces(service_name, destinations.traces)?;
    let logs = destinations.logs.map(|endpoint| export::logs(service_name, endpoint)).transpose()?;

    let tracer = tracing_opentelemetry::layer().with_tracer(traces.tracer(service_name));
    let mut layers = vec![printed(config)?, tracer.with_filter(Recheck(exportable())).boxed()];
    if let Some(logs) = &logs {
        layers.push(OpenTelemetryTracingBridge::new(logs).with_filter(Recheck(exportable())).boxed());
    }
    tracing_subscriber::registry().with(layers).try_init().map_err(|source| Error::InstallSubscriber { source })?;
    Ok(Guard { traces, logs })
}

fn printed(config: &TelemetryConfig) -> Result<Box<dyn Layer<Registry> + Send + Sync>, Error> {
    let filter = Recheck(filter(&config.filter)?);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stdout);
    Ok(match config.form() {
        LogFormat::Json => layer.event_format(json::JsonLines).fmt_fields(json::NoFields).with_filter(filter).boxed(),
        LogFormat::Text => layer.with_ansi(false).with_filter(filter).boxed(),
    })
}

/// Clients of backends repeat each failed connection on every attempt; the board of dependencies says it once. Naming a target turns it on.
fn filter(text: &str) -> Result<EnvFilter, Error> {
    let quiet = ["deadpool", "librdkafka", "rdkafka", "tokio_postgres"]
        .into_iter()
        .filter(|target| !text.contains(&format!("{target}=")));
    let directives: Vec<String> = quiet.map(|target| format!("{target}=off")).chain([text.to_owned()]).collect();
    EnvFilter::try_new(directives.join(",")).map_err(|source| Error::ReadFilter { filter: text.to_owned(), source })
}

/// Everything from `info`, but not the exporters' own doing: it would feed itself.
fn exportable() -> Targets {
    let exporters = [
        "h2",
        "hyper",
        "hyper_util",
        "opentelemetry",
        "opentelemetry_sdk",
        "opentelemetry_otlp",
        "opentelemetry-otlp",
        "reqwest",
        "rustls",
    ];
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(exporters.into_iter().chain(["librdkafka", "rdkafka"]).map(|target| (target, LevelFilter::OFF)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kafka_client_is_quiet_unless_named() {
        assert!(filter("info").unwrap().to_string().contains("librdkafka=off"));
        let named = filter("info,librdkafka=debug").unwrap().to_string();
        assert!(named.contains("librdkafka=debug") && !named.contains("librdkafka=off"), "{named}");
    }

    #[test]
    fn a_malformed_filter_is_refused_with_its_text() {
        let error = filter("info,realtime=loud").unwrap_err();
        assert!(error.to_string().contains("info,realtime=loud"), "{error}");
    }
}
